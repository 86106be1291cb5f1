/** The views that Python writes and this bundle draws. Written by scripts/model_types.py: do not edit. */

/** A number, null where the thing is impossible (hatched), or a word for what JSON cannot say. */
export type Cell = number | "nan" | "inf" | "-inf" | null;

export type Kind = "embed" | "pos" | "head" | "mlp" | "unembed";

export type LineMark = "" | "estimated" | "verified" | "beyond" | "failed";

/** Numbers as they are where they are few, packed where they are many. */
export type Matrix = Packed | Cell[][];

/** Numbers of the wires that exist. */
export type Packed = Floats | Halves | Levels;

export type Place = [number, number];

/** By what wires are compared: their size whatever its sign, or their value upwards or downwards. */
export type Rank = "magnitude" | "highest" | "lowest";

export type Side = "Q" | "K" | "V";

export type Source = "stream" | "pos";

export type Transform = "linear" | "log";

/** One soft address. */
export interface AddressRow {
  label: string;
  /** The address in words. */
  text: string;
  /** Of every token; null where the mask forbids. */
  weights: Cell[];
  /** The smallest set of tokens that holds the view's mass. */
  outlined: number[];
  /** How many tokens it effectively has, 2 to the power of its entropy in bits. */
  effective: Cell;
}

/** Soft addresses over a sentence. */
export interface Address {
  schema: "loadstore/address@1";
  title: string;
  tokens: string[];
  /** What the outlined set holds at least. */
  mass: number;
  rows: AddressRow[];
}

/** The weight of every row of the array; null where it cannot be selected. */
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
  /** What the labels are. */
  name: string;
  /** One for each row or column. */
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
  /** What the numbers are. */
  label: string;
  /** A value that the legend marks, such as chance. */
  reference?: number | null;
  /** Logarithmic where 95 % of the values are below a tenth of the largest; its colours begin at a thousandth of `high`. */
  transform?: Transform;
}

/** An axis of numbers. */
export interface Axis {
  /** What the numbers are, as a column of the table has it. */
  name: string;
  /** What the chart prints along the axis. */
  label: string;
  /** How numbers become lengths. */
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
  /** What its cells are. */
  kind: "text" | "number";
  /** Of its numbers, after the point. */
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
  /** What is said beside its number. */
  text: string;
  /** Whether it is emphasised. */
  strong: boolean;
}

/** A reference value of bars. */
export interface Mark {
  value: number;
  label: string;
}

/** What all rows add up to, with its name. */
export interface Total {
  label: string;
  value: Cell;
}

/** Signed or unsigned quantities, one bar a row, and their sum. */
export interface Bars {
  schema: "loadstore/bars@1";
  title: string;
  /** What the numbers are. */
  label: string;
  /** Whether numbers may be negative. */
  kind: "signed" | "unsigned";
  /** The left end of the scale. */
  low: number;
  /** The right end of the scale. */
  high: number;
  /** Of the numbers, after the point. */
  digits: number;
  /** Name of the rows, name of their texts. */
  columns: [string, string];
  rows: Bar[];
  rules: Mark[];
  /** The sum of the rows, where there is one. */
  total: Total | null;
}

/** One row. */
export interface Dot {
  /** What it is of. */
  label: string;
  /** The number. */
  value: Cell;
  /** The ends of its interval; None without one. */
  interval: [Cell, Cell] | null;
  /** The numbers that it is compared with, drawn as thin lines. */
  others: Cell[];
  /** What is said of it. */
  text: string;
  /** Whether it stands out. */
  strong: boolean;
}

/** A dot plot over one axis. */
export interface Dots {
  schema: "loadstore/dots@1";
  title: string;
  /** The axis, with its unit. */
  label: string;
  /** What the thin lines are; "" without any. */
  others: string;
  /** Where the axis begins. */
  low: number;
  /** Where it ends. */
  high: number;
  /** Decimals of numbers. */
  digits: number;
  /** The rows, from above. */
  rows: Dot[];
  /** Reference lines. */
  rules: [number, string][];
}

/** A remark on the article, or how a figure was made and is read. */
export interface Note {
  kind: "remark" | "reading";
  label: string;
  text: string;
}

/** One numbered figure. */
export interface Figure {
  schema: "loadstore/figure@1";
  /** What links to it name. */
  id: string;
  /** Its number, or its name. */
  number: string;
  title: string;
  /** What its views show, computed from their numbers. */
  claim: string;
  note: Note | null;
  views: View[];
}

/** A titled run of figures with a sentence in front. */
export interface Section {
  id: string;
  title: string;
  lead: string;
  figures: Figure[];
  /** Whether the page shows the figures only when they are asked for. */
  folded?: boolean;
}

/** A page. */
export interface Page {
  schema: "loadstore/page@1";
  title: string;
  /** The main results, in a few sentences. */
  lead: string;
  /** The text that it is about. */
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
  /** More numbers or words of every cell, for the read-out and the table. */
  details: Record<string, (Cell | string)[][]>;
  /** Rows and columns of the cells that are outlined. */
  outlined: [number, number][];
  /** What is written into each cell in the place of its number; empty where it is impossible. */
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
  /** What an outline means. */
  outline_label: string | null;
  /** Of the numbers, after the point. */
  digits: number;
  /** Thumbnails in a row, for many panels on a wide screen. */
  across?: number | null;
  /** Every mark of a cell with its meaning. */
  marks?: [string, string][] | null;
}

