/** Opening blocks and going back: a trail of zooms, and the cell that each was opened from. */
import { type Signal, useSignal } from "@preact/signals";
import type { Cursor } from "../cursor";
import type { Point } from "../heatmap/point";
import type { Layers } from "../model";
import { type Block, opens, weigh, type Zoom } from "./block";

export interface Step {
  zoom: Zoom;
  /** The cursor's position when the next step was taken. */
  left: Point | null;
}

/** The axes of a cell's block to open: both, or one of them. */
export type Part = "row" | "column" | "both";

export type Trail = Signal<Step[]>;

/** A trail that begins with all layers. */
export function useTrail(): Trail {
  return useSignal<Step[]>([{ zoom: { row: null, column: null }, left: null }]);
}

/** The zoom after opening `part` of a cell of `block`; null if there is nothing to open. */
export function opened(view: Layers, block: Block, at: { row: number; column: number }, part: Part): Zoom | null {
  const next = { ...block.zoom };
  if (part !== "column" && opens(view.rows, next.row)) next.row = block.rows[at.row]?.group ?? null;
  if (part !== "row" && opens(view.columns, next.column)) next.column = block.columns[at.column]?.group ?? null;
  return next.row === block.zoom.row && next.column === block.zoom.column ? null : next;
}

/** The strongest cell of one panel of `block`, for the cursor; the first cell if none has a wire. */
export function landing({ strongest, columns, heatmap, rank }: Block, panel: number): Point {
  const wires = strongest[panel]?.wire ?? [];
  let [best, size] = [0, -Infinity];
  for (let spot = 0; spot < wires.length; spot++) {
    const cell = heatmap.panels[panel]?.values[Math.floor(spot / columns.length)]?.[spot % columns.length];
    if (cell === null || cell === undefined) continue;
    const here = weigh(typeof cell === "number" ? cell : cell === "inf" ? Infinity : -Infinity, rank);
    if (here > size) [best, size] = [spot, here];
  }
  return { panel, row: Math.floor(best / columns.length), column: best % columns.length };
}

/** Go back to a step of the trail, and restore its cursor, if it had one. */
export function goBack(trail: Trail, to: number, cursor: Cursor<Point>): void {
  const step = trail.value[to];
  if (!step) return;
  cursor.pinned.value = null;
  cursor.active.value = step.left;
  trail.value = [...trail.value.slice(0, to), { zoom: step.zoom, left: null }];
}

/** A zoom in words. */
export function named(view: Layers, { row, column }: Zoom): string {
  const parts = [
    row !== null && `${view.rows.name} ${view.rows.groups[row]?.label}`,
    column !== null && `${view.columns.name} ${view.columns.groups[column]?.label}`,
  ];
  return parts.filter(Boolean).join(" \u2192 ") || "all layers";
}
