/** The positions of the bars and texts of a bar chart. */
import { inColumn, say } from "../format";
import { textWidth, widestOf, wrap } from "../measure";
import type { Bars, Cell } from "../model";

export const SIZE = 12;
export const LINE = 16;
const NARROW = 320;
/** Texts longer than the first are drawn below their bars if there is less room than the second. */
const [LONG, WORDY] = [130, 460];
const GAP = 14;

/** Bars as drawn: the bars of a sum begin where the previous one ended. */
export interface Chart extends Omit<Bars, "schema" | "title" | "rows"> {
  rows: (Bars["rows"][number] & { from?: number })[];
  /** Whether lines connect the end of a bar to the start of the next. */
  tied?: boolean;
  /** The value with the strongest colour, if it is not an end of the scale. */
  reach?: number;
}

export interface Row {
  label: string;
  value: Cell;
  text: string;
  /** Where the bar begins. */
  from: number;
  strong: boolean;
  total: boolean;
  top: number;
  height: number;
  lines: string[];
}

export interface Layout {
  width: number;
  height: number;
  narrow: boolean;
  label: number;
  left: number;
  right: number;
  value: number;
  text: number;
  top: number;
  bottom: number;
  rows: Row[];
  /** Rows of rule labels above the plot, one level per entry. */
  levels: number[];
  at: (value: number) => number;
  zero: number;
}

/** The text of a bar's number. */
export function printed(view: Pick<Bars, "digits" | "kind">, value: Cell): string {
  return say(value, view.digits, view.kind === "signed");
}

/** The same beside the bars of `view`. */
export function column(view: Chart): (value: Cell | undefined) => string {
  const values = [...view.rows.map(({ value }) => value), ...(view.total ? [view.total.value] : [])];
  return inColumn(values, view.digits, view.kind === "signed");
}

/** All rows of `view`, its total last, in `width` pixels. */
export function layout(view: Chart, width: number): Layout {
  const said = widestOf(view.rows.map(({ text }) => text), SIZE);
  const narrow = width < (said > LONG ? WORDY : NARROW);
  const all = [...view.rows.map((row) => ({ from: 0, ...row, total: false })), ...(view.total ? [{ ...view.total, from: 0, text: "", strong: true, total: true }] : [])];
  const values = Math.max(widestOf(all.map(({ value }) => column(view)(value)), SIZE, "mono", "600"), textWidth("value", SIZE));
  const names = [...all.map(({ label }) => label), view.columns[0]];
  const texts = widestOf([...all.map(({ text }) => text), view.columns[1]], SIZE);
  const label = narrow ? width - values - GAP : Math.min(widestOf(names, SIZE, "mono", "600") + 2, width * 0.28);
  const left = narrow ? 4 : label + GAP;
  const room = width - left - values - 2 * GAP;
  const text = narrow ? width - 8 : all.some(({ text: own }) => own) ? Math.min(texts + 2, room * 0.52) : 0;
  const right = narrow ? width - 4 : left + Math.min(560, room - (text ? text + GAP : 0));
  const value = narrow ? width : right + GAP + values;
  const [low, high] = [Math.min(view.low, view.kind === "signed" ? 0 : view.low), Math.max(view.high, view.kind === "signed" ? 0 : view.high)];
  const span = high - low || 1;
  const at = (x: number) => left + (Math.min(1, Math.max(0, (x - low) / span)) * (right - left));
  const levels = ruleLevels(view, at, width);
  const top = 26 + (Math.max(-1, ...levels) + 1) * LINE;
  let y = top + 6;
  const rows = all.map((row) => {
    const lines = wrap(row.text, text, SIZE);
    const height = narrow ? 42 + lines.length * LINE : Math.max(21, lines.length * LINE + 6);
    if (row.total) y += 7;
    const made = { ...row, strong: row.strong ?? false, lines, top: y, height };
    y += height;
    return made;
  });
  const bottom = y + 4;
  const zero = at(Math.min(high, Math.max(low, 0)));
  return { width, height: bottom + 42, narrow, label, left, right, value, text: value + GAP, top, bottom, rows, levels, at, zero };
}

/** A level for every rule's label, so that none overlaps another. */
function ruleLevels(view: Chart, at: (x: number) => number, width: number): number[] {
  const rules = view.rules ?? [];
  const levels = rules.map(() => 0);
  const ends: number[] = [];
  const order = rules.map((_, index) => index).sort((a, b) => (rules[a]?.value ?? 0) - (rules[b]?.value ?? 0));
  for (const index of order) {
    const [from, to] = ruleLabel(at(rules[index]?.value ?? 0), rules[index]?.label ?? "", width);
    let level = ends.findIndex((end) => end < from);
    if (level < 0) level = ends.length;
    ends[level] = to + 8;
    levels[index] = level;
  }
  return levels;
}

/** The label of a rule centred over it and kept within the picture: from, to. */
export function ruleLabel(x: number, label: string, width: number): [number, number] {
  const wide = Math.min(textWidth(label, 11), width);
  const from = Math.min(Math.max(0, x - wide / 2), width - wide);
  return [from, from + wide];
}
