/** The parts of a walk: columns of writers, links, the address, and its end. */
import { tint } from "../colour";
import { type Cursor } from "../cursor";
import { Tip } from "../diagram/tip";
import { free, inColumn, say, short } from "../format";
import { Hatch } from "../heatmap/panel";
import { fit, textWidth, widestOf } from "../measure";
import type { Cell, Walk } from "../model";
import { takes } from "../sheet";
import { type Cells, LINE, type Link, type Plan, SIZE } from "./layout";
import { lit, type Point } from "./pairs";

/** One side: its token, its writers, and the remainder. */
export function Column({ view, plan, column, cursor, hatch }: { view: Walk; plan: Plan; column: Cells; cursor: Cursor<Point>; hatch: string }) {
  const { side, x, place, empty, writers, end } = column;
  const load = view.sides[side];
  return (
    <g>
      {empty.map((line, index) => (
        <text key={index} class="sans soft" x={x} y={62 + index * LINE} font-size={SIZE}>
          {line}
        </text>
      ))}
      {load && (
        <g font-size={13} font-weight={700}>
          <text x={x} y={16}>
            {side}
          </text>
          <text x={plan.narrow ? x : x + 20} y={plan.narrow ? 34 : 16}>
            {place}
          </text>
          {!plan.narrow && (
            <text class="sans soft" x={x} y={34} font-size={11} font-weight={400}>
              written by, share
            </text>
          )}
          {(plan.narrow ? ["remainder", free(load.remainder)] : [`remainder ${free(load.remainder)}`]).map((line, index, { length }) => (
            <text key={index} class="sans soft" x={x} y={end - (length - 1 - index) * 13} font-size={11} font-weight={400}>
              {line}
            </text>
          ))}
        </g>
      )}
      {writers.map((writer, row) => (
        <g key={row} {...takes(cursor, { side, row })}>
          <Writer plan={plan} x={x} writer={writer} hatch={hatch} />
        </g>
      ))}
    </g>
  );
}

function Writer({ plan, x, writer: { label, share, y, bar, hero }, hatch }: { plan: Plan; x: number; writer: Cells["writers"][number]; hatch: string }) {
  const { cell, tall, pad, narrow } = plan;
  const said = inColumn([1, share], 2, true)(share); // the shares of a side sum to 1
  const room = cell - 2 * pad - (narrow ? 0 : textWidth(said, SIZE, "mono", "700") + 8);
  const weight = hero ? 700 : 400;
  const foot = y + tall - 11;
  return (
    <g font-size={SIZE} font-weight={weight}>
      <rect class={hero ? "card hero" : "card"} x={x} y={y} width={cell} height={tall} rx={4} />
      <text x={x + pad} y={y + 17}>
        {fit(label, room, SIZE, "mono", String(weight))}
      </text>
      <text x={narrow ? x + pad : x + cell - pad} y={narrow ? y + 32 : y + 17} text-anchor={narrow ? "start" : "end"}>
        {said}
      </text>
      {share === null && <rect x={x + pad} y={foot} width={cell - 2 * pad} height={6} fill={`url(#${hatch})`} />}
      {typeof share === "number" && <rect class="bar share" x={x + pad} y={foot} width={Math.max(1, bar)} height={6} fill={tint(share)} />}
    </g>
  );
}

/** The parts of the score, weak ones faint and beneath; the links of a pinned item stay visible. */
export function Links({ view, plan, cursor }: { view: Walk; plan: Plan; cursor: Cursor<Point> }) {
  const pinned = cursor.pinned.value;
  return (
    <g class="links">
      {plan.links.map((link) => (
        <LinkLine key={`${link.q} ${link.k}`} link={link} dim={!lit(view, pinned, link)} chosen={pinned !== null && pinned.side !== "V"} />
      ))}
    </g>
  );
}

