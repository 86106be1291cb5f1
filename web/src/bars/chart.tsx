/** A bar chart as a picture; its cursor may also point at things other than rows. */
import { useId, useMemo } from "preact/hooks";
import type { Cursor } from "../cursor";
import { Hatch } from "../heatmap/panel";
import { Sheet, takes } from "../sheet";
import { type Chart, layout } from "./layout";
import { Axis, BarRow, Head, Ties } from "./marks";

interface Props<P extends object> {
  view: Chart;
  cursor: Cursor<P>;
  width: number;
  /** The point of a row, and the row of a point; undefined if the point is not on a row. */
  point: (row: number) => P;
  rowOf: (point: P) => number | undefined;
}

/** All bars of `view`, with the marks of the cursor. */
export function BarChart<P extends object>({ view, cursor, width, point, rowOf }: Props<P>) {
  const plan = useMemo(() => layout(view, width), [view, width]);
  const hatch = `bars-${useId()}`;
  const still = useMemo(
    () => (
      <>
        <Hatch id={hatch} step={6} />
        <Head view={view} plan={plan} />
        <Axis view={view} plan={plan} />
        {view.tied && <Ties plan={plan} />}
        {plan.rows.map((row, index) => (
          <g key={index} {...takes(cursor, point(index))}>
            <rect x={0} y={row.top} width={plan.width} height={row.height} fill="none" pointer-events="all" />
            <BarRow view={view} plan={plan} row={row} hatch={hatch} />
          </g>
        ))}
      </>
    ),
    [plan],
  );
  return (
    <Sheet cursor={cursor} plan={plan} label={`${view.rows.length} bars: ${view.label}. The numbers are in the table below.`}>
      {still}
      <g class="marks">
        {[cursor.pinned.value, cursor.active.value].map((at, index) => {
          const row = at && plan.rows[rowOf(at) ?? -1];
          return row && <rect key={index} class={index === 0 ? "pin" : "ring thin"} x={1} y={row.top + 1} width={plan.width - 2} height={row.height - 2} rx={3} />;
        })}
      </g>
    </Sheet>
  );
}