/** Names that stand together, such as those of one layer. */
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
  /** Which cells exist, a bit each in base64, where the numbers are packed and not all cells exist. */
  wires?: string | null;
  values: Matrix;
  /** More numbers of every wire. */
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
  /** Which wire stands for a block of them. */
  strongest: Rank;
  note: string;
  /** A value that the scale marks, such as chance. */
  reference: number | null;
  /** Of the numbers, after the point. */
  digits: number;
  /** How finely numbers are kept, where it is not to seven digits. */
  resolution: string[];
}

/** One load of a step, and where it loads from. */
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
  /** What it stores; null where it stores nothing. */
  stores: string | null;
  /** Parallel siblings that are not drawn. */
  more: number;
}

/** A wire of a diagram: what one step stores, a later one loads. */
export interface Composition {
  /** The name of the step that stores. */
  writer: string;
  /** The name of the step that loads. */
  reader: string;
  /** Which of its loads. */
  side: string;
  /** What the wire is called. */
  label: string;
}

/** The residual stream as a bus, and the components that load from it and store to it, in order. */
export interface Diagram {
  schema: "loadstore/diagram@1";
  title: string;
  /** What the bus is called. */
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

/** Base64 of bytes, which count steps from `low`; 253, 254 and 255 stand for -inf, inf and NaN. */
export interface Levels {
  format: "uint8";
  low: number;
  step: number;
  data: string;
}

/** A head and the roles that it plays. */
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
  /** Thumbnails in a row on a wide screen. */
  across: number | null;
  /** Whether only the lower triangles are packed. */
  causal: boolean;
  /** Base64 of uint8, 255 for 1, head after head, row after row. */
  packed: string;
  /** Whether the first column can be masked. */
  first_is_sink: boolean;
  /** Orders besides that of the heads. */
  orders: Order[];
  /** The head that is drawn large at first, by index. */
  shown?: number;
}

/** A token in the bottom row, or a run of tokens that nothing is loaded from. */
export interface Token {
  /** Its label with its index, or how many tokens are folded. */
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
  /** Their names. */
  name: string;
  /** The name in lines that fit. */
  lines: string[];
  /** The role of heads, or "". */
  role: string;
  /** What they are. */
  kind: "head" | "mlp" | "answer";
  /** The label of the token. */
  token: string;
  /** Left, top, width and height. */
  box: [number, number, number, number];
}

/** A load. */
export interface Arc {
  /** Who stored, with the token. */
  source: string;
  /** Who loads, with the token. */
  target: string;
  /** Through what: Q, K, V, or "" for MLPs and the answer. */
  port: "Q" | "K" | "V" | "";
  /** What it carries, signed. */
  share: number;
  /** How many wires it stands for. */
  wires: number;
  /** The line, as the d of an SVG path. */
  path: string;
  /** The width of the line. */
  width: number;
  /** The end of the line and its direction in degrees. */
  tip: [number, number, number];
  /** Where the letter of the port stands. */
  letter: Place;
  /** Whether positions were stored, not tokens. */
  positions: boolean;
}

/** What was measured with some of the loads cut. */
export interface Cut {
  /** What is cut, as on a button. */
  name: string;
  /** Indices of the arcs that break. */
  arcs: number[];
  /** The answer's lines then. */
  answer: string[];
  /** What is left of the answer's probability, from 0 to 1; the answer fades by it. */
  kept: number;
  /** What was measured, in words. */
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
  /** What a share is a share of. */
  unit: string;
  /** What is drawn and what is not, with the faithfulness of what is drawn where it is known. */
  notes: string[];
  /** Cuts that were measured. */
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
  /** What it loads or stores. */
  parts: Operand[];
  comment: string;
  /** How cutting it turned out. */
  mark: LineMark;
  /** Its number, if it is a step that others link to. */
  step: number | null;
}

/** The loads and stores that made one prediction. */
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

/** Signed steps from zero to a total; what they leave of it is printed. */
export interface Waterfall {
  schema: "loadstore/waterfall@1";
  title: string;
  /** What the numbers are. */
  label: string;
  /** Name of the rows, name of their texts. */
  columns: [string, string];
  rows: Addend[];
  total: Total;
  /** The total less the steps. */
  remainder: Cell;
  low: number;
  high: number;
  /** Of the numbers, after the point. */
  digits: number;
}

/** The share that a writer has in what a side reads, and what is said of it. */
export interface Share {
  label: string;
  share: Cell;
  text: string;
}

/** What one side of a head loads: a token's row, and who wrote how much of what is read there. */
export interface Load {
  place: string;
  writers: Share[];
  remainder: Cell;
}

/** The score that the parts of a walk add up to. */
export interface Score {
  label: string;
  value: Cell;
  remainder: Cell;
}

/** One address: writers of the query × writers of the key make a score, it makes a weight, values are stored. */
export interface Walk {
  schema: "loadstore/walk@1";
  title: string;
  head: string;
  /** A side that is missing loads nothing. */
  sides: Partial<Record<Side, Load>>;
  /** Of the score: [writer of Q][writer of K]. */
  parts: Cell[][];
  score: Score;
  /** What attention gives to the key. */
  weight: Cell;
  /** The writers of the strongest path: of Q, of K, of V. */
  hero: [number, number, number];
  /** Where it ends. */
  stores: string;
}

/** Views that are shown together. */
export interface Choice {
  name: string;
  views: View[];
}

/** Views that take each other's place. */
export interface Switch {
  schema: "loadstore/switch@1";
  title: string;
  /** What is chosen. */
  label: string;
  /** The first is shown at first. */
  choices: Choice[];
}

/** Every view that a figure may hold. */
export type View = Address | Memory | Lines | Table | Bars | Dots | Heatmap | Layers | Diagram | Formula | Patterns | Picture | Program | Waterfall | Walk | Switch;
