/** Sizes of the map, and the strips in its cells. */
import { widest } from "../../text";
import type { Memory, Row, Spot } from "./types";

/** Height of a strip; rows are further apart where there are few, so that edges between them can be distinguished. */
export const STRIP = 24;
const [CLOSE, APART, TALL] = [30, 96, 330];
/** Blank between cells. */
export const GAP = 3;
const NARROW = 30;
const WIDE = 72;
/** Room at the left: the row's name, how many write there, and later what a region is. */
export const GUTTER = 124;

export interface Plan {
  cell: number;
  left: number;
  top: number;
  pitch: number;
  width: number;
  height: number;
}

/** The plan of a map over `labels` in `width` pixels; narrower than its tokens need, it scrolls. */
export function planned(memory: Memory, labels: string[], width: number): Plan {
  const cell = Math.min(WIDE, Math.max(NARROW, Math.floor((width - GUTTER - 8) / Math.max(1, labels.length))));
  const top = Math.ceil(widest(labels, 11) * 0.9) + 14;
  const pitch = Math.max(CLOSE, Math.min(APART, Math.floor(TALL / memory.rows.length)));
  return { cell, left: GUTTER, top, pitch, width: GUTTER + cell * labels.length + 40, height: top + pitch * (memory.rows.length - 1) + STRIP + 16 };
}

export interface Piece {
  writer: number;
  from: number;
  to: number;
}

/** A cell so many times as large as most of its row would leave nothing to see of the others: it is cut. */
const OUTLIER = 8;

/** What fills a cell of a row: its largest sum, those aside that dwarf nine tenths of them. */
export function fullest(row: Row): number {
  const sums = row.squares.map((_, token) => total(row, token)).sort((a, b) => a - b);
  const usual = sums[Math.floor(0.9 * (sums.length - 1))] ?? 0;
  const most = sums.findLast((sum) => !(usual > 0) || sum <= OUTLIER * usual);
  return most || 1;
}

/** Whether a strip is longer than its cell. */
export function isCut(row: Row, token: number, most: number): boolean {
  return total(row, token) > most * (1 + 1e-9);
}

function total(row: Row, token: number): number {
  return row.values.reduce((sum, values) => sum + Math.max(0, values[token] ?? 0), 0);
}

/** The strip of one cell, as parts of its width; what is below zero, or beyond the cell, has none. */
export function strip(row: Row, token: number, most: number): Piece[] {
  let from = 0;
  return row.values.map((values, writer) => {
    const to = Math.min(1, from + Math.max(0, values[token] ?? 0) / most);
    const piece = { writer, from, to };
    from = to;
    return piece;
  });
}

/** Where the spot of a store is: the middle of its piece. */
export function middle(memory: Memory, plan: Plan, { row, writer, token }: Spot): [number, number] {
  const found = memory.rows[row];
  const piece = found && strip(found, token, fullest(found))[writer];
  const along = piece ? (piece.from + piece.to) / 2 : 0.5;
  return [plan.left + token * plan.cell + 1 + along * (plan.cell - GAP), lineOf(plan, row)];
}

/** The middle of a row's strips. */
export function lineOf(plan: Plan, row: number): number {
  return plan.top + row * plan.pitch + STRIP / 2;
}

/** The largest writer of a cell. */
export function largest(memory: Memory, row: number, token: number): number {
  const values = memory.rows[row]?.values.map((each) => each[token] ?? 0) ?? [];
  return Math.max(0, values.indexOf(Math.max(...values)));
}
