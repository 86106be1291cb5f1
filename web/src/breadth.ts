/** Decides which views need the whole width of a page, and which share a row. */
import { textWidth } from "./measure";
import type { Heatmap, Layers, View } from "./model";
import { widest } from "./text";

/** Half of a page's column, minus the gap; and three maps of a group of columns each in a row of it. */
const [HALF, ROW] = [500, 1000];
/** The width of a comfortably readable cell, and the space between panels. */
const [CELL, GAP] = [26, 28];
/** The number of letters of a text beside a bar that fit in half a page. */
const BESIDE = 26;

/** Whether `view` is drawn across the whole page. */
function isBroad(view: View): boolean {
  switch (view.schema) {
    case "loadstore/lines@1":
      return false;
    case "loadstore/formula@1":
      return view.rows.length > 3;
    case "loadstore/dots@1":
      return view.rows.some(({ label }) => textWidth(label, 12.5, "sans") > HALF / 2);
    case "loadstore/bars@1":
    case "loadstore/waterfall@1":
      return view.rows.some(({ text }) => text.length > BESIDE);
    case "loadstore/address@1":
      return view.tokens.reduce((sum, token) => sum + Math.max(31, textWidth(token, 13, "mono") + 12), 18) > HALF;
    case "loadstore/heatmap@1":
      return heatmapWidth(view) > HALF;
    case "loadstore/table@1":
      return view.columns.length > 4 || view.rows.some((row) => row.map(String).join("").length > 90);
    case "loadstore/picture@1":
      return view.width > HALF;
    default:
      return true;
  }
}

/** The width of a view on the page: the whole row, a half, or a part of three. */
export type Breadth = "broad" | "half" | "third" | "two-thirds";

/** The breadth of every view, three narrow charts or panels by layers in one row; and whether the words of the figure fill a half. */
export function placed(views: View[]): { views: Breadth[]; beside: boolean } {
  const breadths = views.map((view): Breadth => (isBroad(view) ? "broad" : "half"));
  let from = 0;
  for (let end = 0; end <= views.length; end++) {
    if (breadths[end] === "half") continue;
    const run = views.slice(from, end);
    if (run.length === 3 && run.every(({ schema }) => schema === "loadstore/bars@1" || schema === "loadstore/dots@1")) breadths.fill("third", from, end);
    from = end + 1;
  }
  for (const [index, view] of views.entries()) {
    const next = views[index + 1];
    if (view.schema === "loadstore/layers@1" && next?.schema === "loadstore/layers@1" && view.panels.length === 2 && next.panels.length === 1 && layersWidth(view) + layersWidth(next) <= ROW) {
      breadths.splice(index, 2, "two-thirds", "third");
    }
  }
  const first = breadths.findIndex((breadth) => breadth !== "half");
  return { views: breadths, beside: (first < 0 ? views.length : first) % 2 === 1 };
}

/** The width of the panels of a heatmap side by side. */
function heatmapWidth(view: Heatmap): number {
  const labels = widest(view.rows.labels, 11) + 10;
  const cell = view.columns.labels.length > 20 ? CELL / 2 : CELL;
  return view.panels.length * (labels + view.columns.labels.length * cell + GAP);
}

/** The least width of the panels of a view by layers, before a cell is opened. */
function layersWidth(view: Layers): number {
  const labels = widest(view.rows.groups.map(({ label }) => label), 11) + 10;
  return view.panels.length * (labels + (view.columns.groups.length * CELL) / 2 + GAP);
}
