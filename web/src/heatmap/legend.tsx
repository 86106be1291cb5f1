/** Legend of a heatmap's colours and marks; only marks that occur are listed. */
import type { ComponentChildren } from "preact";
import { useId } from "preact/hooks";
import { beyond, colourAt, DECADES, inkOn, ODD, position } from "../colour";
import { free, number } from "../format";
import type { Cell, Heatmap, Scale } from "../model";
import { Odd } from "./cells";
import { corner } from "./glyph";
import { Hatch, Outline } from "./panel";
import { outlinesNote } from "./strong";

const WIDTH = 220;
const SWATCH = 16;
const STOPS = 55;

/** The legend of `view`. */
export function Legend({ view }: { view: Heatmap }) {
  const cells = view.panels.flatMap((panel) => panel.values.flat());
  const has = (test: (cell: Cell) => boolean) => cells.some(test);
  const hatch = `legend-${useId()}`;
  const { scale } = view;
  const outlines = outlinesNote(view);
  return (
    <div class="legend">
      <Ramp scale={scale} />
      <ul>
        {has((cell) => cell === null) && (
          <Item text={view.hatched ?? "impossible"}>
            <Hatch id={hatch} step={6} />
            <rect width={SWATCH} height={SWATCH} fill={`url(#${hatch})`} />
          </Item>
        )}
        {marksOf(view).map(([mark, meaning]) => (
          <Item key={mark} text={meaning}>
            <rect width={SWATCH} height={SWATCH} fill={colourAt(scale.kind, 0)} />
            <text x={SWATCH / 2} y={SWATCH / 2} fill={inkOn(colourAt(scale.kind, 0))} font-size={12} class="value mark">
              {mark}
            </text>
          </Item>
        ))}
        {outlines && (
          <Item text={outlines}>
            <rect width={SWATCH} height={SWATCH} fill={colourAt(scale.kind, 0.6)} />
            <Outline x={0} y={0} size={SWATCH} />
          </Item>
        )}
        {scale.transform === "log" && <Item text="logarithmic colours: 95 % of all values are below a tenth of the largest" />}
        {typeof scale.reference === "number" && (
          <Item text={`reference ${free(scale.reference)}`}>
            <path class="reference" d={`M${SWATCH / 2} 0v${SWATCH}`} />
          </Item>
        )}
        {(["nan", "inf", "-inf"] as const).filter((word) => has((cell) => cell === word)).map((word) => (
          <Item key={word} text={{ nan: "not a number", inf: "infinite", "-inf": "minus infinite" }[word]}>
            <rect width={SWATCH} height={SWATCH} fill={ODD} />
            <Odd cell={word} x={SWATCH / 2} y={SWATCH / 2} size={SWATCH} />
          </Item>
        ))}
        {([1, -1] as const).filter((side) => has((cell) => typeof cell === "number" && beyond(scale, cell) === side)).map((side) => (
          <Item key={side} text={side === 1 ? `above ${number(scale.high, view.digits)}` : `below ${number(scale.low, view.digits)}`}>
            <rect width={SWATCH} height={SWATCH} fill={colourAt(scale.kind, side === 1 ? 1 : 0)} />
            <path d={corner(side, 0, 0, SWATCH)} fill={inkOn(colourAt(scale.kind, side === 1 ? 1 : 0))} />
          </Item>
        ))}
      </ul>
    </div>
  );
}

/** The marks that occur in some cell, with their meanings. */
function marksOf({ marks, panels }: Heatmap): [string, string][] {
  const met = new Set(panels.flatMap((panel) => (panel.marks ?? []).flat()));
  return (marks ?? []).filter(([mark]) => met.has(mark));
}

/** One mark and what it means. */
export function Item({ text, children }: { text: string; children?: ComponentChildren }) {
  return (
    <li>
      {children && (
        <svg class="heatmap" width={SWATCH} height={SWATCH} viewBox={`0 0 ${SWATCH} ${SWATCH}`} aria-hidden="true">
          {children}
        </svg>
      )}{" "}
      <span data-export>{text}</span>
    </li>
  );
}

/** The numbers under a ramp: ends and middle, and on a logarithmic one powers of ten of its end. */
export function ticksOf({ kind, low, high, transform }: Scale): number[] {
  if (transform !== "log") return [low, (low + high) / 2, high];
  const decades = kind === "diverging" ? [1, 100] : Array.from({ length: DECADES }, (_, power) => 10 ** power);
  const above = decades.map((by) => high / by).reverse();
  return kind === "diverging" ? [...above.map((value) => -value).reverse(), 0, ...above] : [0, ...above];
}

/** The colour ramp with its numbers. */
export function Ramp({ scale }: { scale: Scale }) {
  const { low, high, kind, label, reference } = scale;
  const step = WIDTH / STOPS;
  const text = (value: number) => (kind === "diverging" && value > 0 ? "+" : "") + free(value);
  return (
    <svg
      class="heatmap ramp"
      width={WIDTH}
      height={50}
      role="img"
      aria-label={`Colour scale: ${label}, from ${text(low)} to ${text(high)}`}
    >
      <text class="ramp-label" x={0} y={11}>
        {label}
      </text>
      <g shape-rendering="crispEdges">
        {Array.from({ length: STOPS }, (_, stop) => (
          <rect key={stop} x={stop * step} y={18} width={step} height={12} fill={colourAt(kind, stop / (STOPS - 1))} />
        ))}
      </g>
      {typeof reference === "number" && reference >= low && reference <= high && (
        <path class="reference" d={`M${position(scale, reference) * WIDTH} 14v20`} />
      )}
      {ticksOf(scale).map((value) => {
        const at = position(scale, value);
        return (
          <text key={value} class="tick" x={at * WIDTH} y={45} text-anchor={at === 0 ? "start" : at === 1 ? "end" : "middle"}>
            {text(value)}
          </text>
        );
      })}
    </svg>
  );
}
