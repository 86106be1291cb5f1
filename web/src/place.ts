/** The position of a view in its page, which identifies its tables. */
export interface Place {
  figure: string;
  /** Its index in the figure; inside a switch, also the choice and the index there: `2-traffic-0`. */
  view: number | string;
}
