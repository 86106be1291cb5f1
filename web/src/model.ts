/** The view models that Python writes and this bundle draws. A change of meaning is a new number after the @. */

/** A number, null where the thing is impossible, or a word for what JSON cannot say. */
export type Cell = number | null | "nan" | "inf" | "-inf";

export interface Page {
  schema: "loadstore/page@1";
  title: string;
  lead: string;
  prompt: string;
  tokens: string[];
  facts: [string, string | number][];
  sections: Section[];
  footer: string[];
  /** Figures only, for a frame in a notebook. */
  compact?: boolean;
}

export interface Section {
  id: string;
  title: string;
  lead: string;
  figures: Figure[];
}

export interface Figure {
  schema: "loadstore/figure@1";
  id: string;
  number: string;
  title: string;
  claim: string;
  note: { kind: "remark" | "reading"; label: string; text: string } | null;
  views: View[];
}

export interface Labelled {
  name: string;
  labels: string[];
}

export interface Scale {
  kind: "sequential" | "diverging";
  low: number;
  high: number;
  label: string;
  /** A value that the legend marks, such as chance. */
  reference?: number | null;
}

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

/** Views that take each other's place. */
export interface Switch {
  schema: "loadstore/switch@1";
  title: string;
  label: string;
  choices: { name: string; views: View[] }[];
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

export type View = Heatmap | Lines | Table | Bars | Address | Memory | Diagram | Formula | Patterns | Layers | Waterfall | Walk | Switch | Program;

/** Where a view stands in its page: what its tables are addressed by. */
export interface Place {
  figure: string;
  /** Its index in the figure; inside a switch, also the choice and the index there: `2-traffic-0`. */
  view: number | string;
}
