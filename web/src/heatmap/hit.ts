/** The part of a panel under the pointer. */
import { type Layout, SLANT } from "./layout";

/** A cell, or the label of a row or column; null in both if there is none. */
export interface Under {
  row: number | null;
  column: number | null;
}

/** How far slanted labels rise for every pixel that they go. */
const SLOPE = Math.tan((SLANT * Math.PI) / 180);

/** The item at a point of a panel with so many rows and columns; in the margins, labels. */
export function under(x: number, y: number, layout: Layout, rows: number, columns: number): Under {
  const [right, below] = [x - layout.left, y - layout.top];
  const along = below < 0 && layout.slanted ? right + below / SLOPE : right;
  const spot = (at: number, count: number) => (at >= 0 && at < count * layout.cell ? Math.floor(at / layout.cell) : null);
  const [row, column] = [spot(below, rows), spot(along, columns)];
  if (right < 0 || below < 0) return right < 0 ? { row, column: null } : { row: null, column };
  return row === null || column === null ? { row: null, column: null } : { row, column };
}
