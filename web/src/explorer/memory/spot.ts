/** One store of the map: under the pointer, after a key, and as named in a URL. */
import { stepped } from "../../stepped";
import { type Plan, PITCH } from "./layout";
import { largest } from "./rows";
import type { Line, Spot } from "./types";

/** The largest store at a point of the picture; null outside the map. */
export function spotAt(x: number, y: number, lines: Line[], tokens: number, plan: Plan): Spot | null {
  const token = Math.floor((x - plan.left) / plan.cell);
  const row = plan.tops.findIndex((top) => y >= top && y < top + PITCH);
  return row < 0 || token < 0 || token >= tokens ? null : { row, token, writer: largest(lines, row, token) };
}

/** The store after a key; null if the key does not move. */
export function moved(lines: Line[], tokens: number, from: Spot, key: string): Spot | null {
  if (key === "," || key === ".") {
    const count = lines[from.row]?.writers.length ?? 1;
    return { ...from, writer: Math.min(count - 1, Math.max(0, from.writer + (key === "," ? -1 : 1))) };
  }
  if (!/^(Arrow|Home|End|Page)/.test(key)) return null;
  const down = key === "ArrowUp" || key === "ArrowDown" || key.startsWith("Page");
  const row = down ? stepped(from.row, key, lines.length) : from.row;
  const token = down ? from.token : stepped(from.token, key, tokens);
  return { row, token, writer: largest(lines, row, token) };
}

/** The store of a writer at a token; null if there is none. */
export function spotOf(lines: Line[], writer: string | undefined, token: number, tokens: number): Spot | null {
  if (writer === undefined || !Number.isInteger(token) || token < 0 || token >= tokens) return null;
  const row = lines.findIndex(({ writers }) => writers.some(({ name }) => name === writer));
  return row < 0 ? null : { row, token, writer: lines[row]?.writers.findIndex(({ name }) => name === writer) ?? 0 };
}
