/** The rows of the map: named heads, and the remaining heads of every layer or band of layers. */
import { bandOf } from "../heads/groups";
import type { Roles } from "../roles";
import type { Line, Memory, Row } from "./types";

/** Layers `from` to `to` as one name. */
export function bandName(from: number, to: number): string {
  return from === to ? `L${from}` : `L${from}–L${to}`;
}

/** The bands that the layers of a map are divided into: a first and a last layer each. */
export function bandsOf(memory: Memory): [number, number][] {
  const layers = Math.max(0, ...memory.rows.map(({ layer }) => layer + 1));
  const step = bandOf(layers);
  return Array.from({ length: Math.ceil(layers / step) }, (_, band) => [band * step, Math.min(layers, (band + 1) * step) - 1]);
}

/** Heads with a row of their own: those with a role other than first, and the head that adds most. */
export function ownRows(roles: Roles | null, main: string | undefined): Set<string> {
  const named = roles?.groups.filter(({ role }) => role !== "first").flatMap(({ heads }) => heads) ?? [];
  return new Set(main ? [...named, main] : named);
}

/**
 * The rows from the top down: embedding and positions, then band after band its named heads, its other heads together,
 * and its MLPs. Every writer is in one of them; the band that begins at layer `open` is unfolded.
 */
export function linesOf(memory: Memory, own: ReadonlySet<string>, roles: Roles | null, open: number | null): Line[] {
  const single = (row: Row, index: number, said: string): Line => ({ name: row.writers[index] ?? "", said, band: row.layer, writers: [{ name: row.writers[index] ?? "", values: row.values[index] ?? [] }] });
  const lines = memory.rows.filter(({ layer }) => layer < 0).flatMap((row) => row.writers.map((_, index) => single(row, index, "")));
  for (const [from, to] of bandsOf(memory)) {
    const rows = memory.rows.filter(({ layer }) => layer >= from && layer <= to);
    const parts = rows.flatMap((row) => row.writers.map((name, index) => ({ row, index, name, kind: row.kinds[index] ?? "" })));
    const alone = (part: (typeof parts)[number]) => from === open || own.has(part.name);
    const heads = parts.filter(({ kind }) => kind !== "mlp");
    const mine = heads.filter(alone).map(({ row, index, name }) => single(row, index, (roles?.badges[name] ?? []).join(", ")));
    const rest = heads.filter((part) => !alone(part));
    const mlps = parts.filter(({ kind }) => kind === "mlp");
    lines.push(...mine.map((line) => ({ ...line, band: from })));
    const count = rest.filter(({ kind }) => kind === "head").length;
    const counted = `${count} ${mine.length ? "more " : ""}${count === 1 ? "head" : "heads"}${rest.length > count ? " and bias" : ""}`;
    for (const [group, said] of [[rest, count ? counted : "bias"], [mlps, mlps.length > 1 ? `${mlps.length} MLPs` : "MLP"]] as const) {
      if (from === open || group.length === 1) lines.push(...group.map(({ row, index }) => ({ ...single(row, index, ""), band: from })));
      else if (group.length) lines.push({ name: bandName(from, to), said, band: from, writers: group.map(({ row, index, name }) => ({ name, values: row.values[index] ?? [] })) });
    }
  }
  return lines;
}

/** The store of a row at a token: the sum over its writers. */
export function totalOf({ writers }: Line, token: number): number {
  return writers.reduce((sum, { values }) => sum + (values[token] ?? 0), 0);
}

/** The largest writer of a cell. */
export function largest(lines: Line[], row: number, token: number): number {
  const values = lines[row]?.writers.map(({ values }) => values[token] ?? 0) ?? [];
  return Math.max(0, values.indexOf(Math.max(...values)));
}
