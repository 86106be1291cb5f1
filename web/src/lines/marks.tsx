/** The look of a series: a colour from the style sheet and a shape, so that colour is not the only cue. */
import type { Lines, Series } from "../model";
import { endsOf, pathOf, spaced } from "./curve";
import { drawable, type Geometry } from "./geometry";

const COLOURS = 8;
const SHAPES = [
  "M-3.5 0a3.5 3.5 0 1 0 7 0a3.5 3.5 0 1 0 -7 0z",
  "M-3 -3h6v6h-6z",
  "M0 -4.2L4 3H-4z",
  "M0 -4.5L4.5 0L0 4.5L-4.5 0z",
  "M0 4.2L4 -3H-4z",
  "M-1.2 -4h2.4v2.8h2.8v2.4h-2.8v2.8h-2.4v-2.8h-2.8v-2.4h2.8z",
];

/** Class that carries the colour of series `index`. */
export function colourClass(index: number): string {
  return `series-${index % COLOURS}`;
}

/** The mark of series `index` at a place. */
export function Mark({ index, x, y, size = 1 }: { index: number; x: number; y: number; size?: number }) {
  return <path class={`mark ${colourClass(index)}`} transform={`translate(${x} ${y}) scale(${size})`} d={SHAPES[index % SHAPES.length]} />;
}

/** One series: its line, broken where a value cannot be drawn, with a few marks along it. */
export function Curve({ view, series, index, plot }: { view: Lines; series: Series; index: number; plot: Geometry }) {
  const points = series.x.map((x, at) => {
    const y = series.y[at];
    return drawable(view.x, x) && drawable(view.y, y) ? ([plot.x(x), plot.y(y)] as const) : null;
  });
  return (
    <g>
      <path class={`curve ${colourClass(index)}`} d={pathOf(points)} fill="none" stroke-dasharray={series.dashed ? "6 4" : undefined} />
      {spaced(points, points.length <= 14 ? 0 : (plot.right - plot.left) / 6, index).map(([x, y]) => (
        <Mark key={`${x},${y}`} index={index} x={x} y={y} />
      ))}
    </g>
  );
}

/** Names at the right ends, spread to avoid overlap. */
export function EndNames({ view, plot }: { view: Lines; plot: Geometry }) {
  return (
    <g>
      {endsOf(view, plot).map(({ name, index, y }) => (
        <g key={index}>
          <Mark index={index} x={plot.right + 10} y={y} />
          <text class={`name ${colourClass(index)}`} x={plot.right + 18} y={y} dominant-baseline="central">
            {name}
          </text>
        </g>
      ))}
    </g>
  );
}
