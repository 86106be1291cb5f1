/** Where the points of a line plot fall: domains, margins, gaps. */
import { scaleLinear, scaleLog } from "d3-scale";
import type { Axis, Cell, Lines } from "../model";
import { widthOf } from "../text";

export const LABEL = 11;
const NARROW = 620;
/** More series than this are named in a legend rather than at their ends. */
const NAMED = 8;
const LEVEL = 15;

export type Along = ReturnType<typeof along>;

export interface Geometry {
  x: Along;
  y: Along;
  width: number;
  height: number;
  left: number;
  right: number;
  top: number;
  bottom: number;
  direct: boolean;
}

/** True for a value that can be drawn on `axis`. */
export function drawable(axis: Axis, value: Cell | undefined): value is number {
  return typeof value === "number" && (axis.scale === "linear" || value > 0);
}

/** The plot of `view` in `width` pixels. */
export function geometry(view: Lines, width: number): Geometry {
  const direct = width >= NARROW && view.series.length <= NAMED;
  const longest = Math.max(0, ...view.series.map(({ name }) => widthOf(name, LABEL)));
  const left = 58;
  const levelRules = (view.rules ?? []).filter(({ axis }) => axis === "y");
  const beside = Math.max(0, ...levelRules.map(({ label }) => widthOf(label, LABEL) + 4));
  const right = direct ? Math.min(220, longest + 28) : 16 + beside;
  const levels = Math.max(0, ...ruleLevels(view, width).values()) + 1;
  const top = 14 + (view.rules?.some(({ axis }) => axis === "x") ? levels * LEVEL : 0);
  const height = top + (width >= NARROW ? 205 : 200) + 50;
  const bottom = height - 50;
  const box = { width, height, left, top, bottom, direct, right: width - right };
  return { ...box, x: along(view, "x", [left, box.right]), y: along(view, "y", [bottom, top]) };
}

/** A level for every vertical rule's label, so that none overlaps another. */
export function ruleLevels(view: Lines, width: number): Map<number, number> {
  const levels = new Map<number, number>();
  const x = along(view, "x", [58, width - 100]);
  const ends: number[] = [];
  for (const [index, rule] of [...(view.rules ?? []).entries()].sort((a, b) => a[1].value - b[1].value)) {
    if (rule.axis !== "x") continue;
    const from = x(rule.value);
    let level = ends.findIndex((end) => end < from);
    if (level < 0) level = ends.length;
    ends[level] = from + widthOf(rule.label, LABEL) + 14;
    levels.set(index, level);
  }
  return levels;
}

/** A d3 scale over everything that can be drawn along one axis, its rules included. */
function along(view: Lines, which: "x" | "y", range: [number, number]) {
  const axis = view[which];
  const rules = (view.rules ?? []).filter((rule) => rule.axis === which).map(({ value }) => value);
  const values = [...view.series.flatMap((series) => series[which]), ...rules].filter((value) => drawable(axis, value)) as number[];
  let [low, high] = [Infinity, -Infinity];
  for (const value of values) [low, high] = [Math.min(low, value), Math.max(high, value)];
  if (!(low <= high)) [low, high] = axis.scale === "log" ? [1, 10] : [0, 1];
  if (low === high) [low, high] = axis.scale === "log" ? [low / 2, high * 2] : [low - 0.5, high + 0.5];
  const made = axis.scale === "log" ? scaleLog() : scaleLinear();
  made.domain([low, high]).range(range);
  if (which === "y") made.nice();
  return made;
}

/** Ticks of an axis, few enough to read. */
export function ticks(scale: Along, axis: Axis, count: number): number[] {
  const all = scale.ticks(count);
  if (axis.scale === "linear") return all;
  const lead = (value: number) => value / 10 ** Math.floor(Math.log10(value) + 1e-9);
  for (const leads of [[1, 2, 5], [1]]) {
    const kept = all.filter((value) => leads.some((one) => Math.abs(lead(value) - one) < 1e-6));
    if (kept.length >= 2 && kept.length <= count + 3) return kept;
  }
  const powers = all.filter((value) => Math.abs(Math.log10(value) % 1) < 1e-9);
  return thinned(powers.length >= 2 ? powers : all, count);
}

/** The whole ones of some ticks, where the horizontal axis counts: layers have no halves. */
export function whole(view: Lines, all: number[]): number[] {
  const kept = all.filter(Number.isInteger);
  return kept.length > 1 && view.series.every(({ x }) => x.every(Number.isInteger)) ? kept : all;
}

/** At most `count` of some numbers, evenly. */
function thinned(all: number[], count: number): number[] {
  const stride = Math.ceil(all.length / count);
  return all.filter((_, index) => index % stride === 0);
}
