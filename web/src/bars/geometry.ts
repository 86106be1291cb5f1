/** The lines and bars of a bar chart: where each begins and ends, and its colour. */
import { colourAt } from "../colour";
import type { Cell } from "../model";
import type { Chart, Layout, Row } from "./layout";

export const THICK = 14;
/** Minimum distance between two tick labels in pixels; a closer tick is left out. */
const ROOM = 36;
/** The contrast of the smallest bar's colour with the page, on either scale. */
const [PALEST, FAINTEST] = [0.16, 0.3];

/** A vertical line through the plot; on narrow screens through the bars only, so that it crosses no text. */
export function upright(plan: Pick<Layout, "narrow" | "top" | "bottom" | "rows">, x: number, from: number): string {
  if (!plan.narrow) return `M${x} ${from}V${plan.bottom}`;
  return (from < plan.top ? `M${x} ${from}V${plan.top + 2}` : "") + plan.rows.map((row) => `M${x} ${row.top + 19}v20`).join("");
}

/** The numbers of the axis: its ends, and zero between them, or their midpoint if zero is not in between. */
export function ticksOf({ low, high }: Pick<Chart, "low" | "high">, { at }: Pick<Layout, "at">): number[] {
  const signed = low < 0 && high > 0;
  const all = [...new Set([low, signed ? 0 : (low + high) / 2, high])];
  return all.filter((value) => value === 0 || !signed || Math.abs(at(value) - at(0)) > ROOM);
}

/** The top of the bar of a row. */
export function topOf({ narrow }: Pick<Layout, "narrow">, row: Pick<Row, "top" | "height">): number {
  return narrow ? row.top + 22 : row.top + (row.height - THICK) / 2;
}

/** Lines from the end of a bar to the start of the next; on narrow screens only their ends, clear of text. */
export function tiesOf(plan: Pick<Layout, "narrow" | "rows" | "at">): string {
  const pieces = plan.rows.slice(1).map((row, index) => {
    const before = plan.rows[index] as Row;
    const [x, from, to] = [plan.at(before.from + (typeof before.value === "number" ? before.value : 0)), topOf(plan, before) + THICK, topOf(plan, row)];
    return plan.narrow ? `M${x} ${from}v4M${x} ${to}v-4` : `M${x} ${from}V${to}`;
  });
  return pieces.join("");
}

/** The length of a bar in units of the axis; impossible values and NaN have no length. */
export function sizeOf(value: Cell): number {
  return typeof value === "number" ? value : value === "inf" ? Infinity : value === "-inf" ? -Infinity : 0;
}

/** The start and end of a bar, and the end of the scale that it would pass: −1, 1, or 0. */
export function spanOf(view: Pick<Chart, "low" | "high">, plan: Pick<Layout, "at" | "zero">, row: Pick<Row, "from" | "value">): { from: number; to: number; off: -1 | 0 | 1 } {
  const end = row.from + sizeOf(row.value);
  const slack = 1e-6 * (view.high - view.low);
  const off = end > view.high + slack ? 1 : end < view.low - slack ? -1 : 0;
  return { from: row.from ? plan.at(row.from) : plan.zero, to: plan.at(end), off };
}

/** The colour of a bar: by size if all have one sign, else by sign and size, strongest at the end of the scale. */
export function fillOf(view: Pick<Chart, "kind" | "low" | "high" | "reach">, value: number): string {
  if (view.kind === "unsigned") return colourAt("sequential", FAINTEST + (1 - FAINTEST) * Math.min(1, Math.max(0, (value - view.low) / (view.high - view.low || 1))));
  const reach = view.reach || Math.max(Math.abs(view.low), Math.abs(view.high)) || 1;
  const size = Math.min(1, Math.abs(value) / reach);
  return colourAt("diverging", 0.5 + Math.sign(value) * (PALEST + (0.5 - PALEST) * size));
}
