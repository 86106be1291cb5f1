/** Matrices of wires over a whole model, layers first. */
import type { Cell, Scale } from "./cell";

/** Names in groups, in order. */
export interface Members {
  name: string;
  groups: { label: string; members: string[] }[];
}

/** Numbers of the wires that exist, as base64 of little-endian bytes. */
export type Packed =
  | { format: "float32"; data: string }
  | { format: "float16"; unit: number; data: string }
  | { format: "uint8"; low: number; step: number; data: string };

export interface LayersPanel {
  title: string;
  /** Which cells exist, a bit each, where the numbers are packed and not all do. */
  wires?: string | null;
  values: Cell[][] | Packed;
  details: Record<string, Cell[][] | Packed>;
}

/** By what wires are compared: their size whatever its sign, or their value upwards or downwards. */
export type Rank = "magnitude" | "highest" | "lowest";

/** Wires of a whole model, shown layer by layer. */
export interface Layers {
  schema: "loadstore/layers@1";
  title: string;
  rows: Members;
  columns: Members;
  scale: Scale;
  panels: LayersPanel[];
  /** Which wire stands for a block of them. */
  strongest: Rank;
  note: string;
  reference: number | null;
  digits: number;
  /** How finely numbers are kept, where it is not to seven digits. */
  resolution: string[];
}
