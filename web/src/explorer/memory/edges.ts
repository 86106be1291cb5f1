/** Edges from one store to the heads that loaded it. */
import { middle, type Plan } from "./layout";
import type { Load, Memory, Spot, Store } from "./types";

export interface Edge {
  load: Load;
  d: string;
  width: number;
  /** Where it arrives. */
  to: [number, number];
  /** Whether its side is written there. */
  named: boolean;
}

/** More names than these would cover each other. */
const NAMED = 16;

/** An edge for every load of the store that is on the map, as wide as the root of what it took. */
export function edgesOf(memory: Memory, plan: Plan, chosen: Spot, store: Store, tokens: number): Edge[] {
  const [x, y] = middle(memory, plan, chosen);
  const size = (load: Load) => (store.by === "share" ? Math.abs(load.share) : load.traffic);
  const most = (side: string) => Math.max(...store.lit.filter((load) => store.by === "share" || load.side === side).map(size)) || 1;
  return store.lit.flatMap((load, index) => {
    const row = memory.rows.findIndex(({ label }) => label === `L${load.layer}`);
    const token = load.query - memory.first;
    if (row < 0 || token < 0 || token >= tokens) return [];
    const { writers } = memory.rows[row] as Memory["rows"][number];
    const place = (writers.indexOf(load.head) + 0.5) / writers.length;
    const to: [number, number] = [plan.left + (token + place) * plan.cell, plan.top + row * plan.pitch];
    const bend = (y + to[1]) / 2;
    return [{ load, d: `M${x} ${y}C${x} ${bend} ${to[0]} ${bend} ${to[0]} ${to[1]}`, width: 0.8 + 5 * Math.sqrt(size(load) / most(load.side)), to, named: index < NAMED }];
  });
}
