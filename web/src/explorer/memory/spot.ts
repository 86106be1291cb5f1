/** One store of the map: under the pointer, after a key, and as an address names it. */
import { stepped } from "../../stepped";
import { fullest, GAP, largest, type Plan, strip } from "./layout";
import type { Memory, Spot } from "./types";

/** The store at a place of the picture; null beside the map. */
export function spotAt(x: number, y: number, memory: Memory, tokens: number, plan: Plan): Spot | null {
  const [right, below] = [x - plan.left, y - plan.top];
  const [token, row] = [Math.floor(right / plan.cell), Math.floor(below / plan.pitch)];
  const found = memory.rows[row];
  if (!found || token < 0 || token >= tokens) return null;
  const along = (right - token * plan.cell - 1) / (plan.cell - GAP);
  const pieces = strip(found, token, fullest(found));
  const hit = pieces.find(({ from, to }) => along >= from && along < to);
  const last = pieces.filter(({ from, to }) => to > from).at(-1);
  return { row, token, writer: (hit ?? last ?? pieces[0])?.writer ?? 0 };
}

/** The store after a key; null where the key goes nowhere. */
export function moved(memory: Memory, tokens: number, from: Spot, key: string): Spot | null {
  if (key === "," || key === ".") {
    const count = memory.rows[from.row]?.writers.length ?? 1;
    return { ...from, writer: Math.min(count - 1, Math.max(0, from.writer + (key === "," ? -1 : 1))) };
  }
  if (!/^(Arrow|Home|End|Page)/.test(key)) return null;
  const down = key === "ArrowUp" || key === "ArrowDown" || key.startsWith("Page");
  const row = down ? stepped(from.row, key, memory.rows.length) : from.row;
  const token = down ? from.token : stepped(from.token, key, tokens);
  return { row, token, writer: largest(memory, row, token) };
}

/** The store of a writer at a token; null where there is none. */
export function spotOf(memory: Memory, writer: string | undefined, token: number, tokens: number): Spot | null {
  if (writer === undefined || !Number.isInteger(token) || token < 0 || token >= tokens) return null;
  const row = memory.rows.findIndex(({ writers }) => writers.includes(writer));
  return row < 0 ? null : { row, token, writer: memory.rows[row]?.writers.indexOf(writer) ?? 0 };
}
