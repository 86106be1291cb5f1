/** The views that Python writes and this bundle draws. Written by scripts/model_types.py: do not edit. */

/** A number, null for an impossible (hatched) cell, or a word for a value that JSON cannot represent. */
export type Cell = number | "nan" | "inf" | "-inf" | null;

export type Kind = "embed" | "pos" | "head" | "mlp" | "unembed";

export type LineMark = "" | "estimated" | "verified" | "beyond" | "failed";

/** Plain numbers if there are few, packed if there are many. */
export type Matrix = Packed | Cell[][];

/** Numbers of the wires that exist. */
export type Packed = Floats | Halves | Levels;

export type Place = [number, number];

/** How wires are ranked: by magnitude, or by value upwards or downwards. */
export type Rank = "magnitude" | "highest" | "lowest";

export type Side = "Q" | "K" | "V";

export type Source = "stream" | "pos";

export type Transform = "linear" | "log";

/** One soft address. */
export interface AddressRow {
  label: string;
  /** The address in words. */
  text: string;
  /** The weight of every token; null if masked. */
  weights: Cell[];
  /** The smallest set of tokens that holds the view's mass. */
  outlined: number[];
  /** The effective number of tokens, 2 to the power of the entropy in bits. */
  effective: Cell;
}

/** Soft addresses over a sentence. */
export interface Address {
  schema: "loadstore/address@1";
  title: string;
  tokens: string[];
  /** The minimum weight of the outlined set. */
  mass: number;
  rows: AddressRow[];
}

/** The weight of every row of the array; null if the row cannot be selected. */
export interface Weights {
  label: string;
  values: Cell[];
}

/** The stream as an array whose rows an address selects. */
export interface Memory {
  schema: "loadstore/memory@1";
  title: string;
  rows: Labelled;
  columns: Labelled;
  values: Cell[][];
  scale: Scale;
  weights: Weights;
  /** Why some rows cannot be selected. */
  hatched: string | null;
}

/** An axis of labels. */
export interface Labelled {
  /** The name of the axis. */
  name: string;
  /** One label for each row or column. */
  labels: string[];
}

/** A colour scale. */
export interface Scale {
  /** Sequential from `low` up, or diverging around the middle. */
  kind: "sequential" | "diverging";
  /** The lower end. */
  low: number;
  /** The upper end. */
  high: number;
  /** The quantity shown. */
  label: string;
  /** A value that the legend marks, such as chance. */
  reference?: number | null;
  /** Logarithmic if 95 % of the values are below a tenth of the largest; its colours begin at a thousandth of `high`. */
  transform?: Transform;
}

/** An axis of numbers. */
export interface Axis {
  /** The quantity, as a column name of the table. */
  name: string;
  /** The text along the axis. */
  label: string;
  /** How numbers are mapped to lengths. */
  scale: Transform;
}

/** One line of a chart. */
export interface Series {
  name: string;
  x: Cell[];
  y: Cell[];
  dashed: boolean;
}

/** A reference line across a chart, at a value of one axis. */
export interface Rule {
  axis: "x" | "y";
  value: number;
  label: string;
}

/** Lines over one pair of axes. */
export interface Lines {
  schema: "loadstore/lines@1";
  title: string;
  x: Axis;
  y: Axis;
  series: Series[];
  rules: Rule[];
}

/** A column of a table. */
export interface Column {
  /** Its name in the exported file. */
  name: string;
  /** Its heading. */
  label: string;
  /** The type of its cells. */
  kind: "text" | "number";
  /** Decimals of its numbers. */
  digits: number;
}

/** A table. */
export interface Table {
  schema: "loadstore/table@1";
  title: string;
  columns: Column[];
  rows: (Cell | string)[][];
}

/** One bar. */
export interface Bar {
  /** Its name. */
  label: string;
  /** Its length. */
  value: Cell;
  /** A text after its number. */
  text: string;
  /** Whether it is emphasised. */
  strong: boolean;
}

/** A reference value of bars. */
export interface Mark {
  value: number;
  label: string;
}

/** The sum of all rows, with its name. */
export interface Total {
  label: string;
  value: Cell;
}

