/** One side of an address: a selectable bar for every writer, and details of the chosen one. */
import { tint } from "../../colour";
import { inColumn, say } from "../../format";
import { splitToken } from "../../text";
import { useAsk } from "../ask";
import type { ScreenProps } from "../screen";
import { barOf, scaleOf } from "./bar";
import { type Found, MEANING, type Null, type Read, type Side } from "./types";

interface Props extends ScreenProps {
  found: Found;
  side: Side;
  known: (side: string, writer: string) => Null | null;
}

const HEAD = /^L\d+\.H\d+$/;

/** Its writers by the size of their share; one Tab stop. */
export function OneSide(props: Props) {
  const { run, place, go, side, known } = props;
  const { side: name, writers, others } = side;
  const shares = [...writers.map(({ share }) => share), others.share];
  const scale = scaleOf(shares);
  const chosen = writers.find(({ writer }) => place.side === name && writer === place.from);
  const roving = chosen ? writers.indexOf(chosen) : 0;
  return (
    <div class="side">
      <h4>
        <span data-export>{name}</span>{" "}
        <span class="said" data-export>
          {MEANING[name]}
        </span>
      </h4>
      {side.undefined ? (
        <p class="undefined" data-export>
          {name} has no shares here: {side.undefined}.
        </p>
      ) : (
        <>
          <p class="said" data-export>
            at <Token label={run.labels[side.place] ?? ""} />
            {side.read && (
              <>
                {", mostly read from "}
                <Decoded read={side.read} />
              </>
            )}
          </p>
          <ul class="writers" onKeyDown={(event) => along(event, () => chosen && go({ side: null, from: null, do: null }))} aria-label={`Writers that ${name} reads. Up and down go from one to the next, Enter chooses, Escape lets go.`}>
            {writers.map(({ writer, share, wire }, index) => (
              <li key={writer}>
                <button
                  type="button"
                  class="writer"
                  tabIndex={index === roving ? 0 : -1}
                  aria-pressed={writer === chosen?.writer}
                  onClick={() => go(writer === chosen?.writer ? { side: null, from: null, do: null } : { side: name, from: writer, do: null })}
                >
                  <Share name={writer} share={share} {...scale} />
                  <span class="null" data-export>
                    {wire ? weighed(known(name, writer)) : "what the reader adds itself: not a wire"}
                  </span>
                </button>
              </li>
            ))}
            {others.count > 0 && (
              <li class="writer">
                <Share name={`${others.count} others`} share={others.share} {...scale} />
              </li>
            )}
          </ul>
          <p class="sum" data-export>
            sum {say(side.total, 3)}, remainder {say(side.remainder, 1)}
          </p>
          {chosen && <Chosen {...props} writer={chosen.writer} wire={chosen.wire} />}
        </>
      )}
    </div>
  );
}

/** A name, a bar from zero, a number with its sign. */
function Share({ name, share, low, high }: { name: string; share: number; low: number; high: number }) {
  const { zero, x, width } = barOf(share, { low, high });
  return (
    <>
      <span class="name" data-export>
        {name}
      </span>
      <svg class="length" viewBox="0 0 100 12" preserveAspectRatio="none" aria-hidden="true">
        <rect class={share < 0 ? "negative" : "positive"} fill={tint(share)} x={x} y={1} width={width} height={10} />
        <path class="base" d={`M${zero} 0V12`} vector-effect="non-scaling-stroke" />
      </svg>
      <span class="share" data-export>
        {inColumn([1, share], 3, true)(share)}
      </span>
    </>
  );
}

/** The weight-based numbers of a wire, always beside chance. */
function weighed(wire: Null | null): string {
  if (!wire) return "\u2026";
  const { score, chance, z, alignment } = wire.numbers;
  return `score ${say(score, 3)}, chance ${say(chance, 3)}, z ${say(z, 1, true)}; alignment ${say(alignment, 2, true)}`;
}

/** Its other numbers, its store, and links to other screens. */
function Chosen({ run, link, found, side, known, writer, wire }: Props & { writer: string; wire: boolean }) {
  const stored = useAsk<Read>("decoded", wire ? { run: run.run, writer, at: side.place } : null);
  const weights = known(side.side, writer);
  const label = run.labels[side.place] ?? "";
  const read = stored.data?.place === `${label}:${writer}` ? stored.data : null;
  if (!wire) return null;
  return (
    <div class="onward" role="status">
      {weights && (
        <p class="said">
          {writer} → {found.head}.{side.side}: ceiling {say(weights.numbers.ceiling, 3)}, p {weights.numbers.p === 0 ? "below 1e\u2212300" : say(weights.numbers.p, 3)} against a random rotation.
        </p>
      )}
      {read && (
        <p class="said">
          It stored <Decoded read={read} />
        </p>
      )}
      <p>
        {HEAD.test(writer) && (
          <>
            <a href={link({ head: writer, token: side.place, side: null, from: null, do: null, about: null })}>
              Address of {writer} at {label}
            </a>
            {" · "}
          </>
        )}
        <a href={link({ from: writer, token: side.place, head: null, side: null, do: null }, "memory")}>Its store in memory</a>
        {" · "}
        <a href={link({ writer, reader: `${found.head}.${side.side}` }, "wires")}>The wire’s channels</a>
      </p>
    </div>
  );
}

function Decoded({ read }: { read: Read }) {
  return (
    <>
      <code>{read.place}</code> = {read.rows.length ? read.rows.map(({ text, cosine }) => `${text} ${cosine.toFixed(2)}`).join(", ") : "no token"}
    </>
  );
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

/** Up and down move from writer to writer, Escape deselects. */
function along(event: KeyboardEvent & { currentTarget: HTMLElement }, clear: () => void): void {
  if (event.key === "Escape") clear();
  const buttons = [...event.currentTarget.querySelectorAll<HTMLButtonElement>("button")];
  const from = buttons.indexOf(document.activeElement as HTMLButtonElement);
  const step = { ArrowUp: -1, ArrowDown: 1, Home: -buttons.length, End: buttons.length }[event.key];
  if (step === undefined || event.altKey || event.metaKey || event.ctrlKey) return;
  event.preventDefault();
  buttons[Math.min(buttons.length - 1, Math.max(0, from + step))]?.focus();
}
