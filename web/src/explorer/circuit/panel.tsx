/** F of what is on, printed large, with its interval and the change; and the switches for everything. */
import { number, short } from "../../format";
import type { Asked } from "../ask";
import { Failing } from "../states";
import type { Found, Switched } from "./types";

interface Props {
  found: Found;
  /** Of everything that is off, or of what was off a moment ago. */
  asked: Asked<Switched>;
  /** Whether an answer to what is off now is still to come. */
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
        <i>F</i> <b>{number(now.faithfulness, 2)}</b>
      </p>
      <Scale found={found} now={now.faithfulness} />
      <p role="status" class="f-said">
        {late ? "" : `F ${number(now.faithfulness, 2)}, from ${number(now.low, 2)} to ${number(now.high, 2)} (95 %) on ${now.pairs} pairs. `}
        {late ? "" : off === 0 ? `All ${found.wires.toLocaleString("en")} wires of the circuit are on.` : `${now.on.toLocaleString("en")} of ${found.wires.toLocaleString("en")} wires are on: ${short(now.change, 2, true)} from the whole circuit’s ${number(found.whole.faithfulness, 2)}.`}
      </p>
      {data?.cut && <p class="missing">{data.cut.said}</p>}
      <p class="buttons-of-all">
        <button type="button" disabled={off === 0} onClick={() => setAll(true)}>
          All on
        </button>{" "}
        <button type="button" disabled={off === found.wires} onClick={() => setAll(false)}>
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
