/** The current block as a heatmap: all layers, or the members of one group on one axis or both. */
import { panelOf } from "../heatmap/made";
import type { Heatmap, Layers, Members, Rank, Scale } from "../model";
import { cellOf, type Matrix } from "./unpack";

/** The open group on each axis; null if the axis shows its groups. */
export interface Zoom {
  row: number | null;
  column: number | null;
}

/** One line of the block: the members that it represents, indexed across all groups. */
export interface Line {
  label: string;
  from: number;
  to: number;
  group: number;
}

/** The block's part of one panel: for each cell, the strongest wire (−1: none), and the number of wires. */
export interface Strongest {
  wire: Int32Array;
  count: Int32Array;
}

export interface Block {
  zoom: Zoom;
  rank: Rank;
  rows: Line[];
  columns: Line[];
  strongest: Strongest[];
  heatmap: Heatmap;
}

/** The block of `view` that `zoom` opens, each cell the first of its wires by `rank`. */
export function blockOf(view: Layers, matrices: Matrix[], zoom: Zoom, rank: Rank): Block {
  const [rows, columns] = [linesOf(view.rows, zoom.row), linesOf(view.columns, zoom.column)];
  const strongest = matrices.map(({ values }) => strongestOf(values, rows, columns, membersOf(view.columns).length, rank));
  const heatmap: Heatmap = {
    schema: "loadstore/heatmap@1",
    title: view.title,
    rows: { name: view.rows.name, labels: rows.map(({ label }) => label) },
    columns: { name: view.columns.name, labels: columns.map(({ label }) => label) },
    scale: scaleOf(view),
    panels: matrices.map(({ title, values }, panel) => panelOf(title, cells(values, strongest[panel] as Strongest, rows.length, columns.length))),
    hatched: NO_WIRE,
    outline_label: null,
    digits: view.digits,
  };
  return { zoom, rank, rows, columns, strongest, heatmap };
}

export const NO_WIRE = "the architecture has no such wire";

/** The scale of every block: it does not change with the zoom. */
export function scaleOf({ scale, reference }: Layers): Scale {
  return { ...scale, reference };
}

/** All members of an axis, in order. */
export function membersOf(axis: Members): string[] {
  return axis.groups.flatMap(({ members }) => members);
}

/** True where an axis has groups to open: not all of them have one member. */
export function opens(axis: Members, group: number | null): boolean {
  return group === null && axis.groups.some(({ members }) => members.length !== 1);
}

function linesOf(axis: Members, open: number | null): Line[] {
  const whole = opens(axis, open);
  const lines: Line[] = [];
  let from = 0;
  for (const [group, { label, members }] of axis.groups.entries()) {
    if (whole) lines.push({ label, from, to: from + members.length, group });
    else if (open === null || open === group) lines.push(...members.map((name, at) => ({ label: name, from: from + at, to: from + at + 1, group })));
    from += members.length;
  }
  return lines;
}

/** The sort value of a number by `rank`. */
export function weigh(value: number, rank: Rank): number {
  return rank === "magnitude" ? Math.abs(value) : rank === "highest" ? value : -value;
}

function strongestOf(values: Float64Array, rows: Line[], columns: Line[], stride: number, rank: Rank): Strongest {
  const wire = new Int32Array(rows.length * columns.length).fill(-1);
  const count = new Int32Array(wire.length);
  for (const [line, { from, to }] of rows.entries()) {
    for (let row = from; row < to; row++) {
      for (let at = 0; at < columns.length; at++) {
        const { from: first, to: end } = columns[at] as Line;
        const spot = line * columns.length + at;
        let best = wire[spot] as number;
        let size = best < 0 ? NaN : weigh(values[best] as number, rank);
        for (let index = row * stride + first; index < row * stride + end; index++) {
          const here = weigh(values[index] as number, rank);
          if (here !== here) continue;
          count[spot]!++;
          if (!(here <= size)) [best, size] = [index, here];
        }
        wire[spot] = best;
      }
    }
  }
  return { wire, count };
}

function cells(values: Float64Array, { wire }: Strongest, rows: number, columns: number): Heatmap["panels"][number]["values"] {
  return Array.from({ length: rows }, (_, row) =>
    Array.from({ length: columns }, (_, column) => {
      const index = wire[row * columns + column] as number;
      return index < 0 ? null : cellOf(values[index] as number);
    }),
  );
}

/** Wires in all of `block`, over its panels. */
export function wiresIn(block: Block): number {
  return block.strongest.reduce((sum, { count }) => sum + count.reduce((part, more) => part + more, 0), 0);
}
