/** The line plots of one figure: the point under the cursor of one marks the same place on the axes of all others. */
import { type Signal, useSignalEffect } from "@preact/signals";
import { createContext } from "preact";
import { useContext } from "preact/hooks";
import type { Cursor } from "../cursor";
import type { Lines } from "../model";
import type { Point } from "./point";

/** A place on a horizontal axis, by the name of the axis. */
export interface Spot {
  axis: string;
  value: number;
}

/** The place that the plots of this figure mark; null outside a figure. */
export const Linked = createContext<Signal<Spot | null> | null>(null);

/** Mark the place of the cursor in the other plots. */
export function useLinked(view: Lines, { active }: Cursor<Point>): void {
  const linked = useContext(Linked);
  useSignalEffect(() => {
    const spot = active.value && spotOf(view, active.value);
    if (linked) linked.value = spot;
  });
}

/** The place of a point, if it has one. */
export function spotOf(view: Lines, { series, index }: Point): Spot | null {
  const value = view.series[series]?.x[index];
  return typeof value === "number" ? { axis: view.x.name, value } : null;
}

/** Where a plot marks the place of another plot's cursor: on the same axis, within its domain. */
export function markOf(view: Lines, spot: Spot | null, [low, high]: [number, number]): number | null {
  return spot && spot.axis === view.x.name && spot.value >= low && spot.value <= high ? spot.value : null;
}