/** Signed or unsigned quantities, one bar per row, and their sum. */
export interface Bars {
  schema: "loadstore/bars@1";
  title: string;
  /** The quantity shown. */
  label: string;
  /** Whether numbers may be negative. */
  kind: "signed" | "unsigned";
  /** The left end of the scale. */
  low: number;
  /** The right end of the scale. */
  high: number;
  /** Decimals of the numbers. */
  digits: number;
  /** Name of the rows, name of their texts. */
  columns: [string, string];
  rows: Bar[];
  rules: Mark[];
  /** The sum of the rows, if there is one. */
  total: Total | null;
}

/** One row. */
export interface Dot {
  /** The name of the row. */
  label: string;
  /** The number. */
  value: Cell;
  /** The ends of its interval; None without one. */
  interval: [Cell, Cell] | null;
  /** The numbers to compare, drawn as thin lines. */
  others: Cell[];
  /** A text after the number. */
  text: string;
  /** Whether it is emphasised. */
  strong: boolean;
}

/** A dot plot over one axis. */
export interface Dots {
  schema: "loadstore/dots@1";
  title: string;
  /** The axis, with its unit. */
  label: string;
  /** The meaning of the thin lines; "" without any. */
  others: string;
  /** The lower end of the axis. */
  low: number;
  /** Its upper end. */
  high: number;
  /** Decimals of numbers. */
  digits: number;
  /** The rows, from the top. */
  rows: Dot[];
  /** Reference lines. */
  rules: [number, string][];
}

/** A remark on the article, or on how a figure was made and how to read it. */
export interface Note {
  kind: "remark" | "reading";
  label: string;
  text: string;
}

/** One numbered figure. */
export interface Figure {
  schema: "loadstore/figure@1";
  /** The target of links to it. */
  id: string;
  /** Its number, or its name. */
  number: string;
  title: string;
  /** A statement about its views, computed from their numbers. */
  claim: string;
  note: Note | null;
  views: View[];
}

/** A titled group of figures after a sentence. */
export interface Section {
  id: string;
  title: string;
  lead: string;
  figures: Figure[];
  /** Whether the page shows the figures only on request. */
  folded?: boolean;
}

/** A page. */
export interface Page {
  schema: "loadstore/page@1";
  title: string;
  /** The main results, in a few sentences. */
  lead: string;
  /** The prompt of the page. */
  prompt: string;
  /** The prompt's tokens with their index. */
  tokens: string[];
  /** Names and values of facts about the model. */
  facts: [string, string | number][];
  sections: Section[];
  footer: string[];
  /** Whether only the figures are shown, for a frame in a notebook. */
  compact?: boolean;
}

/** One matrix of a heatmap. */
export interface Panel {
  title: string;
  values: Cell[][];
  /** Further numbers or words for every cell, for the read-out and the table. */
  details: Record<string, (Cell | string)[][]>;
  /** Rows and columns of the cells that are outlined. */
  outlined: [number, number][];
  /** The text in each cell in place of its number; empty in impossible cells. */
  marks?: string[][] | null;
}

/** Matrices on one colour scale. */
export interface Heatmap {
  schema: "loadstore/heatmap@1";
  title: string;
  rows: Labelled;
  columns: Labelled;
  scale: Scale;
  panels: Panel[];
  /** Why some cells are impossible. */
  hatched: string | null;
  /** The meaning of an outline. */
  outline_label: string | null;
  /** Decimals of the numbers. */
  digits: number;
  /** Thumbnails per row, for many panels on a wide screen. */
  across?: number | null;
  /** Every mark of a cell with its meaning. */
  marks?: [string, string][] | null;
}

/** Names of one group, such as those of one layer. */
export interface Together {
  label: string;
  members: string[];
}

/** Names in groups, in depth order. */
export interface Members {
  name: string;
  groups: Together[];
}

/** One matrix of wires. */
export interface LayersPanel {
  title: string;
  /** Which cells exist, as base64 bits, if the numbers are packed and not all cells exist. */
  wires?: string | null;
  values: Matrix;
  /** Further numbers for every wire. */
  details: Record<string, Matrix>;
}

