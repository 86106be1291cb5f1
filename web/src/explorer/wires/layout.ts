/** The positions of a model's parts: a column per layer, a row per head, independent of the drawn edges. */
import { type Edge, placeOf, type Port } from "./edges";

export interface Node {
  name: string;
  text: string;
  x: number;
  y: number;
}

export interface Layout {
  width: number;
  height: number;
  /** Of a node. */
  size: [number, number];
  /** Room for the letters of its sides. */
  roomy: boolean;
  heads: { text: string; x: number }[];
  nodes: Map<string, Node>;
}

const [TOP, BOTTOM, ENDS] = [30, 12, 58];
const LETTERS: Record<string, string> = { mlp: "M", bias: "b" };

/** The part of a model's shape that a graph needs. */
export interface Shape {
  layers: number;
  heads: number;
  mlps: boolean;
  biases: boolean;
  pos: boolean;
}

/** The columns of `shape` in `width` pixels, more where they would touch; `used` are the nodes that are drawn. */
export function layout({ layers, heads, mlps, biases, pos }: Shape, width: number, used: Set<string>): Layout {
  const halves = mlps ? 2 : 1;
  const step = Math.max(mlps ? 40 : 30, Math.min(200 * halves, (width - 2 * ENDS) / layers));
  const roomy = step / halves >= 66 && heads <= 24;
  const rows = heads + (mlps ? 1 : 0) + (biases ? 1 : 0);
  const pitch = roomy ? 34 : heads > 16 ? 18 : 28;
  const size: [number, number] = roomy ? [48, 26] : [Math.min(22, step / halves - 4), Math.min(18, pitch - 4)];
  const xOf = (layer: number, part: string) => ENDS + (layer + (mlps ? (part === "mlp" ? 0.75 : 0.25) : 0.5)) * step;
  const rowOf = (part: string) => (part === "mlp" ? heads : part === "bias" ? heads + (mlps ? 1 : 0) : Number(part.slice(1)));
  const yOf = (row: number) => TOP + (row + 0.5) * pitch;
  const whole = Math.max(width, 2 * ENDS + layers * step);
  const middle = yOf((rows - 1) / 2);
  const nodes = new Map<string, Node>();
  for (const name of used) {
    const { layer, part } = placeOf(name);
    if (layer === null) {
      const last = name === "unembed";
      const y = last || !pos ? middle : middle + (name === "pos" ? pitch : -pitch) * 0.75;
      nodes.set(name, { name, text: name, x: last ? whole - 28 : 28, y });
    } else nodes.set(name, { name, text: roomy ? part : (LETTERS[part] ?? part.slice(1)), x: xOf(layer, part), y: yOf(rowOf(part)) });
  }
  const titles = Array.from({ length: layers }, (_, layer) => ({ text: `L${layer}`, x: ENDS + (layer + 0.5) * step }));
  return { width: whole, height: TOP + rows * pitch + BOTTOM, size, roomy, heads: titles, nodes };
}

/** Half the width of a node: the ends of the stream are as wide as their names. */
export function halfOf({ layer }: { layer: number | null }, { size }: Layout): number {
  return layer === null ? 26 : size[0] / 2;
}

const PORTS: Record<Port, number> = { Q: -1, K: 0, V: 1, in: 0 };

/** The offset of a side below a node's middle. */
export function portOf(port: Port, { size }: Layout): number {
  return PORTS[port] * size[1] * 0.3;
}

/** The curve of an edge, from the right of its writer to the left of its reader. */
export function curve({ writer, to, port }: Edge, all: Layout): string {
  const [from, end] = [all.nodes.get(writer), all.nodes.get(to)];
  if (!from || !end) return "";
  const [x, y] = [from.x + halfOf(placeOf(writer), all), from.y];
  const [right, below] = [end.x - halfOf(placeOf(to), all) - 1, end.y + portOf(port, all)];
  const bend = Math.max(10, (right - x) * 0.45);
  return `M${round(x)} ${round(y)}C${round(x + bend)} ${round(y)} ${round(right - bend)} ${round(below)} ${round(right)} ${round(below)}`;
}

/** The largest part of each group, to which the widths of its edges are relative. */
export function largestOf(edges: Edge[]): Map<number, number> {
  return edges.reduce((found, { group, part }) => found.set(group, Math.max(found.get(group) ?? 0, part)), new Map<number, number>());
}

/** The width of an edge: proportional to the root of its share. */
export function widthOf({ part, group }: Pick<Edge, "part" | "group">, largest: Map<number, number>): number {
  return 0.8 + 3.7 * Math.sqrt(part / (largest.get(group) || 1));
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

/** The node that an arrow key goes to: up and down in a column, else the nearest of the next one. */
export function step(nodes: Node[], from: Node, key: string): Node {
  const columns = [...new Set(nodes.map(({ x }) => x))].sort((a, b) => a - b);
  const column = columns.indexOf(from.x);
  const inColumn = (at: number) => nodes.filter(({ x }) => x === columns[at]).sort((a, b) => a.y - b.y);
  const near = (some: Node[]) => some.reduce((best, one) => (Math.abs(one.y - from.y) < Math.abs(best.y - from.y) ? one : best), some[0] ?? from);
  if (key === "ArrowLeft") return near(inColumn(Math.max(0, column - 1)));
  if (key === "ArrowRight") return near(inColumn(Math.min(columns.length - 1, column + 1)));
  if (key === "Home") return near(inColumn(0));
  if (key === "End") return near(inColumn(columns.length - 1));
  const own = inColumn(column);
  const at = own.findIndex(({ name }) => name === from.name) + (key === "ArrowUp" || key === "PageUp" ? -1 : 1);
  return own[Math.min(own.length - 1, Math.max(0, at))] ?? from;
}
