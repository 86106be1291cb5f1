/** The loads of one store as a comb: a trunk per side along the store's column, and a tooth to every load. */
import { GAP, lineOf, middle, type Plan, STRIP } from "./layout";
import type { Line, Load, Spot, Store } from "./types";

export interface End {
  x: number;
  y: number;
  /** The store's share of the load, as a width. */
  width: number;
  against: boolean;
  /** Whether its side is written there. */
  named: boolean;
}

export interface Lane {
  side: Load["side"];
  trunk: { x: number; from: number; to: number };
  ends: End[];
}

const SIDES = ["Q", "K", "V"] as const;
/** For each side, its horizontal offset in a cell and its vertical offset in a row; no two lanes cross in a cell. */
const PLACE = { Q: 0.2, K: 0.5, V: 0.8 };
/** More letters than these would hide the cells. */
const NAMED = 14;

/** The lanes of the loads that are on the map; loads of one side in one cell are one. */
export function lanesOf(lines: Line[], plan: Plan, chosen: Spot, store: Store, first: number, tokens: number): Lane[] {
  const cells = new Map<string, { side: Load["side"]; row: number; token: number; size: number; signed: number }>();
  for (const load of store.lit) {
    const row = lines.findIndex(({ writers }) => writers.some(({ name }) => name === load.head));
    const token = load.query - first;
    if (row < 0 || token < 0 || token >= tokens) continue;
    const key = `${load.side} ${row} ${token}`;
    const cell = cells.get(key) ?? { side: load.side, row, token, size: 0, signed: 0 };
    cells.set(key, { ...cell, size: cell.size + (store.by === "share" ? Math.abs(load.share) : load.traffic), signed: cell.signed + load.share });
  }
  const all = [...cells.values()].sort((a, b) => b.size - a.size);
  const [left, from] = [middle(plan, { ...chosen })[0] - (plan.cell - GAP) / 2, lineOf(plan, chosen.row)];
  return SIDES.flatMap((side) => {
    const most = Math.max(...all.filter((cell) => store.by === "share" || cell.side === side).map(({ size }) => size)) || 1;
    const ends = all.flatMap((cell, rank): End[] =>
      cell.side === side
        ? [{ x: left + (cell.token - chosen.token + PLACE[side]) * plan.cell, y: (plan.tops[cell.row] ?? 0) + PLACE[side] * STRIP, width: 1 + 3 * Math.sqrt(cell.size / most), against: cell.signed < 0, named: rank < NAMED }]
        : [],
    );
    if (!ends.length) return [];
    const furthest = ends.map(({ y }) => y).reduce((a, b) => (Math.abs(b - from) > Math.abs(a - from) ? b : a));
    return [{ side, trunk: { x: left + PLACE[side] * plan.cell, from, to: furthest }, ends }];
  });
}