function LinkLine({ link: { q, k, part, d, width, strength, hero }, dim, chosen }: { link: Link; dim: boolean; chosen: boolean }) {
  const number = typeof part === "number";
  const opacity = dim ? 0.06 : chosen ? 0.95 : 0.3 + 0.65 * strength;
  return (
    <g>
      {hero && !dim && <path class="link casing" d={d} stroke-width={width + 4} />}
      <path
        class={number ? "link" : "link odd"}
        data-pair={`${q},${k}`}
        d={d}
        stroke={number ? tint(part) : undefined}
        stroke-width={width}
        stroke-opacity={hero && !dim ? 1 : opacity}
        stroke-dasharray={number ? (part < 0 ? "7 3" : undefined) : "1 4"}
      />
    </g>
  );
}

/** The weight that the score gives, and the destination of the value. */
export function Address({ view, plan }: { view: Walk; plan: Plan }) {
  const { address, stores, narrow } = plan;
  const words = ["weight", typeof view.weight === "number" ? short(view.weight, 2, false) : say(view.weight, 2)];
  const size = narrow ? 10 : 13;
  const said = address.gap < 120 ? words : [words.join(" ")];
  const wide = widestOf(said, size, "sans", "600") + 16;
  const tall = said.length * 15 + 8;
  const [x, y] = address.at;
  // Without room for a box on the line, the words are drawn between the column headings.
  const [top, line] = narrow ? [0, 18] : [y - tall / 2, 15];
  return (
    <g>
      <path class="link casing" d={address.d} stroke-width={2.5} />
      <Tip at={[...address.tip, 0]} size={9} />
      {!narrow && <rect class="card hero" x={x - wide / 2} y={top} width={wide} height={tall} rx={tall / 2} />}
      <g class="sans" font-size={size} font-weight={600}>
        {said.map((word, index) => (
          <text key={index} x={narrow ? address.tip[0] - 5 : x} y={top + 16 + index * line} text-anchor={narrow ? "end" : "middle"}>
            {word}
          </text>
        ))}
      </g>
      {view.sides.V && (
        <>
          <path class="link casing" d={`M${stores.from[0]} ${stores.from[1]}V${stores.y - 9}`} stroke-width={2.5} />
          <Tip at={[stores.from[0], stores.y - 1, 90]} size={9} />
        </>
      )}
      <rect class="card hero" x={stores.x} y={stores.y} width={stores.width} height={stores.height} rx={4} />
      <text x={stores.x + 10} y={stores.y + 18} class="sans soft" font-size={11}>
        stores
      </text>
      <g class="sans" font-size={SIZE}>
        {stores.lines.map((line, index) => (
          <text key={index} x={stores.x + 10} y={stores.y + 35 + index * LINE}>
            {line}
          </text>
        ))}
      </g>
    </g>
  );
}

/** Legend of the links; only marks that occur. */
export function Key({ view, hatch }: { view: Walk; hatch: string }) {
  const parts = view.parts.flat();
  const writers = Object.values(view.sides).flatMap((load) => load.writers);
  const has = (test: (cell: Cell) => boolean) => parts.some(test);
  const line = (value: number, dash?: string) => <path class="link" d="M1 8H23" stroke={tint(value)} stroke-width={5} stroke-dasharray={dash} />;
  const items: [string, boolean, preact.JSX.Element][] = [
    ["a pair of writers raises the score, by its width", has((cell) => Number(cell) > 0), line(1)],
    ["it lowers the score", has((cell) => Number(cell) < 0), line(-1, "7 3")],
    ["the strongest path", view.parts.length > 0, <><path class="link casing" d="M1 8H23" stroke-width={9} />{line(1)}</>],
    ["its part is not a number", has((cell) => cell !== null && !Number.isFinite(Number(cell))), <path class="link odd" d="M1 8H23" stroke-dasharray="1 4" />],
    ["no share", writers.some(({ share }) => share === null), <><Hatch id={hatch} step={5} /><rect y={4} width={24} height={8} fill={`url(#${hatch})`} /></>],
  ];
  return (
    <div class="legend">
      <ul>
        {items.map(
          ([text, occurs, mark]) =>
            occurs && (
              <li key={text}>
                <svg class="chart" width={24} height={16} viewBox="0 0 24 16" aria-hidden="true">
                  {mark}
                </svg>{" "}
                <span data-export>{text}</span>
              </li>
            ),
        )}
      </ul>
    </div>
  );
}
