/** The wires of a graph: those that hold a given share of the mass, and their ends. */
import type { Cell, Figure } from "../../model";
import type { Measure } from "../screen";

/** Wires that are summed together, because their readers have the same unit. */
export interface Group {
  name: string;
  unit: string;
  /** Counts of wires: in the architecture, as edges, and as sent, with the share that the sent ones hold. */
  exist: number;
  count: number;
  sent: number;
  held: number;
  mass: number;
}

export interface Graph {
  /** The name of the value; its mass is value^power. */
  name: string;
  power: number;
  /** The heading of the value. */
  label: string;
  /** The sum of all masses, in words. */
  sum: string;
  /** Headings of further measures of a wire. */
  details: string[];
  groups: Group[];
  writers: string[];
  readers: string[];
  /** [writer, reader, group, value, details], most of its group's mass first. */
  wires: [number, number, number, number, ...Cell[]][];
  rule: string;
}

export interface Wires {
  measure: Measure;
  figure: Figure;
  graph: Graph;
}


/** The input of a wire: a side of a head, or the only input of another reader. */
export type Port = "Q" | "K" | "V" | "in";

export interface Edge {
  writer: string;
  reader: string;
  /** The reader without its side. */
  to: string;
  port: Port;
  group: number;
  value: number;
  details: Cell[];
  /** Of its group's mass. */
  part: number;
}

/** More edges than these are not drawn. */
export const MOST = 400;
/** The number of edges drawn at first. */
const COMFORTABLE = 60;

/** Every wire that was sent. */
export function edgesOf({ wires, writers, readers, groups, power }: Graph): Edge[] {
  return wires.map(([from, at, group, value, ...details]) => {
    const reader = readers[at] ?? "";
    const [, to = reader, side] = /^(.*)\.([QKV])$/.exec(reader) ?? [];
    return { writer: writers[from] ?? "", reader, to, port: (side as Port | undefined) ?? "in", group, value, details, part: value ** power / (groups[group]?.mass || 1) };
  });
}

/** The edges above a threshold, with their number and mass for each group. */
export interface Cut {
  edges: Edge[];
  kept: { count: number; held: number }[];
}

/** The strongest edges of each group that hold `percent` of its mass, as far as they were sent. */
export function cut({ groups }: Graph, edges: Edge[], percent: number): Cut {
  const kept = groups.map(() => ({ count: 0, held: 0 }));
  const some = edges.filter(({ group, part }) => {
    const one = kept[group];
    if (!one || one.held >= percent / 100 - 1e-9) return false;
    one.count += 1;
    one.held += part;
    return true;
  });
  return { edges: some, kept };
}

/** The largest share of the mass, at most half, that fits in the initial number of edges. */
export function comfortable(graph: Graph, edges: Edge[]): number {
  for (let percent = 50; percent > 1; percent--) {
    if (cut(graph, edges, percent).edges.length <= COMFORTABLE) return percent;
  }
  return 1;
}

/** `L1.H4` as its layer and its index in it; the ends of the stream have no layer. */
export function placeOf(node: string): { layer: number | null; part: string } {
  const [, layer, part = node] = /^L(\d+)\.(.*)$/.exec(node) ?? [];
  return { layer: layer === undefined ? null : Number(layer), part };
}
