/** What every view is made of: cells, names, colour scales, and where it stands in its page. */

/** A number, null where the thing is impossible, or a word for what JSON cannot say. */
export type Cell = number | null | "nan" | "inf" | "-inf";

export interface Labelled {
  name: string;
  labels: string[];
}

export interface Scale {
  kind: "sequential" | "diverging";
  low: number;
  high: number;
  label: string;
  /** Logarithmic where 95 % of the values are below a tenth of the largest; its colours begin at a thousandth of `high`. */
  transform?: "linear" | "log";
  /** A value that the legend marks, such as chance. */
  reference?: number | null;
}

/** Where a view stands in its page: what its tables are addressed by. */
export interface Place {
  figure: string;
  /** Its index in the figure; inside a switch, also the choice and the index there: `2-traffic-0`. */
  view: number | string;
}
