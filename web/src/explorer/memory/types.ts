/** The server's answers about the memory and of one store. */
import type { SideName } from "../address/types";

export interface Row {
  label: string;
  /** −1 before the first layer. */
  layer: number;
  writers: string[];
  /** head, mlp, bias, embed or pos, for each writer. */
  kinds: string[];
  /** [writer][token] */
  values: number[][];
  /** Per token: the sum of the squared norms, and the squared norm of the sum. */
  squares: number[];
  sums: number[];
}

export interface Memory {
  measure: "stored" | "loaded";
  meaning: string;
  first: number;
  rows: Row[];
}

export interface Load {
  head: string;
  layer: number;
  side: SideName;
  query: number;
  token: string;
  share: number;
  traffic: number;
}

export interface Store {
  writer: string;
  at: number;
  norm: number;
  shares: { when: string; share: number }[];
  decoded: { text: string; cosine: number }[];
  source: { token: string; at: number; weight: number }[];
  logit: { text: string; change: number } | null;
  by: "share" | "traffic";
  lit: Load[];
  /** Loads that are not highlighted, and the sum of their sizes; null if sides have different units. */
  others: { count: number; held: number | null };
  missing: string;
}

/** The region of a writer on text, and the sites that overwrite it and load it. */
export interface Region {
  writer: string;
  rank: number;
  dimensions: number;
  /** Null where the writer is never in the stream. */
  power: number | null;
  share: number | null;
  overwritten: { writer: string; overlap: number; chance: number }[];
  /** The number of writers that overwrite it, named or not. */
  overwriters: number;
  loaded: { reader: string; load: number }[];
  /** Later sites that load or overwrite it. */
  uses: { site: string; mark: string }[];
  /** Every mark with its meaning, the strongest last. */
  marks: [string, string][];
  text: string;
}

/** A row of the map: one writer, or several folded ones. */
export interface Line {
  name: string;
  /** Its roles, or the number of its writers. */
  said: string;
  /** The first layer of its band. */
  band: number;
  writers: { name: string; values: number[] }[];
}

/** One store on the map: its row, its place among the row's writers, its token in the window. */
export interface Spot {
  row: number;
  writer: number;
  token: number;
}
