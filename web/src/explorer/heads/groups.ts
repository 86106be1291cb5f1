/** Heads in groups under headings, by role or by layer; long groups are folded. */
import type { Roles } from "../roles";
import type { ModelFacts } from "../screen";

export interface Group {
  title: string;
  said: string;
  heads: number[];
  /** The number of heads shown while the group is folded. */
  few: number;
}

/** Models with more heads than this are not drawn completely. */
export const MANY = 64;
/** Heads of a folded group: two rows of a wide page. */
const FEW = 16;
/** Bands that the layers of a long model are divided into. */
const BANDS = 6;

/** A group for each role, strongest first, and one for heads without a role. */
export function byRole({ heads }: ModelFacts, { groups }: Roles): Group[] {
  const long = heads.length > MANY;
  const at = new Map(heads.map((head, index) => [head, index]));
  const found = groups.map(({ title, meaning, heads: named }): Group => {
    const mine = named.map((head) => at.get(head) ?? 0);
    return { title, said: meaning, heads: mine, few: long ? FEW : mine.length };
  });
  const taken = new Set(found.flatMap((group) => group.heads));
  const rest = heads.map((_, index) => index).filter((index) => !taken.has(index));
  if (!rest.length) return found;
  return [...found, { title: `no role: ${rest.length} ${rest.length === 1 ? "head" : "heads"}`, said: "less than half of the attention is on any role’s keys", heads: rest, few: long ? 0 : rest.length }];
}

/** The number of layers in a band: 1 if there are few layers. */
export function bandOf(layers: number): number {
  return layers <= 8 ? 1 : Math.ceil(layers / BANDS);
}

/** All heads in depth order: one group, or for a deep model one per band of layers. */
export function byLayer({ heads, layers, heads_per_layer }: ModelFacts): Group[] {
  const all = heads.map((_, index) => index);
  if (heads.length <= MANY) return [{ title: "", said: "", heads: all, few: all.length }];
  const step = bandOf(layers);
  return Array.from({ length: Math.ceil(layers / step) }, (_, band): Group => {
    const [from, to] = [band * step, Math.min(layers, (band + 1) * step)];
    const mine = all.slice(from * heads_per_layer, to * heads_per_layer);
    const name = to - from > 1 ? `layers ${from} to ${to - 1}` : `layer ${from}`;
    return { title: `${name}: ${mine.length} heads`, said: "", heads: mine, few: band ? 0 : mine.length };
  });
}

/** The heads of a group that are shown. */
export function shownOf(group: Group, open: boolean): number[] {
  return open ? group.heads : group.heads.slice(0, group.few);
}
