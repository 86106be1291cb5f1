/** The active cell: its wire, or the strongest of the wires that it represents. */
import type { Cursor } from "../cursor";
import { free, grouped } from "../format";
import type { Point } from "../heatmap/point";
import { verdict } from "../heatmap/readout";
import type { Layers, Rank } from "../model";
import { Readout } from "../readout";
import { type Block, membersOf } from "./block";
import { cellOf, type Matrix } from "./unpack";

interface Props {
  view: Layers;
  matrices: Matrix[];
  block: Block;
}

/** The name of the wire that represents its block. */
export const RANKED: Record<Rank, string> = { magnitude: "strongest", highest: "highest", lowest: "lowest" };

/** True if cells of `block` represent more than one pair of members. */
export function isPooled({ rows, columns }: Block): boolean {
  return [...rows, ...columns].some(({ from, to }) => to - from !== 1);
}

/** The two members that a wire joins; null if there is no wire. */
export function membersAt(view: Layers, wire: number): [string, string] | null {
  if (wire < 0) return null;
  const columns = membersOf(view.columns);
  return [membersOf(view.rows)[Math.floor(wire / columns.length)] ?? "", columns[wire % columns.length] ?? ""];
}

/** `L0.H7 → L1.H4`; null if there is no wire. */
export function pairOf(view: Layers, wire: number): string | null {
  return membersAt(view, wire)?.join(" \u2192 ") ?? null;
}

/** The readout of `block`, and help for the keys. */
export function LayersReadout({ cursor, ...rest }: Props & { cursor: Cursor<Point> }) {
  const hint = (
    <>
      Point at a cell, or press Tab and use the arrow keys.
      {isPooled(rest.block) && (
        <>
          {" "}
          A click or <kbd>Enter</kbd> opens its block; on a label, or with <kbd>Shift</kbd> or <kbd>Ctrl</kbd>, its row or its column alone.
        </>
      )}{" "}
      <kbd>{isPooled(rest.block) ? "Space" : "Enter"}</kbd> pins it, <kbd>Esc</kbd> clears, then goes back.
    </>
  );
  return <Readout cursor={cursor} hint={hint} describe={(point) => <Sentence {...rest} point={point} />} />;
}

function Sentence({ view, matrices, block, point }: Props & { point: Point }) {
  const { heatmap, rows, columns } = block;
  const [row, column] = [rows[point.row], columns[point.column]];
  const spot = point.row * columns.length + point.column;
  const wire = block.strongest[point.panel]?.wire[spot] ?? -1;
  const count = block.strongest[point.panel]?.count[spot] ?? 0;
  const matrix = matrices[point.panel];
  const one = row && column && row.to - row.from === 1 && column.to - column.from === 1;
  return (
    <>
      <span class="where">
        {matrix?.title && <b>{matrix.title} </b>}
        <span class="axis">{heatmap.rows.name}</span> <code>{row?.label}</code>
        {" \u2192 "}
        <span class="axis">{heatmap.columns.name}</span> <code>{column?.label}</code>
      </span>{" "}
      <b class="figure-value">{verdict(heatmap, heatmap.panels[point.panel]?.values[point.row]?.[point.column])}</b>
      {wire >= 0 && !one && (
        <span class="said">
          {" "}
          {count === 1 ? "the one wire" : `${RANKED[block.rank]} of ${grouped(count)} wires`}: <code>{pairOf(view, wire)}</code>
        </span>
      )}
      {wire >= 0 &&
        matrix?.names.map((name) => (
          <span key={name} class="detail">
            {" "}
            <span class="axis">{name}</span> {free(cellOf(matrix.detail(name)[wire] as number))}
          </span>
        ))}
    </>
  );
}
