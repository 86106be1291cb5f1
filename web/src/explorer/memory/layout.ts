/** Sizes of the map, and the scale of its colours. */
import type { Scale } from "../../model";
import { widest, widthOf } from "../../text";
import { totalOf } from "./rows";
import type { Line, Memory, Spot } from "./types";

/** Height of a row, and of its drawn part; between two bands the gap is larger. */
export const [PITCH, STRIP, BETWEEN] = [23, 19, 7];
/** Blank between cells. */
export const GAP = 2;
const NARROW = 30;
const WIDE = 72;
const SIZE = 11;

export interface Plan {
  cell: number;
  left: number;
  top: number;
  /** The upper edge of every row. */
  tops: number[];
  width: number;
  height: number;
}

/** The plan of a map over `labels` in `width` pixels; narrower than its tokens need, it scrolls. */
export function planned(lines: Line[], labels: string[], width: number): Plan {
  const left = Math.ceil(lines.reduce((most, { name, said }) => Math.max(most, widthOf(`${name} ${said}`, SIZE)), 60)) + 28;
  const cell = Math.min(WIDE, Math.max(NARROW, Math.floor((width - left - 8) / Math.max(1, labels.length))));
  const top = Math.ceil(widest(labels, SIZE) * 0.9) + 14;
  const tops: number[] = [];
  for (const [row, { band }] of lines.entries()) tops.push(row === 0 ? top : (tops[row - 1] ?? 0) + PITCH + (band === lines[row - 1]?.band ? 0 : BETWEEN));
  return { cell, left, top, tops, width: left + cell * labels.length + 40, height: (tops.at(-1) ?? top) + STRIP + 12 };
}

/** The fraction of nonempty cells within the scale; a few larger ones would make all others pale. */
const MOST = 0.95;

/** The quantity shown by a cell's colour: the norm of the store, or the number of loads it makes up. */
export function sizeOf({ measure }: Memory, line: Line, token: number): number {
  const total = totalOf(line, token);
  return measure === "stored" ? Math.sqrt(Math.max(0, total)) : total;
}

/** The scale of a map: its end is a round number that few cells exceed; logarithmic if half are below a tenth of it. */
export function scaleOf(memory: Memory, lines: Line[], tokens: number): Scale {
  const sizes = lines.flatMap((line) => Array.from({ length: tokens }, (_, token) => sizeOf(memory, line, token)));
  const held = sizes.filter((value) => value > 0).sort((a, b) => a - b);
  const high = rounded(held[Math.ceil(MOST * held.length) - 1] ?? 1);
  const log = (held[Math.ceil(held.length / 2) - 1] ?? high) < high / 10;
  const label = memory.measure === "stored" ? "norm of what was stored" : "loads that it makes up";
  return { kind: "sequential", low: 0, high, label, ...(log ? { transform: "log" } : {}) };
}

/** The next of 1, 2 and 5 times a power of ten. */
export function rounded(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value));
  const step = [1, 2, 5, 10].find((one) => one * power >= value * (1 - 1e-12)) ?? 10;
  return Number((step * power).toPrecision(1));
}

/** The middle of a cell. */
export function middle(plan: Plan, { row, token }: Spot): [number, number] {
  return [plan.left + (token + 0.5) * plan.cell - GAP / 2, lineOf(plan, row)];
}

/** The middle of a row. */
export function lineOf(plan: Plan, row: number): number {
  return (plan.tops[row] ?? plan.top) + STRIP / 2;
}
