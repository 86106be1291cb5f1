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
}

export interface Panel {
  title: string;
  values: Cell[][];
  details?: Record<string, Cell[][]>;
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

export type View = Heatmap | Lines | Table;

/** Where a view stands in its page: what its tables are addressed by. */
export interface Place {
  figure: string;
  view: number;
}
