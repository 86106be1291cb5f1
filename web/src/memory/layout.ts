/** Sizes of the array: label, weight and cells of a row. */
import { fit, textWidth, widestOf } from "../measure";
import type { Memory } from "../model";

export const SIZE = 11.5;
const GAP = 10;
const ROW = 19;
const WIDEST = 34;
/** Cells narrower than this make the picture scroll. */
const SLIMMEST = 5;

export interface Layout {
  labels: string[];
  label: number;
  bar: { left: number; width: number };
  printed: number;
  left: number;
  top: number;
  cell: number;
  row: number;
  /** The label interval in columns. */
  stride: number;
  slanted: boolean;
  width: number;
  height: number;
}

/** The picture of `view` in `width` pixels. */
export function layout(view: Memory, width: number): Layout {
  const columns = Math.max(1, view.columns.labels.length);
  const most = Math.min(150, width * 0.26);
  const labels = view.rows.labels.map((text) => fit(text, most, SIZE));
  const label = Math.max(widestOf(labels, SIZE, "mono", "700"), textWidth(view.rows.name, SIZE)) + 2;
  const bar = { left: label + GAP, width: Math.min(110, Math.max(34, width * 0.11)) };
  const printed = bar.left + bar.width + 6 + textWidth("1.00", SIZE, "mono");
  const left = printed + GAP;
  const longest = widestOf(view.columns.labels.map((text) => fit(text, 120, SIZE)), SIZE);
  const cellIn = (room: number) => Math.min(WIDEST, Math.max(SLIMMEST, Math.floor((room / columns) * 4) / 4));
  const slanted = longest > cellIn(width - left - 2) - 4;
  // The last slanted label leans beyond its column.
  const right = slanted ? Math.ceil(longest * 0.62) : 2;
  const cell = cellIn(width - left - right);
  const stride = slanted ? Math.max(1, Math.ceil(14 / cell)) : 1;
  const top = (slanted ? Math.ceil(longest * 0.8) + 12 : 22) + 18;
  return { labels, label, bar, printed, left, top, cell, row: ROW, stride, slanted, width: Math.max(width, left + columns * cell + right), height: top + view.rows.labels.length * ROW + 4 };
}

/** The cell at a point of the picture: left of the cells, the first of its row; null above, below and right of them. */
export function cellAt(x: number, y: number, view: Memory, plan: Layout): { row: number; column: number } | null {
  const row = Math.floor((y - plan.top) / plan.row);
  const column = Math.floor((x - plan.left) / plan.cell);
  const inside = row >= 0 && row < view.rows.labels.length && column < view.columns.labels.length;
  return inside ? { row, column: Math.max(0, column) } : null;
}

/** The colour strength of a row: full at the largest weight, and always visible. */
export function strength(view: Memory, row: number): number {
  const weights = view.weights.values;
  const greatest = Math.max(0, ...weights.filter((weight) => typeof weight === "number"));
  const weight = weights[row];
  if (typeof weight !== "number" || greatest === 0) return 1;
  return 0.22 + 0.78 * Math.sqrt(Math.min(1, Math.max(0, weight / greatest)));
}
