/** Sizes of a panel: the cell, and the margins that its labels need. */
import type { Heatmap } from "../model";
import { widest } from "../text";

export const LABEL = 11;
const GAP = 28;
const COMFORTABLE = 16;
const SMALLEST = 13;
const LARGEST = 38;
/** Sides longer than this have smaller cells, and not a label for each. */
const LONG = 64;
const TINY = 6;
/** More panels than this are drawn as thumbnails with one panel large. */
const FEW = 4;

export interface Layout {
  cell: number;
  left: number;
  top: number;
  right: number;
  slanted: boolean;
  bare: boolean;
  /** A label at every so many rows and columns. */
  stride: number;
  width: number;
  height: number;
}

/** True where the panels are too many to be drawn large. */
export function crowded(view: Heatmap): boolean {
  return view.panels.length > FEW;
}

/** Panels of `view` with its labels, as many side by side in `width` as stay comfortable. */
export function labelled(view: Heatmap, width: number, panels = view.panels.length): Layout {
  const least = Math.max(view.rows.labels.length, view.columns.labels.length) > LONG ? TINY : SMALLEST;
  for (let abreast = panels; abreast >= 1; abreast--) {
    const room = (width - (abreast - 1) * GAP) / abreast;
    const flat = measure(view, LARGEST, false);
    const straight = Math.min(LARGEST, cellIn(view, room, flat));
    if (straight >= widest(view.columns.labels, LABEL) + 6) return measure(view, straight, false);
    const cell = Math.min(LARGEST, cellIn(view, room, measure(view, SMALLEST, true)));
    if (cell >= COMFORTABLE || abreast === 1) return measure(view, Math.max(least, cell), true);
  }
  return measure(view, SMALLEST, true);
}

/** A panel without labels, in units that the page stretches. */
export function bare(view: Heatmap): Layout {
  const cell = 10;
  const [rows, columns] = [view.rows.labels.length, view.columns.labels.length];
  return { cell, left: 0, top: 0, right: 0, slanted: false, bare: true, stride: 1, width: columns * cell, height: rows * cell };
}

function cellIn(view: Heatmap, room: number, { left, right }: Layout): number {
  return Math.floor((room - left - right) / Math.max(1, view.columns.labels.length));
}

function measure(view: Heatmap, cell: number, slanted: boolean): Layout {
  const long = widest(view.columns.labels, LABEL);
  const names = [`${view.rows.name} \u2193`, `${view.columns.name} \u2192`];
  const left = Math.ceil(Math.max(widest(view.rows.labels, LABEL), widest(names, LABEL))) + 10;
  const top = Math.max(2 * LABEL + 16, slanted ? Math.ceil(long * 0.8) + 16 : 0);
  const right = slanted ? Math.max(2, Math.ceil(long * 0.62) - Math.floor(cell / 2) + 8) : 2;
  const [rows, columns] = [view.rows.labels.length, view.columns.labels.length];
  return { cell, left, top, right, slanted, bare: false, stride: Math.ceil(SMALLEST / cell), width: left + columns * cell + right, height: top + rows * cell + 2 };
}
