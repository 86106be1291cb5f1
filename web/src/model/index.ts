/** The view models that Python writes and this bundle draws. A change of meaning is a new number after the @. */
export type * from "./cell";
export type * from "./heatmap";
export type * from "./layers";
export type * from "./charts";
export type * from "./machine";
export type * from "./picture";
export type * from "./dots";
export type * from "./view";
export type * from "./page";
