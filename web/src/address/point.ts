/** One token of one address, and how the keys move it. */
import type { Address } from "../model";
import { stepped } from "../stepped";

export interface Point {
  row: number;
  token: number;
}

/** Where the keyboard starts in a row: its strongest token. */
export function start(view: Address, row: number): Point | null {
  const weights = view.rows[row]?.weights;
  if (!weights?.length) return null;
  const sizes = weights.map((weight) => (typeof weight === "number" ? weight : -1));
  return { row, token: sizes.indexOf(Math.max(...sizes)) };
}

/** The point after a key: sideways along the sentence, up and down from address to address. */
export function move(view: Address, from: Point, key: string, control: boolean): Point {
  const rows = key === "ArrowUp" || key === "ArrowDown" || key.startsWith("Page") || control;
  if (rows) return { ...from, row: stepped(from.row, key, view.rows.length) };
  return { ...from, token: stepped(from.token, key, view.tokens.length) };
}
