/** The numbers of the current block, and a line that names it. */
import { HeatmapTables } from "../heatmap/tables";
import type { Heatmap, Layers } from "../model";
import type { Place } from "../place";
import { type Block, type Strongest, wiresIn } from "./block";
import { grouped } from "../format";
import { pairOf, RANKED, isPooled } from "./readout";
import { cellOf, type Matrix } from "./unpack";
import { named } from "./zoom";

interface Props {
  view: Layers;
  matrices: Matrix[];
  block: Block;
  place: Place;
}

/** The tables of `block`. */
export function LayersTables({ view, matrices, block, place }: Props) {
  return (
    <>
      <p class="missing">{shows(view, block)} The CSV has every wire.</p>
      <HeatmapTables view={detailed(view, matrices, block)} place={place} />
    </>
  );
}

/** A sentence that describes the block. */
export function shows(view: Layers, block: Block): string {
  const size = `${block.rows.length} × ${block.columns.length}`;
  const wires = wiresIn(block);
  const what = `${named(view, block.zoom).replace(/^./, (first) => first.toUpperCase())}: ${size} cells`;
  const whole = isPooled(block) ? `, each the ${RANKED[block.rank]} wire of its block` : "";
  return `${what}${block.heatmap.panels.length > 1 ? ` in ${block.heatmap.panels.length} panels` : ""}${whole}; ${grouped(wires)} ${wires === 1 ? "wire" : "wires"} in all.`;
}

/** The block with its details; if its cells are blocks, also the wire shown and the number of wires. */
function detailed(view: Layers, matrices: Matrix[], block: Block): Heatmap {
  const lines = (cell: (spot: number) => number | string | null) =>
    block.rows.map((_, row) => block.columns.map((_, column) => cell(row * block.columns.length + column)));
  const panels = block.heatmap.panels.map((panel, at) => {
    const { wire, count } = block.strongest[at] as Strongest;
    const { names, detail } = matrices[at] as Matrix;
    const known = names.map((name) => [name, lines((spot) => ((wire[spot] as number) < 0 ? null : cellOf(detail(name)[wire[spot] as number] as number)))]);
    const which = isPooled(block) && [
      [`${RANKED[block.rank]} wire`, lines((spot) => pairOf(view, wire[spot] as number))],
      ["wires", lines((spot) => count[spot] as number)],
    ];
    return { ...panel, details: Object.fromEntries([...known, ...(which || [])]) };
  });
  return { ...block.heatmap, panels };
}