/** Wires of a whole model, shown layer by layer. */
export interface Layers {
  schema: "loadstore/layers@1";
  title: string;
  rows: Members;
  columns: Members;
  scale: Scale;
  panels: LayersPanel[];
  /** Which wire represents a block. */
  strongest: Rank;
  note: string;
  /** A value that the scale marks, such as chance. */
  reference: number | null;
  /** Decimals of the numbers. */
  digits: number;
  /** The precision of the numbers, if it is below seven digits. */
  resolution: string[];
}

/** One load of a step, and its source. */
export interface Loaded {
  label: string;
  source: Source;
}

/** One component along the stream. */
export interface Step {
  name: string;
  kind: Kind;
  detail: string;
  loads: Loaded[];
  /** The content of its store; null if it stores nothing. */
  stores: string | null;
  /** The number of parallel siblings left out. */
  more: number;
}

/** A wire of a diagram: a later step loads the store of an earlier one. */
export interface Composition {
  /** The name of the step that stores. */
  writer: string;
  /** The name of the step that loads. */
  reader: string;
  /** The side of the reader. */
  side: string;
  /** The name of the wire. */
  label: string;
}

/** The residual stream as a bus, and the components that load from it and store to it, in order. */
export interface Diagram {
  schema: "loadstore/diagram@1";
  title: string;
  /** The name of the bus. */
  stream: string;
  steps: Step[];
  /** How to read the picture. */
  reading?: string | null;
  /** From a store to a load, drawn along the stream. */
  wires?: Composition[];
}

/** One symbol of a formula. */
export interface Term {
  text: string;
  /** Its subscript. */
  sub: string | null;
  /** Its superscript. */
  sup: string | null;
  /** The sizes of a matrix. */
  shape: string | null;
  kind: "matrix" | "operator" | "word";
}

/** One formula with its name and meaning. */
export interface Equation {
  name: string;
  terms: Term[];
  meaning: string;
}

/** Formulas, with the shape of every matrix under it. */
export interface Formula {
  schema: "loadstore/formula@1";
  title: string;
  rows: Equation[];
}

/** Base64 of little-endian float32 numbers. */
export interface Floats {
  format: "float32";
  data: string;
}

/** Base64 of little-endian float16 numbers, in units of `unit`. */
export interface Halves {
  format: "float16";
  unit: number;
  data: string;
}

/** Base64 of bytes that count steps from `low`; 253, 254 and 255 denote -inf, inf and NaN. */
export interface Levels {
  format: "uint8";
  low: number;
  step: number;
  data: string;
}

/** A head and its roles. */
export interface Badged {
  name: string;
  badges: string[];
}

/** An order of the heads, by index. */
export interface Order {
  name: string;
  heads: number[];
}

/** The patterns of many heads on one prompt. */
export interface Patterns {
  schema: "loadstore/patterns@1";
  title: string;
  tokens: string[];
  heads: Badged[];
  /** Thumbnails per row on a wide screen. */
  across: number | null;
  /** Whether only the lower triangles are packed. */
  causal: boolean;
  /** Base64 of uint8, 255 for 1, head after head, row after row. */
  packed: string;
  /** Whether the first column can be masked. */
  first_is_sink: boolean;
  /** Further orders of the heads. */
  orders: Order[];
  /** The index of the head that is initially enlarged. */
  shown?: number;
}

/** A token in the bottom row, or a run of tokens without loads. */
export interface Token {
  /** Its label with its index, or the number of folded tokens. */
  text: string;
  /** The middle of its text. */
  at: Place;
  /** Whether it stands for several. */
  folded: boolean;
  /** Whether a load starts here. */
  used: boolean;
}

/** Heads or MLPs of one layer at one token, or the answer. */
export interface SiteBox {
  /** The names of the sites. */
  name: string;
  /** The name, broken into lines that fit. */
  lines: string[];
  /** The role of heads, or "". */
  role: string;
  /** The kind of site. */
  kind: "head" | "mlp" | "answer";
  /** The label of the token. */
  token: string;
  /** Left, top, width and height. */
  box: [number, number, number, number];
}

