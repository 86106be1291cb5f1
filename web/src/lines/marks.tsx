/** The look of a series: a colour from the style sheet and a shape, so that neither stands alone. */
import type { Lines, Series } from "../model";
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
  let path = "";
  let pen = false;
  for (const point of points) {
    if (point) path += `${pen ? "L" : "M"}${point[0].toFixed(2)} ${point[1].toFixed(2)}`;
    pen = point !== null;
  }
  return (
    <g>
      <path class={`curve ${colourClass(index)}`} d={path} fill="none" stroke-dasharray={series.dashed ? "6 4" : undefined} />
      {spaced(points, points.length <= 14 ? 0 : (plot.right - plot.left) / 6, index).map(([x, y]) => (
        <Mark key={`${x},${y}`} index={index} x={x} y={y} />
      ))}
    </g>
  );
}

/** Points at least `gap` pixels apart; series start at different places, so that marks do not stack. */
function spaced(points: (readonly [number, number] | null)[], gap: number, index: number) {
  const kept: (readonly [number, number])[] = [];
  let next = -Infinity;
  for (const point of points) {
    if (!point) continue;
    if (next === -Infinity) next = point[0] + (gap * (index % 4)) / 4;
    if (point[0] < next) continue;
    kept.push(point);
    next = point[0] + gap;
  }
  return kept;
}

/** Names at the right ends, pushed apart where they would overlap. */
export function EndNames({ view, plot }: { view: Lines; plot: Geometry }) {
  const ends = view.series
    .map(({ name, x, y }, index) => {
      const at = y.findLastIndex((value, i) => drawable(view.y, value) && drawable(view.x, x[i]));
      return { name, index, y: at < 0 ? plot.bottom : plot.y(y[at] as number) };
    })
    .sort((a, b) => a.y - b.y);
  for (const [i, end] of ends.entries()) end.y = Math.max(end.y, (ends[i - 1]?.y ?? -Infinity) + 15);
  let roof = plot.bottom + 4;
  for (const end of ends.toReversed()) {
    end.y = Math.min(end.y, roof);
    roof = end.y - 15;
  }
  return (
    <g>
      {ends.map(({ name, index, y }) => (
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
