/** Lines, tables, bars and sums. */
import type { Cell } from "./cell";

export interface Axis {
  name: string;
  label: string;
  scale: "linear" | "log";
}

export interface Series {
  name: string;
  x: Cell[];
  y: Cell[];
  dashed?: boolean;
}

export interface Rule {
  axis: "x" | "y";
  value: number;
  label: string;
}

export interface Lines {
  schema: "loadstore/lines@1";
  title: string;
  x: Axis;
  y: Axis;
  series: Series[];
  rules?: Rule[];
}

export interface Column {
  name: string;
  label: string;
  kind: "text" | "number";
  digits?: number;
}

export interface Table {
  schema: "loadstore/table@1";
  title: string;
  columns: Column[];
  rows: (Cell | string)[][];
}

/** Signed or unsigned quantities, one bar a row, and their sum. */
export interface Bars {
  schema: "loadstore/bars@1";
  title: string;
  label: string;
  kind: "signed" | "unsigned";
  low: number;
  high: number;
  digits: number;
  /** Name of the rows, name of their texts. */
  columns: [string, string];
  rows: { label: string; value: Cell; text: string; strong?: boolean }[];
  rules?: { value: number; label: string }[];
  total?: { label: string; value: Cell } | null;
}

/** Signed steps from zero to a total; what they leave of it is printed. */
export interface Waterfall {
  schema: "loadstore/waterfall@1";
  title: string;
  label: string;
  /** Name of the rows, name of their texts. */
  columns: [string, string];
  rows: { label: string; value: Cell; text: string }[];
  total: { label: string; value: Cell };
  remainder: Cell;
  low: number;
  high: number;
  digits: number;
}
