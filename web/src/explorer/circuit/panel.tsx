/** F of the wires that are on, in large type, with its interval and the change; and the global switches. */
import { short } from "../../format";
import type { Asked } from "../ask";
import { Failing } from "../states";
import type { Found, Switched } from "./types";

interface Props {
  found: Found;
  /** For the wires that are off, or were off at the last answer. */
  asked: Asked<Switched>;
  /** Whether the answer for the current wires is pending. */
  late: boolean;
  off: number;
  setAll: (on: boolean) => void;
  findAgain: () => void;
}

/** The numbers beside the picture. */
export function Panel({ found, asked, late, off, setAll, findAgain }: Props) {
  const { data, failed } = asked;
  const now = data ?? { ...found.whole, on: found.wires, change: 0, cut: null };
  return (
    <section class="panel-of-f" aria-label="Faithfulness of what is on">
      <p class={late ? "large-f old" : "large-f"} aria-busy={late}>
        <i>F</i> <b>{plain(now.faithfulness)}</b>
      </p>
      <Scale found={found} now={now.faithfulness} />
      <p role="status" class="f-said">
        {!late && (
          <>
            <span class="visually-hidden">F is {plain(now.faithfulness)}. </span>
            95 %: {plain(now.low)} to {plain(now.high)}, on {now.pairs} pairs.{" "}
            {off === 0 ? `All ${count(found.wires)} wires of the circuit are on.` : `${count(now.on)} of ${count(found.wires)} wires are on: ${short(now.change, 2, true)} from the whole circuit’s ${plain(found.whole.faithfulness)}.`}
          </>
        )}
      </p>
      <p class="buttons-of-all">
        <button type="button" onClick={() => setAll(true)}>
          All on
        </button>{" "}
        <button type="button" onClick={() => setAll(false)}>
          All off
        </button>
      </p>
      {failed && !asked.waiting && (
        <>
          <Failing failure={failed} what="this circuit" again={asked.again} />
          {failed.kind === "circuit" && (
            <button type="button" class="act" onClick={findAgain}>
              Find it again
            </button>
          )}
        </>
      )}
    </section>
  );
}

const plain = (f: number) => short(f, 2, false);
const count = (wires: number) => wires.toLocaleString("en");

/** F from none to the whole task, with a mark at the whole circuit. */
function Scale({ found, now }: { found: Found; now: number }) {
  const most = Math.max(1, found.whole.faithfulness, now);
  const least = Math.min(0, now);
  const at = (f: number) => `${(100 * (f - least)) / (most - least)}%`;
  const [from, to] = [Math.min(0, now), Math.max(0, now)];
  return (
    <svg class="scale-of-f" width="100%" height="30" aria-hidden="true">
      <rect class="track" x="0" y="4" width="100%" height="10" rx="2" />
      <rect class={now < 0 ? "negative" : "positive"} x={at(from)} y="4" width={`${(100 * (to - from)) / (most - least)}%`} height="10" rx="2" />
      <line class="mark-of-whole" x1={at(found.whole.faithfulness)} x2={at(found.whole.faithfulness)} y1="0" y2="18" />
      <text class="tick" x={at(0)} y="28">
        0: none
      </text>
      <text class="tick" x={at(1)} y="28" text-anchor="end">
        1: the whole task
      </text>
    </svg>
  );
}
