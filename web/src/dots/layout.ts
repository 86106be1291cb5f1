/** The positions of a dot plot's rows. */
import { inColumn } from "../format";
import { textWidth, wrap } from "../measure";
import type { Cell, Dots } from "../model";

export interface Layout {
  width: number;
  height: number;
  /** Labels are drawn above their rows if there is no room beside them. */
  narrow: boolean;
  left: number;
  /** The end of the axis; the numbers are drawn beyond it. */
  end: number;
  top: number;
  bottom: number;
  pitch: number;
  /** The name of the axis, in lines. */
  name: string[];
  at: (value: number) => number;
  /** The number at the end of a row. */
  said: (value: Cell) => string;
}

export const LABEL = 12.5;
export const NAME_LINE = 15;
const [TOP, BOTTOM, RIGHT, LEAST] = [30, 27, 14, 160];

/** The places of all rows of `view` in `width`. */
export function layout(view: Dots, width: number): Layout {
  const said = inColumn(view.rows.map((row) => row.value), view.digits);
  const widest = Math.max(0, ...view.rows.map((row) => textWidth(row.label, LABEL, "sans", row.strong ? "600" : ""))) + 16;
  const numbers = Math.max(0, ...view.rows.map((row) => textWidth(said(row.value), LABEL, "mono", "600")));
  const right = RIGHT + numbers + 8;
  const narrow = width - widest - right < LEAST;
  const left = narrow ? 12 : widest;
  const pitch = narrow ? 36 : 20;
  const top = view.rules.length ? TOP : 8;
  const bottom = top + pitch * view.rows.length;
  const span = view.high - view.low || 1;
  const at = (value: number) => left + ((Math.min(view.high, Math.max(view.low, value)) - view.low) / span) * (width - left - right);
  const name = wrap(view.label, width - right - left, LABEL);
  return { width, height: bottom + BOTTOM + NAME_LINE * name.length, narrow, left, end: width - right, top, bottom, pitch, name, at, said };
}

/** The middle of a row. */
export function middleOf(plan: Layout, row: number): number {
  return plan.top + plan.pitch * row + (plan.narrow ? 28 : plan.pitch / 2);
}