/** A load. */
export interface Arc {
  /** The site that stored, with the token. */
  source: string;
  /** The site that loads, with the token. */
  target: string;
  /** The port of the load: Q, K, V, or "" for MLPs and the answer. */
  port: "Q" | "K" | "V" | "";
  /** Its share, signed. */
  share: number;
  /** The number of its wires. */
  wires: number;
  /** The line, as the d of an SVG path. */
  path: string;
  /** The width of the line. */
  width: number;
  /** The end of the line and its direction in degrees. */
  tip: [number, number, number];
  /** The place of the port's letter. */
  letter: Place;
  /** Whether positions were stored instead of tokens. */
  positions: boolean;
}

/** The result of cutting some of the loads. */
export interface Cut {
  /** The label of the cut's button. */
  name: string;
  /** Indices of the arcs that break. */
  arcs: number[];
  /** The answer's lines after the cut. */
  answer: string[];
  /** The remaining fraction of the answer's probability, from 0 to 1; the answer fades accordingly. */
  kept: number;
  /** The result in words. */
  said: string;
}

/** A picture with the places of all its parts in pixels. */
export interface Picture {
  schema: "loadstore/picture@1";
  title: string;
  /** Its width. */
  width: number;
  /** Its height. */
  height: number;
  /** The bottom row. */
  tokens: Token[];
  /** Sites at tokens, the answer last. */
  marks: SiteBox[];
  /** The loads, strongest first. */
  arcs: Arc[];
  /** The total that shares refer to. */
  unit: string;
  /** Sentences on the loads drawn and left out, with the faithfulness of those drawn if it is known. */
  notes: string[];
  /** Measured cuts. */
  cuts: Cut[];
}

/** A part of a line; one that names a step links to it. */
export interface Operand {
  text: string;
  step: number | null;
}

/** One load or store. */
export interface Line {
  site: string;
  op: string;
  place: string;
  /** The content that it loads or stores. */
  parts: Operand[];
  comment: string;
  /** The result of cutting it. */
  mark: LineMark;
  /** Its number, if other lines link to it. */
  step: number | null;
}

/** The loads and stores of one prediction. */
export interface Program {
  schema: "loadstore/program@1";
  title: string;
  rows: Line[];
}

/** One step of a waterfall. */
export interface Addend {
  label: string;
  value: Cell;
  text: string;
}

/** Signed steps from zero to a total, and the remainder. */
export interface Waterfall {
  schema: "loadstore/waterfall@1";
  title: string;
  /** The quantity shown. */
  label: string;
  /** Name of the rows, name of their texts. */
  columns: [string, string];
  rows: Addend[];
  total: Total;
  /** The total minus the steps. */
  remainder: Cell;
  low: number;
  high: number;
  /** Decimals of the numbers. */
  digits: number;
}

/** A writer's share of a side's load, with a text. */
export interface Share {
  label: string;
  share: Cell;
  text: string;
}

/** The load of one side of a head: a token's row, and the writers of its content with their shares. */
export interface Load {
  place: string;
  writers: Share[];
  remainder: Cell;
}

/** The score to which the parts of a walk add up. */
export interface Score {
  label: string;
  value: Cell;
  remainder: Cell;
}

/** One address: writers of the query × writers of the key give a score, the score a weight, and values are stored. */
export interface Walk {
  schema: "loadstore/walk@1";
  title: string;
  head: string;
  /** A missing side loads nothing. */
  sides: Partial<Record<Side, Load>>;
  /** Parts of the score: [writer of Q][writer of K]. */
  parts: Cell[][];
  score: Score;
  /** The attention to the key. */
  weight: Cell;
  /** The writers of the strongest path: of Q, of K, of V. */
  hero: [number, number, number];
  /** The end of the walk. */
  stores: string;
}

/** The views of one choice. */
export interface Choice {
  name: string;
  views: View[];
}

/** A choice between groups of views. */
export interface Switch {
  schema: "loadstore/switch@1";
  title: string;
  /** The quantity to choose. */
  label: string;
  /** The choices; the first is shown initially. */
  choices: Choice[];
}

/** Every view that a figure may hold. */
export type View = Address | Memory | Lines | Table | Bars | Dots | Heatmap | Layers | Diagram | Formula | Patterns | Picture | Program | Waterfall | Walk | Switch;
