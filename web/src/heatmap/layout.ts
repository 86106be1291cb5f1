/** Sizes of a panel: the cell, and the margins that its labels need. */
import type { Heatmap } from "../model";
import { widest } from "../text";

export const LABEL = 11;
/** Degrees that slanted labels rise. */
export const SLANT = 62;
const [RISE, RUN] = [Math.sin((SLANT * Math.PI) / 180), Math.cos((SLANT * Math.PI) / 180)];
/** Cells this wide have room for a sign. */
export const SIGNED = 8;
/** And these for a number. */
export const PRINTED = 26;
const GAP = 28;
/** Lines of labels closer than this touch. */
const PITCH = 11;
/** The same for slanted ones, along their side. */
const SLANTED = 11;
const LARGEST = 38;
/** Cells of a side with more than this many may be smaller than their labels, and not all have one. */
const LONG = 24;
const TINY = 6;
/** A comfortable side length for panels with many cells. */
const SMALL = 240;
/** The height of a panel while its labels fit. */
const TALL = 395;
/** More panels than this are drawn as thumbnails with one panel large. */
const FEW = 6;

export interface Layout {
  cell: number;
  left: number;
  top: number;
  right: number;
  slanted: boolean;
  bare: boolean;
  /** The label interval in rows and in columns. */
  every: [number, number];
  width: number;
  height: number;
}

/** True if there are too many panels to be drawn large. */
export function crowded(view: Heatmap): boolean {
  return view.panels.length > FEW;
}

/** Panels of `view` with its labels, as many side by side in `width` as stay comfortable. */
export function labelled(view: Heatmap, width: number, panels = view.panels.length): Layout {
  const [rows, columns] = [view.rows.labels.length, view.columns.labels.length];
  const least = Math.max(rows, columns) > LONG ? TINY : PITCH + 1;
  const most = Math.min(LARGEST, Math.max(PITCH, Math.floor(TALL / Math.max(1, rows))));
  const comfortable = Math.min(most, 16, Math.max(7, Math.floor(SMALL / Math.max(1, rows, columns))));
  for (let abreast = panels; abreast >= 1; abreast--) {
    const room = (width - (abreast - 1) * GAP) / abreast;
    const straight = Math.min(most, cellIn(view, room, measure(view, most, false)));
    if (straight >= widest(view.columns.labels, LABEL) + 6) return measure(view, straight, false);
    const cell = Math.min(most, cellIn(view, room, measure(view, TINY, true)));
    if (cell >= comfortable || abreast === 1) return measure(view, Math.max(least, cell), true);
  }
  return measure(view, PITCH, true);
}

/** A panel without labels, in units that the page stretches. */
export function bare(view: Heatmap): Layout {
  const cell = 10;
  const [rows, columns] = [view.rows.labels.length, view.columns.labels.length];
  return { cell, left: 0, top: 0, right: 0, slanted: false, bare: true, every: [1, 1], width: columns * cell, height: rows * cell };
}

function cellIn(view: Heatmap, room: number, { left, right }: Layout): number {
  return Math.floor((room - left - right) / Math.max(1, view.columns.labels.length));
}

function measure(view: Heatmap, cell: number, slanted: boolean): Layout {
  const long = widest(view.columns.labels, LABEL);
  const names = [`${view.rows.name} \u2193`, `${view.columns.name} \u2192`];
  const left = Math.ceil(Math.max(widest(view.rows.labels, LABEL), widest(names, LABEL))) + 10;
  const top = Math.max(2 * LABEL + 16, slanted ? Math.ceil(long * RISE) + 16 : 0);
  const right = slanted ? Math.max(2, Math.ceil(long * RUN) - Math.floor(cell / 2) + 8) : 2;
  const [rows, columns] = [view.rows.labels.length, view.columns.labels.length];
  return { cell, left, top, right, slanted, bare: false, every: [Math.ceil(PITCH / cell), Math.ceil((slanted ? SLANTED : PITCH) / cell)], width: left + columns * cell + right, height: top + rows * cell + 2 };
}
