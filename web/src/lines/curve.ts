/** The path of a series, the marks along it, and the name at its end. */
import type { Lines } from "../model";
import { drawable, type Geometry } from "./geometry";

/** A point in the picture; null if the value cannot be drawn. */
export type Spot = readonly [number, number] | null;

/** Minimum distance between names. */
const PITCH = 15;

/** A line through all places, broken at every gap. */
export function pathOf(points: Spot[]): string {
  let path = "";
  let pen = false;
  for (const point of points) {
    if (point) path += `${pen ? "L" : "M"}${point[0].toFixed(2)} ${point[1].toFixed(2)}`;
    pen = point !== null;
  }
  return path;
}

/** Points at least `gap` pixels apart; series start at different places, so that marks do not stack. */
export function spaced(points: Spot[], gap: number, index: number) {
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

/** The height of every name beside the end of its series: spread to avoid overlap, within the plot if possible. */
export function endsOf(view: Pick<Lines, "x" | "y" | "series">, plot: Pick<Geometry, "y" | "bottom">): { name: string; index: number; y: number }[] {
  const ends = view.series
    .map(({ name, x, y }, index) => {
      const at = y.findLastIndex((value, i) => drawable(view.y, value) && drawable(view.x, x[i]));
      return { name, index, y: at < 0 ? plot.bottom : plot.y(y[at] as number) };
    })
    .sort((a, b) => a.y - b.y);
  for (const [i, end] of ends.entries()) end.y = Math.max(end.y, (ends[i - 1]?.y ?? -Infinity) + PITCH);
  let roof = plot.bottom + 4;
  for (const end of ends.toReversed()) {
    end.y = Math.min(end.y, roof);
    roof = end.y - PITCH;
  }
  return ends;
}
