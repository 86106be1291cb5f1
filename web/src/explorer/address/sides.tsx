/** Q, K and V beside each other: the share of every writer, what was read, and what the weights say with their null. */
import { field } from "../../datatable";
import { say } from "../../format";
import { csv } from "../../export/csv";
import { save } from "../../export/save";
import { splitToken } from "../../text";
import type { Asked } from "../ask";
import type { ScreenProps } from "../screen";
import { Failing } from "../states";
import { type Found, MEANING, type Null, type Side } from "./types";

type Nulls = Asked<{ wires: Null[] }>;

/** The three sides of an address. */
export function Sides(props: ScreenProps & { found: Found; nulls: Nulls }) {
  const { found, nulls } = props;
  const known = (side: string, writer: string) => nulls.data?.wires.find((one) => one.side === side && one.writer === writer) ?? null;
  const records = () => [
    ["side", "writer", "share", "score", "chance", "z", "p", "alignment", "ceiling"],
    ...found.sides.flatMap(({ side, writers }) =>
      writers.map(({ writer, share }) => {
        const wire = known(side, writer);
        return [side, writer, String(share), ...[wire?.score, wire?.chance, wire?.z, wire?.p, wire?.alignment, wire?.ceiling].map(field)];
      }),
    ),
  ];
  return (
    <section class="sides" aria-label="Subspace part: whose stores each side reads">
      <header>
        <h3>Whose stores each side reads</h3>
        <div class="exports">
          <button type="button" aria-label="CSV of the shares" onClick={() => save("address-shares.csv", "text/csv", csv(records()))}>
            CSV
          </button>
        </div>
      </header>
      <div class="three">
        {found.sides.map((side) => (
          <OneSide key={side.side} {...props} side={side} known={known} />
        ))}
      </div>
      {nulls.failed && <Failing failure={nulls.failed} what="the nulls of these wires" again={nulls.again} />}
      <p class="missing">
        Shares are exact on this prompt and sum to 1 with all others. Alignment is of the weights alone: 0 is chance (a random rotation between writer and reader), 1 the ceiling; z is how many standard deviations
        above chance the raw score is.
      </p>
    </section>
  );
}

interface OneProps extends ScreenProps {
  found: Found;
  side: Side;
  known: (side: string, writer: string) => Null | null;
}

function OneSide({ run, place, go, link, found, side, known }: OneProps) {
  const { side: name, writers, others } = side;
  const most = Math.max(0.01, ...writers.map(({ share }) => Math.abs(share)));
  const chosen = place.side === name ? place.from : undefined;
  const roving = Math.max(0, writers.findIndex(({ writer }) => writer === chosen));
  const at = (writer: string) => ({ head: writer, at: side.place, side: null, from: null, do: null });
  return (
    <div class="side">
      <h4>
        {name} <span class="said">{MEANING[name]}</span>
      </h4>
      {side.undefined ? (
        <p class="undefined">
          {name} has no shares here: {side.undefined}.
        </p>
      ) : (
        <>
          <p class="said">
            at <Token label={run.labels[side.place] ?? ""} />
            {side.read && (
              <>
                {" "}
                read <code>{side.read.place}</code>: {side.read.rows.length ? side.read.rows.map(({ text, cosine }) => `${text} ${cosine.toFixed(2)}`).join(", ") : "no token"}
              </>
            )}
          </p>
          <ul class="writers" onKeyDown={along} aria-label={`Writers that ${name} reads. Up and down go from one to the next, Enter chooses.`}>
            {writers.map(({ writer, share, wire }, index) => (
              <li key={writer}>
                <button
                  type="button"
                  class={`writer ${share < 0 ? "negative" : "positive"}`}
                  tabIndex={index === roving ? 0 : -1}
                  aria-pressed={writer === chosen}
                  disabled={!wire && writer !== "const"}
                  onClick={() => go(writer === chosen ? { side: null, from: null, do: null } : { side: name, from: writer, do: null })}
                >
                  <span class="name">{writer}</span>
                  <span class="length" aria-hidden="true">
                    <span style={{ width: `${(100 * Math.abs(share)) / most}%` }} />
                  </span>
                  <span class="share">{fixed(share)}</span>
                  <Weighed wire={known(name, writer)} is={wire} />
                </button>
              </li>
            ))}
          </ul>
          {others.count > 0 && (
            <p class="said">
              {others.count} others together {fixed(others.share)}
            </p>
          )}
          {chosen && (
            <p class="onward">
              {/^L\d+\.H/.test(chosen) && (
                <>
                  <a href={link(at(chosen))}>
                    Address of {chosen} at {run.labels[side.place]}
                  </a>
                  {" · "}
                </>
              )}
              <a href={link({ from: chosen, at: side.place, head: null, side: null, do: null }, "memory")}>Its store in memory</a>
              {" · "}
              <a href={link({ writer: chosen, reader: `${found.head}.${name}` }, "wires")}>The wire’s channels</a>
            </p>
          )}
        </>
      )}
    </div>
  );
}

/** What the weights alone say of a wire, with chance beside it. */
function Weighed({ wire, is }: { wire: Null | null; is: boolean }) {
  if (!is) return <span class="null">no wire</span>;
  return <span class="null">{wire ? `align ${say(wire.alignment, 2)}, z ${say(wire.z, 0)}; score ${say(wire.score, 3)}, chance ${say(wire.chance, 3)}` : "…"}</span>;
}

function Token({ label }: { label: string }) {
  const [text, index] = splitToken(label);
  return (
    <code>
      {text}
      <sub>{index}</sub>
    </code>
  );
}

/** Up and down go from writer to writer. */
function along(event: KeyboardEvent & { currentTarget: HTMLElement }): void {
  const buttons = [...event.currentTarget.querySelectorAll<HTMLButtonElement>("button:not(:disabled)")];
  const from = buttons.indexOf(document.activeElement as HTMLButtonElement);
  const step = { ArrowUp: -1, ArrowDown: 1, Home: -buttons.length, End: buttons.length }[event.key];
  if (step === undefined) return;
  event.preventDefault();
  buttons[Math.min(buttons.length - 1, Math.max(0, from + step))]?.focus();
}

/** A share with its sign and three decimals. */
function fixed(share: number): string {
  return `${share < 0 ? "\u2212" : "+"}${Math.abs(share).toFixed(3)}`;
}
