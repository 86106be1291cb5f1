/** The text inside a cell, and the mark of an off-scale cell. */
import { short } from "../format";
import type { Heatmap } from "../model";
import { PRINTED, SIGNED } from "./layout";
import { isPrinted } from "./strong";

/** The number if it fits, else its sign if `signed`; empty near zero. */
export function printed(view: Pick<Heatmap, "scale" | "digits">, cell: number, size: number, signed: boolean): string {
  if (size >= PRINTED) return isPrinted(view.scale, cell) ? short(cell, view.digits, view.scale.kind === "diverging") : "";
  return signed && cell !== 0 && size >= SIGNED ? (cell > 0 ? "+" : "\u2212") : "";
}

/** A small triangle in the corner: upper right beyond the top of the scale, lower right beyond its bottom. */
export function corner(side: -1 | 1, x: number, y: number, size: number): string {
  const leg = Math.max(4, size * 0.3);
  return side === 1 ? `M${x + size - leg} ${y}h${leg}v${leg}z` : `M${x + size - leg} ${y + size}h${leg}v${-leg}z`;
}
