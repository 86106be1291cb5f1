/** One cell of one panel, and how the keys move it. */
import type { Heatmap } from "../model";

export interface Point {
  panel: number;
  row: number;
  column: number;
}

/** Where the keyboard starts: the first cell that is possible. */
export function start(view: Heatmap): Point | null {
  for (const [panel, { values }] of view.panels.entries()) {
    for (const [row, cells] of values.entries()) {
      const column = cells.findIndex((cell) => cell !== null);
      if (column >= 0) return { panel, row, column };
    }
  }
  return null;
}

/** The point after a key; sideways steps run on into the neighbouring panel. */
export function move(view: Heatmap, from: Point, key: string, control: boolean): Point {
  const rows = view.rows.labels.length;
  const columns = view.columns.labels.length;
  const panels = view.panels.length;
  const to = { ...from };
  if (key === "ArrowUp") to.row = Math.max(0, from.row - 1);
  if (key === "ArrowDown") to.row = Math.min(rows - 1, from.row + 1);
  if (key === "ArrowLeft") to.column -= 1;
  if (key === "ArrowRight") to.column += 1;
  if (key === "PageUp") to.panel = Math.max(0, from.panel - 1);
  if (key === "PageDown") to.panel = Math.min(panels - 1, from.panel + 1);
  if (key === "Home") Object.assign(to, { column: 0 }, control ? { row: 0 } : {});
  if (key === "End") Object.assign(to, { column: columns - 1 }, control ? { row: rows - 1 } : {});
  if (to.column < 0) return from.panel > 0 ? { ...to, panel: from.panel - 1, column: columns - 1 } : from;
  if (to.column >= columns) return from.panel < panels - 1 ? { ...to, panel: from.panel + 1, column: 0 } : from;
  return to;
}
