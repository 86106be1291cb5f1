/** The positions of the writers of the three sides, and the paths of the links between them. */
import { fit, wrap } from "../measure";
import type { Cell, Side, Walk } from "../model";
import { isHero, type Pair, pairsOf, SIDES, size } from "./pairs";

export const SIZE = 12;
export const LINE = 16;
const NARROW = 600;
const WIDEST = 250;
/** Links as thick as this are the strongest. */
const THICKEST = { wide: 13, narrow: 8 };
const TOP = 46;

export interface Cells {
  side: Side;
  x: number;
  place: string;
  /** The text shown if there are no writers. */
  empty: string[];
  writers: { label: string; share: Cell; y: number; bar: number; hero: boolean }[];
  /** The end of the last one. */
  end: number;
}

export interface Link extends Pair {
  d: string;
  width: number;
  /** From 0, the weakest, to 1. */
  strength: number;
  hero: boolean;
}

export interface Plan {
  width: number;
  height: number;
  narrow: boolean;
  cell: number;
  tall: number;
  /** Within a cell, left and right. */
  pad: number;
  columns: Cells[];
  links: Link[];
  /** From the key's writer to the value's: its end, the middle, and the space between the columns. */
  address: { d: string; tip: [number, number]; at: [number, number]; gap: number };
  stores: { x: number; y: number; width: number; height: number; lines: string[]; from: [number, number] };
}

/** `view` in `width` pixels: always three columns, with more lines in a cell if they are narrow. */
export function layout(view: Walk, width: number): Plan {
  const narrow = width < NARROW;
  const cell = narrow ? Math.floor((width - 2 * Math.max(34, width * 0.105)) / 3) : Math.min(WIDEST, width * 0.24);
  const gap = (width - 3 * cell - 2) / 2;
  const tall = narrow ? 48 : 36;
  const pad = narrow ? 6 : 8;
  const shares = SIDES.flatMap((side) => view.sides[side]?.writers.map(({ share }) => (typeof share === "number" ? Math.abs(share) : 0)) ?? []);
  const most = Math.max(1e-12, ...shares);
  const columns = SIDES.map((side, index) => column(view, side, 1 + index * (cell + gap), { cell, tall, pad, narrow }, most));
  const [left, key, value] = columns as [Cells, Cells, Cells];
  const middle = ({ writers }: Cells, row: number) => (writers[row]?.y ?? TOP) + tall / 2;
  // The strongest are drawn last, above the others.
  const parts = pairsOf(view).reverse();
  const strongest = Math.max(1e-12, ...parts.map(({ part }) => (typeof part === "number" ? Math.abs(part) : 0)));
  const thick = narrow ? THICKEST.narrow : THICKEST.wide;
  const links = parts.map((pair): Link => {
    const strength = Math.min(1, size(pair.part) / strongest);
    const number = typeof pair.part === "number";
    return { ...pair, d: curve(left.x + cell, middle(left, pair.q), key.x, middle(key, pair.k)), width: number ? strength * thick : 1.5, strength, hero: isHero(view, pair) };
  });
  const [from, to] = [middle(key, view.hero[1]), middle(value, view.hero[2])];
  const box = narrow ? { x: 1, width: width - 2 } : { x: key.x, width: value.x + cell - key.x };
  const lines = wrap(view.stores, box.width - 20, SIZE);
  const y = Math.max(...columns.map(({ end }) => end)) + (narrow ? 34 : 26);
  const height = 30 + lines.length * LINE;
  return {
    width,
    height: y + height + 22,
    narrow,
    cell,
    tall,
    pad,
    columns,
    links,
    address: { d: curve(key.x + cell, from, value.x - 8, to), tip: [value.x - 1, to], at: [(key.x + cell + value.x) / 2, (from + to) / 2], gap },
    stores: { ...box, y, height, lines, from: [value.x + cell / 2, value.end + 4] },
  };
}

function column(view: Walk, side: Side, x: number, { cell, tall, pad, narrow }: Pick<Plan, "cell" | "tall" | "pad" | "narrow">, most: number): Cells {
  const load = view.sides[side];
  const hero = view.hero[SIDES.indexOf(side)];
  const writers = (load?.writers ?? []).map(({ label, share }, row) => ({
    label,
    share,
    y: TOP + row * (tall + 5),
    bar: typeof share === "number" ? (Math.abs(share) / most) * (cell - 2 * pad) : 0,
    hero: row === hero,
  }));
  const empty = load ? [] : wrap(`${side}: nothing ${side === "V" ? "stored" : "loaded"} here`, cell, SIZE);
  const end = TOP + Math.max(writers.length * (tall + 5), empty.length * LINE + 8) + (load ? (narrow ? 26 : 14) : 0);
  return { side, x, place: load ? fit(load.place, cell - (narrow ? 0 : 22), 13, "mono", "700") : "", empty, writers, end };
}

/** From left to right, level at both ends. */
function curve(x: number, y: number, to: number, at: number): string {
  const half = (x + to) / 2;
  return `M${x} ${y}C${half} ${y} ${half} ${at} ${to} ${at}`;
}
