/** A dot plot: a number a row, with its interval and the numbers that it is compared with. */
import type { Cell } from "./cell";

export interface Dots {
  schema: "loadstore/dots@1";
  title: string;
  label: string;
  others: string;
  low: number;
  high: number;
  digits: number;
  rows: Dot[];
  rules: [number, string][];
}

export interface Dot {
  label: string;
  value: Cell;
  interval: [Cell, Cell] | null;
  others: Cell[];
  text: string;
  strong: boolean;
}
