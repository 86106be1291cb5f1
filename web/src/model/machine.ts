/** The machine as pictures: its stream, its steps, its formulas, and what one head loads and stores. */
import type { Cell, Labelled, Scale } from "./cell";

export interface Address {
  schema: "loadstore/address@1";
  title: string;
  tokens: string[];
  /** What the outlined set holds. */
  mass: number;
  rows: { label: string; text: string; weights: Cell[]; outlined: number[]; effective: number }[];
}

/** The stream as an array whose rows an address selects. */
export interface Memory {
  schema: "loadstore/memory@1";
  title: string;
  rows: Labelled;
  columns: Labelled;
  values: Cell[][];
  scale: Scale;
  weights: { label: string; values: Cell[] };
  hatched: string | null;
}

export interface Diagram {
  schema: "loadstore/diagram@1";
  title: string;
  stream: string;
  steps: Step[];
  reading?: string | null;
}

export interface Step {
  name: string;
  kind: "embed" | "pos" | "head" | "mlp" | "unembed";
  detail: string;
  loads: { label: string; source: "stream" | "pos" }[];
  stores: string | null;
  /** Parallel siblings that are not drawn. */
  more: number;
}

export interface Term {
  text: string;
  sub?: string | null;
  sup?: string | null;
  shape?: string | null;
  kind: "matrix" | "operator" | "word";
}

export interface Formula {
  schema: "loadstore/formula@1";
  title: string;
  rows: { name: string; terms: Term[]; meaning: string }[];
}

export type Side = "Q" | "K" | "V";

/** What one side of a head loads: a token's row, and who wrote how much of what is read there. */
export interface Load {
  place: string;
  writers: { label: string; share: Cell; text: string }[];
  remainder: Cell;
}

/** One address: writers of the query times writers of the key make a score, the score a weight, and values are stored. */
export interface Walk {
  schema: "loadstore/walk@1";
  title: string;
  head: string;
  /** A side that is missing loads nothing. */
  sides: Partial<Record<Side, Load>>;
  /** Parts of the score: [writer of Q][writer of K]. */
  parts: Cell[][];
  score: { label: string; value: Cell; remainder: Cell };
  weight: Cell;
  /** The writers of the strongest path: of Q, of K, of V. */
  hero: [number, number, number];
  stores: string;
}

/** One load or store; a part that is a step of its own links to it. */
export interface Line {
  site: string;
  op: string;
  place: string;
  parts: { text: string; step: number | null }[];
  comment: string;
  mark: "" | "estimated" | "verified" | "beyond" | "failed";
  step: number | null;
}

/** The loads and stores that made one prediction. */
export interface Program {
  schema: "loadstore/program@1";
  title: string;
  rows: Line[];
}
