/** Selects the marked cells of a panel: only the strongest, because a mark on every cell is uninformative. */
import type { Heatmap, Panel } from "../model";

/** Signs mark outlined cells, and a few cells of at least this fraction of the scale's end. */
const SIGN = 1 / 3;
export const SIGNS = 12;
/** Numbers below this fraction of the scale's end are near zero, and their cells are empty. */
const NUMBER = 1 / 10;
/** The maximum number of outlines per panel, and the fraction of the strongest that the others must reach. */
const [OUTLINES, WORTHY] = [6, 1 / 2];

/** A cell as one number. */
export function spotOf(row: number, column: number, columns: number): number {
  return row * columns + column;
}

/** The cells of `panel` with a sign, if signs carry meaning: outlined cells, then the strongest. */
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

/** The distance of a value from zero, relative to the farther end of its scale. */
function sizeOn({ low, high }: Heatmap["scale"], value: number): number {
  return Math.abs(value) / (Math.max(Math.abs(low), Math.abs(high)) || 1);
}

/** The drawn outlines of `panel`: the strongest cell, whatever its sign, and those of similar strength. */
export function drawnOutlines({ outlined = [], values }: Panel): [number, number][] {
  const size = ([row, column]: [number, number]) => {
    const cell = values[row]?.[column];
    return typeof cell === "number" ? Math.abs(cell) : 0;
  };
  const ranked = [...outlined].sort((a, b) => size(b) - size(a));
  return ranked.slice(0, OUTLINES).filter((spot) => size(spot) >= WORTHY * size(ranked[0] as [number, number]));
}

/** The meaning of the outlines of `view`, and the numbers drawn and in total; null if there are none. */
export function outlinesNote({ panels, outline_label }: Pick<Heatmap, "panels" | "outline_label">): string | null {
  const all = panels.reduce((sum, { outlined }) => sum + (outlined?.length ?? 0), 0);
  const drawn = panels.reduce((sum, panel) => sum + drawnOutlines(panel).length, 0);
  if (!all) return outline_label ? `no cell is outlined: ${outline_label}` : null;
  const name = outline_label ?? "outlined";
  if (drawn === all) return name;
  return `${name}: ${drawn} of ${all} outlined, at most ${OUTLINES} per panel, none below half of its strongest`;
}
