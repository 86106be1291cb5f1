/** Which cells of a panel are marked: the few that matter, since a mark on every cell says nothing. */
import type { Heatmap, Panel } from "../model";

/** A sign is for what is outlined and for values of at least this part of the scale's end, and for few of a panel. */
const SIGN = 1 / 3;
export const SIGNS = 12;
/** Numbers below this part of the scale's end are near zero, and their cells are empty. */
const NUMBER = 1 / 10;
/** Outlines of a panel that are drawn at most, and the part of the strongest outlined cell that the others must reach. */
const [OUTLINES, WORTHY] = [6, 1 / 2];

/** A cell as one number. */
export function spotOf(row: number, column: number, columns: number): number {
  return row * columns + column;
}

/** The spots of `panel` that carry a sign, where signs mean something: what is outlined, then the strongest. */
export function signedSpots({ scale, columns }: Pick<Heatmap, "scale" | "columns">, panel: Panel): Set<number> {
  if (scale.kind !== "diverging") return new Set();
  const spots: [number, number][] = [];
  for (const [row, cells] of panel.values.entries()) {
    for (const [column, cell] of cells.entries()) {
      if (typeof cell === "number" && sizeOn(scale, cell) >= SIGN) spots.push([spotOf(row, column, columns.labels.length), Math.abs(cell)]);
    }
  }
  const outlined = drawnOutlines(panel).map(([row, column]) => spotOf(row, column, columns.labels.length));
  const strongest = spots.sort((a, b) => b[1] - a[1]).map(([spot]) => spot);
  return new Set([...new Set([...outlined, ...strongest])].slice(0, SIGNS));
}

/** Whether a number is far enough from zero to be printed in its cell. */
export function isPrinted(scale: Heatmap["scale"], value: number): boolean {
  return sizeOn(scale, value) >= NUMBER;
}

/** How far a value goes from zero towards the farther end of its scale. */
function sizeOn({ low, high }: Heatmap["scale"], value: number): number {
  return Math.abs(value) / (Math.max(Math.abs(low), Math.abs(high)) || 1);
}

/** The outlined cells of `panel` that are drawn: the strongest, whatever their sign, and those that come near it. */
export function drawnOutlines({ outlined = [], values }: Panel): [number, number][] {
  const size = ([row, column]: [number, number]) => {
    const cell = values[row]?.[column];
    return typeof cell === "number" ? Math.abs(cell) : 0;
  };
  const ranked = [...outlined].sort((a, b) => size(b) - size(a));
  return ranked.slice(0, OUTLINES).filter((spot) => size(spot) >= WORTHY * size(ranked[0] as [number, number]));
}

/** What the outlines of `view` mean, and how many of how many are drawn; null where it has none to explain. */
export function outlinesNote({ panels, outline_label }: Pick<Heatmap, "panels" | "outline_label">): string | null {
  const all = panels.reduce((sum, { outlined }) => sum + (outlined?.length ?? 0), 0);
  const drawn = panels.reduce((sum, panel) => sum + drawnOutlines(panel).length, 0);
  if (!all) return outline_label ? `no cell is outlined: ${outline_label}` : null;
  const name = outline_label ?? "outlined";
  if (drawn === all) return name;
  return `${name}: ${drawn} of ${all} outlined, ${OUTLINES} a panel at most and none below half of its strongest`;
}
