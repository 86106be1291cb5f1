/** The sheet of a circuit's picture. */
import { type Cursor } from "../cursor";
import { Tip } from "../diagram/tip";
import type { Arc, Cut, SiteBox, Picture } from "../model";
import { Sheet, takes } from "../sheet";
import { type Item, named } from "./item";
import { SMALLEST } from "./narrow";

interface Props {
  view: Picture;
  cursor: Cursor<Item>;
  /** The cut, with its answer. */
  cut: Cut | null;
  /** The arcs that a page highlights; null if it highlights none. */
  lit: number[] | null;
}

/** Arcs, tokens and marks; items away from the cursor are faint. */
export function Drawing({ view, cursor, cut, lit: given }: Props) {
  const at = cursor.active.value ?? cursor.pinned.value;
  const lit = at ? litBy(view, at.item) : given && new Set(given);
  return (
    <Sheet cursor={cursor} plan={view} least={SMALLEST * view.width} label={`${view.title}. The loads are in the table below.`}>
      {view.arcs.map((arc, index) => (
        <g key={index} class={`load ${lit && !lit.has(index) ? "faint" : ""} ${cut?.arcs.includes(index) ? "cut" : ""}`} {...takes(cursor, { item: index })}>
          <ArcLine arc={arc} cut={cut?.arcs.includes(index) ?? false} />
        </g>
      ))}
      {view.tokens.map((token, index) => (
        <text key={index} class={`token ${token.folded ? "folded" : token.used ? "" : "unused"}`} x={token.at[0]} y={token.at[1]}>
          {token.text}
        </text>
      ))}
      {view.marks.map((mark, index) => (
        <g key={index} {...takes(cursor, { item: view.arcs.length + index })}>
          <MarkBox mark={mark} cut={mark.kind === "answer" ? cut : null} ringed={at?.item === view.arcs.length + index} />
        </g>
      ))}
      {view.arcs.map((arc, index) => arc.port && (
        <text key={index} class={`letter ${arc.port}`} x={arc.letter[0]} y={arc.letter[1]}>
          {arc.port}
        </text>
      ))}
    </Sheet>
  );
}

/** The arcs that belong to an item: itself, or all that end or begin at a mark. */
function litBy(view: Picture, item: number): Set<number> {
  if (item < view.arcs.length) return new Set([item]);
  const name = named(view, item);
  return new Set(view.arcs.flatMap((arc, index) => (arc.source === name || arc.target === name ? [index] : [])));
}

function ArcLine({ arc, cut }: { arc: Arc; cut: boolean }) {
  return (
    <>
      <path class="reach" d={arc.path} />
      <path class={`arc ${arc.port || "plain"} ${arc.share < 0 ? "negative" : arc.positions ? "positions" : ""}`} d={arc.path} stroke-width={arc.width} {...(cut ? { pathLength: 100 } : {})} />
      <g class={`arc-tip ${arc.port || "plain"}`}>
        <Tip at={arc.tip} size={8} />
      </g>
    </>
  );
}

function MarkBox({ mark, cut, ringed }: { mark: SiteBox; cut: Cut | null; ringed: boolean }) {
  const [x, y, width, height] = mark.box;
  const lines = cut ? cut.answer : mark.lines;
  return (
    <g class={`site ${mark.kind} ${ringed ? "ringed" : ""}`}>
      <rect x={x} y={y} width={width} height={height} rx={mark.kind === "mlp" ? 2 : 6} />
      <g opacity={cut ? 0.35 + 0.65 * cut.kept : 1}>
        {lines.map((line, index) => (
          <text key={index} x={x + width / 2} y={y + 15 * (index + 1)}>
            {line}
          </text>
        ))}
        {mark.role && (
          <text class="role" x={x + width / 2} y={y + 15 * lines.length + 12}>
            {mark.role}
          </text>
        )}
      </g>
    </g>
  );
}
