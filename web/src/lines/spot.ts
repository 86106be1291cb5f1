/** Places the label of a level rule: close to its line, where no curve crosses it. */
import type { Lines } from "../model";
import { widthOf } from "../text";
import { drawable, type Geometry, LABEL } from "./geometry";

/** From the rule to the baseline of a label above it and of one below, and the height of its letters. */
const [ABOVE, BELOW, HIGH] = [-5, 13, 9];
const PLACES = 6;

/** The left end and the baseline of the label: above the rule from left to right, then below it; the least crossed. */
export function ruleSpot(view: Lines, plot: Geometry, value: number, label: string): [number, number] {
  const wide = widthOf(label, LABEL);
  const [from, to] = [plot.left + 6, Math.max(plot.left + 6, plot.right - wide - 6)];
  let best: [number, number] = [from, plot.y(value) + ABOVE];
  let least = Infinity;
  for (const base of [ABOVE, BELOW].map((by) => plot.y(value) + by)) {
    for (let place = 0; place < PLACES; place++) {
      const left = from + ((to - from) * place) / (PLACES - 1);
      const count = crossings(view, plot, [left - 3, left + wide + 3], [base - HIGH - 2, base + 3]);
      if (count < least) [least, best] = [count, [left, base]];
    }
  }
  return best;
}

/** How many lines run through a box. */
function crossings(view: Lines, plot: Geometry, [left, right]: [number, number], [top, bottom]: [number, number]): number {
  return view.series.filter(({ x, y }) => {
    let last: [number, number] | null = null;
    for (const [index, xi] of x.entries()) {
      const yi = y[index];
      if (!drawable(view.x, xi) || !drawable(view.y, yi)) {
        last = null;
        continue;
      }
      const here: [number, number] = [plot.x(xi), plot.y(yi)];
      if (meets(last ?? here, here, [left, right], [top, bottom])) return true;
      last = here;
    }
    return false;
  }).length;
}

/** Whether a segment that runs to the right crosses a box. */
function meets([x0, y0]: [number, number], [x1, y1]: [number, number], [left, right]: [number, number], [top, bottom]: [number, number]): boolean {
  if (x1 < left || x0 > right) return false;
  const at = (x: number) => (x1 === x0 ? y1 : y0 + ((y1 - y0) * (x - x0)) / (x1 - x0));
  const ends = x1 === x0 ? [y0, y1] : [at(Math.max(x0, left)), at(Math.min(x1, right))];
  return Math.min(...ends) <= bottom && Math.max(...ends) >= top;
}

/** Series in the order in which their lines lie, the topmost first. */
export function topDown(view: Lines, plot: Pick<Geometry, "y">): number[] {
  const heights = view.series.map(({ x, y }) => {
    const drawn = y.filter((value, index): value is number => drawable(view.y, value) && drawable(view.x, x[index]));
    return drawn.length ? drawn.reduce((sum, value) => sum + plot.y(value), 0) / drawn.length : Infinity;
  });
  return heights.map((_, index) => index).sort((a, b) => (heights[a] as number) - (heights[b] as number) || a - b);
}
