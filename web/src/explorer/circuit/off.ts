/** The wires that are off: a set in the page; whole groups and single wires in the URL and in requests. */
import type { Load } from "./types";

export interface Groups {
  off: number[];
  wires: number[];
}

/** The wires of a load. */
export function wiresOf(load: Load): number[] {
  return load.parts.flatMap(({ wires }) => wires);
}

/** The fewest whole groups that cover these wires, and the remaining wires. */
export function grouped(loads: Load[], off: ReadonlySet<number>): Groups {
  const found: Groups = { off: [], wires: [] };
  const gone = (wires: number[]) => wires.every((wire) => off.has(wire));
  for (const load of loads) {
    if (gone(wiresOf(load))) found.off.push(load.id);
    else
      for (const { id, wires } of load.parts) {
        if (gone(wires)) found.off.push(id);
        else found.wires.push(...wires.filter((wire) => off.has(wire)));
      }
  }
  return found;
}

/** The same in a URL: `0.3.w5`; null if everything is on. */
export function written({ off, wires }: Groups): string | null {
  return [...off.map(String), ...wires.map((wire) => `w${wire}`)].join(".") || null;
}

/** The wires that a URL names; unknown names are ignored. */
export function read(loads: Load[], text: string | undefined): Set<number> {
  const groups = new Map(loads.flatMap((load) => [...load.parts.map(({ id, wires }) => [id, wires] as const), [load.id, wiresOf(load)] as const]));
  const known = new Set(loads.flatMap(wiresOf));
  const named = (text ?? "").split(".").flatMap((word) => {
    const [, wire, number = ""] = /^(w?)(\d{1,6})$/.exec(word) ?? [];
    return wire === undefined ? [] : wire ? [Number(number)] : (groups.get(Number(number)) ?? []);
  });
  return new Set(named.filter((wire) => known.has(wire)));
}

/** Turns all of these wires on if any is off, else turns all off. */
export function toggled(off: ReadonlySet<number>, wires: number[]): Set<number> {
  const next = new Set(off);
  const on = wires.some((wire) => off.has(wire));
  for (const wire of wires) on ? next.delete(wire) : next.add(wire);
  return next;
}

/** All wires except these. */
export function onlyOn(loads: Load[], wires: number[]): Set<number> {
  const kept = new Set(wires);
  return new Set(loads.flatMap(wiresOf).filter((wire) => !kept.has(wire)));
}
