/** Where the rows of a dot plot stand. */
import { textWidth } from "../measure";
import type { Dots } from "../model";

export interface Layout {
  width: number;
  height: number;
  /** Labels stand above their rows where there is no room beside them. */
  narrow: boolean;
  left: number;
  top: number;
  bottom: number;
  pitch: number;
  at: (value: number) => number;
}

export const LABEL = 12.5;
const [TOP, BOTTOM, RIGHT, LEAST] = [30, 26, 14, 220];

/** The places of all rows of `view` in `width`. */
export function layout(view: Dots, width: number): Layout {
  const widest = Math.max(0, ...view.rows.map((row) => textWidth(row.label, LABEL, "sans", row.strong ? "600" : ""))) + 16;
  const narrow = width - widest - RIGHT < LEAST;
  const left = narrow ? 12 : widest;
  const pitch = narrow ? 38 : 24;
  const bottom = TOP + pitch * view.rows.length;
  const span = view.high - view.low || 1;
  const at = (value: number) => left + ((Math.min(view.high, Math.max(view.low, value)) - view.low) / span) * (width - left - RIGHT);
  return { width, height: bottom + BOTTOM, narrow, left, top: TOP, bottom, pitch, at };
}

/** The middle of a row. */
export function middleOf(plan: Layout, row: number): number {
  return plan.top + plan.pitch * row + (plan.narrow ? 28 : plan.pitch / 2);
}
