/** Pairs of writers: how strong each is, and the strongest ones as steps that add up to the score. */
import { scaleLinear } from "d3-scale";
import type { Cell, Side, Walk } from "../model";
import { entries, type Sum } from "../waterfall/steps";

export const SIDES: Side[] = ["Q", "K", "V"];
/** Pairs that have their own bar besides the bold one. */
const OWN = 4;

/** The item under the cursor: a writer of a side, or a bar below. */
export interface Point {
  side: Side | "sum";
  row: number;
}

export interface Pair {
  q: number;
  k: number;
  part: Cell;
}

/** All existing pairs, strongest first; NaN sorts before them. */
export function pairsOf(view: Walk): Pair[] {
  const all = view.parts.flatMap((row, q) => row.flatMap((part, k) => (part === null ? [] : [{ q, k, part }])));
  return all.sort((a, b) => size(b.part) - size(a.part) || 0);
}

/** The strength of a part; NaN is stronger than any number. */
export function size(part: Cell): number {
  return typeof part === "number" ? Math.abs(part) : Infinity;
}

/** True for the pair of the bold path. */
export function isHero(view: Walk, { q, k }: { q: number; k: number }): boolean {
  return q === view.hero[0] && k === view.hero[1];
}

/** The pairs that have a bar of their own: the bold one, then the strongest. */
export function shown(view: Walk): Pair[] {
  const all = pairsOf(view);
  return [...all.filter((pair) => isHero(view, pair)), ...all.filter((pair) => !isHero(view, pair)).slice(0, OWN)];
}

/** Whether a link belongs to the pinned item. */
export function lit(view: Walk, pinned: Point | null, { q, k }: Pair): boolean {
  if (!pinned || pinned.side === "V") return true;
  if (pinned.side !== "sum") return pinned.row === (pinned.side === "Q" ? q : k);
  const own = shown(view);
  const one = own[pinned.row];
  const listed = own.some((pair) => pair.q === q && pair.k === k);
  return one ? one.q === q && one.k === k : pinned.row > own.length || !listed;
}

/** "L0.H4 × L0.H7": the writers of a pair. */
export function named(view: Walk, { q, k }: Pair): string {
  return `${view.sides.Q?.writers[q]?.label} \u00d7 ${view.sides.K?.writers[k]?.label}`;
}

/** The parts of the score as steps: a bar each for the strongest, one for all others. */
export function sumOf(view: Walk): Sum {
  const own = shown(view);
  const others = pairsOf(view).filter((pair) => !own.some(({ q, k }) => q === pair.q && k === pair.k));
  const rest = others.reduce((sum, { part }) => sum + (typeof part === "number" ? part : 0), 0);
  const rows = own.map((pair) => ({ label: named(view, pair), value: pair.part, text: isHero(view, pair) ? "the strongest path" : "" }));
  if (others.length) rows.push({ label: "other", value: Number(rest.toPrecision(7)), text: `${others.length} more pairs` });
  const sum: Sum = { title: `${view.head}: ${view.score.label}`, label: view.score.label, columns: ["writer of Q \u00d7 writer of K", "what it is"], rows, total: view.score, remainder: view.score.remainder, low: 0, high: 1, digits: 2 };
  const ends = [0, Number(view.score.value) || 0, ...entries(sum).map((entry) => Number(entry.sum))].filter(Number.isFinite);
  const [low = 0, high = 1] = scaleLinear([Math.min(...ends), Math.max(...ends)], [0, 1]).nice(5).domain();
  return { ...sum, low, high };
}
