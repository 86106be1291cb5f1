/** Every view that a figure may hold. */
import type { Bars, Lines, Table, Waterfall } from "./charts";
import type { Heatmap, Patterns } from "./heatmap";
import type { Layers } from "./layers";
import type { Dots } from "./dots";
import type { Picture } from "./picture";
import type { Address, Diagram, Formula, Memory, Program, Walk } from "./machine";

/** Views that take each other's place. */
export interface Switch {
  schema: "loadstore/switch@1";
  title: string;
  label: string;
  choices: { name: string; views: View[] }[];
}

export type View = Heatmap | Lines | Table | Bars | Address | Memory | Diagram | Formula | Patterns | Layers | Waterfall | Walk | Switch | Program | Picture | Dots;
