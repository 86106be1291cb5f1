/** When a panel is drawn as pixels, and how many a cell has. */
import type { Heatmap } from "../model";
import { crowded, type Layout, SIGNED } from "./layout";

/** More cells than this, in all panels that are drawn large, are drawn as pixels. */
const MANY = 1000;
/** Pixels of a thumbnail's side, about. */
const THUMBNAIL = 192;

/** True if SVG would be slow. */
export function pixelled(view: Heatmap, layout: Layout): boolean {
  const panels = crowded(view) ? 1 : view.panels.length;
  return layout.bare || view.rows.labels.length * view.columns.labels.length * panels > MANY;
}

/** Pixels of a cell: enough for a sharp sign where one fits. */
export function pixelsOf(view: Heatmap, { bare, cell }: Layout): number {
  if (bare) return Math.max(1, Math.min(10, Math.round(THUMBNAIL / Math.max(1, view.columns.labels.length))));
  return cell >= SIGNED ? cell * 2 : cell;
}
