/** The legend of wires, which is the same for every block. */
import { panelOf } from "../heatmap/made";
import type { Cell, Heatmap, Layers } from "../model";
import { NO_WIRE, scaleOf } from "./block";
import type { Matrix } from "./unpack";

/** A heatmap with one cell of every kind that the panels have: its legend is that of every block. */
export function marks(view: Layers, matrices: Pick<Matrix, "values">[]): Heatmap {
  const { low, high } = view.scale;
  let [none, above, below, up, down] = [false, false, false, false, false];
  for (const { values } of matrices) {
    for (let index = 0; index < values.length; index++) {
      const value = values[index] as number;
      if (value !== value) none = true;
      else if (value > high) value === Infinity ? (up = true) : (above = true);
      else if (value < low) value === -Infinity ? (down = true) : (below = true);
    }
  }
  const cells: Cell[] = [...(none ? [null] : []), ...(above ? [high + 1] : []), ...(below ? [low - 1] : []), ...(up ? (["inf"] as const) : []), ...(down ? (["-inf"] as const) : [])];
  return {
    schema: "loadstore/heatmap@1",
    title: view.title,
    rows: { name: view.rows.name, labels: [] },
    columns: { name: view.columns.name, labels: [] },
    scale: scaleOf(view),
    panels: [panelOf("", [cells])],
    hatched: NO_WIRE,
    outline_label: null,
    digits: view.digits,
  };
}
