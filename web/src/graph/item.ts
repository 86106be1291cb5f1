/** The item under the cursor in the picture of a circuit. */
import type { Picture } from "../model";

/** An arc, or behind all arcs a mark. */
export interface Item {
  item: number;
}

/** The name that arcs give a mark. */
export function named(view: Picture, item: number): string {
  const mark = view.marks[item - view.arcs.length];
  if (!mark) return "";
  return mark.kind === "answer" ? `the answer after ${mark.token}` : `${mark.name} at ${mark.token}`;
}
