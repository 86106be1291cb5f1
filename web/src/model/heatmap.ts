/** Matrices as coloured cells: one or many panels, and the patterns of many heads. */
import type { Cell, Labelled, Scale } from "./cell";

export interface Panel {
  title: string;
  values: Cell[][];
  details?: Record<string, (Cell | string)[][]>;
  outlined?: [number, number][];
}

export interface Heatmap {
  schema: "loadstore/heatmap@1";
  title: string;
  rows: Labelled;
  columns: Labelled;
  scale: Scale;
  panels: Panel[];
  hatched: string | null;
  outline_label?: string | null;
  digits: number;
  /** Thumbnails in a row, for many panels on a wide screen. */
  across?: number | null;
}

/** The patterns of many heads on one prompt, a byte a weight. */
export interface Patterns {
  schema: "loadstore/patterns@1";
  title: string;
  tokens: string[];
  heads: { name: string; badges: string[] }[];
  across: number | null;
  causal: boolean;
  /** Base64 of uint8, head after head, row after row; the lower triangle only where causal. */
  packed: string;
  first_is_sink: boolean;
  orders: { name: string; heads: number[] }[];
}
