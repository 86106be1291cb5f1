/** One point of one series, and how the keys and the pointer find it. */
import type { Lines } from "../model";
import { drawable, type Geometry } from "./geometry";

export interface Point {
  series: number;
  index: number;
}

/** The first point that exists. */
export function start(view: Lines): Point | null {
  const series = view.series.findIndex(({ x }) => x.length > 0);
  return series < 0 ? null : { series, index: 0 };
}

/** The point after a key: sideways along the series, up and down to the series drawn above or below there. */
export function move(view: Lines, from: Point, key: string): Point {
  const last = (series: number) => Math.max(0, (view.series[series]?.x.length ?? 1) - 1);
  if (key === "ArrowLeft") return { ...from, index: Math.max(0, from.index - 1) };
  if (key === "ArrowRight") return { ...from, index: Math.min(last(from.series), from.index + 1) };
  if (key === "PageUp") return { ...from, index: Math.max(0, from.index - 10) };
  if (key === "PageDown") return { ...from, index: Math.min(last(from.series), from.index + 10) };
  if (key === "Home") return { ...from, index: 0 };
  if (key === "End") return { ...from, index: last(from.series) };
  const step = key === "ArrowUp" ? -1 : 1;
  const count = view.series.length;
  const series = (from.series + step + count) % count;
  return { series, index: nearestAlong(view, series, view.series[from.series]?.x[from.index]) };
}

/** Index in `series` whose x is closest to `x`. */
function nearestAlong(view: Lines, series: number, x: unknown): number {
  const xs = view.series[series]?.x ?? [];
  let best = 0;
  for (const [index, other] of xs.entries()) {
    if (typeof x === "number" && typeof other === "number" && Math.abs(other - x) < Math.abs(Number(xs[best]) - x)) best = index;
  }
  return best;
}

/** The drawn point closest to a place on the picture, within reach. */
export function nearest(view: Lines, plot: Geometry, px: number, py: number): Point | null {
  let best: Point | null = null;
  let least = 60 ** 2;
  for (const [series, { x, y }] of view.series.entries()) {
    for (const [index, xi] of x.entries()) {
      const yi = y[index];
      if (!drawable(view.x, xi) || !drawable(view.y, yi)) continue;
      const distance = (plot.x(xi) - px) ** 2 + (plot.y(yi) - py) ** 2;
      if (distance < least) [least, best] = [distance, { series, index }];
    }
  }
  return best;
}
