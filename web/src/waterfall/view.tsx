/** A signed waterfall: the steps that add up to a number. */
import { useMemo } from "preact/hooks";
import { BarChart } from "../bars/chart";
import { printed } from "../bars/layout";
import { useCursor } from "../cursor";
import { say } from "../format";
import { ViewFrame } from "../frame";
import type { Waterfall } from "../model";
import type { Place } from "../place";
import { Readout } from "../readout";
import { stepped } from "../stepped";
import { Stop } from "../stop";
import { asChart, type Entry, lines, type Sum } from "./steps";
import { records, Remainder, SumTable } from "./table";

/** The view of a `loadstore/waterfall@1`. */
export function WaterfallView({ view, place }: { view: Waterfall; place: Place }) {
  const cursor = useCursor<{ row: number }>();
  const chart = useMemo(() => asChart(view), [view]);
  const count = view.rows.length + 1;
  return (
    <ViewFrame view={view} place={place} records={() => records(view)} cells={3 * count} table={() => <SumTable view={view} place={place} />}>
      <Stop
        cursor={cursor}
        start={() => ({ row: 0 })}
        move={({ row }, key) => ({ row: stepped(row, key, count) })}
        kind="waterfall chart"
        label={`${view.title}: ${view.rows.length} steps of ${view.label}, each from where the last ended, and their total. Up and down move from step to step.`}
      >
        {(width) => <BarChart view={chart} cursor={cursor} width={width} point={(row) => ({ row })} rowOf={({ row }) => row} />}
      </Stop>
      <Remainder value={view.remainder} />
      <Readout cursor={cursor} describe={({ row }) => <StepSaid view={view} entry={stepOf(view, row)} />} />
    </ViewFrame>
  );
}

/** The step of a bar, the total last. */
export function stepOf(view: Sum, row: number): Entry | undefined {
  const all = lines(view);
  return all[row < view.rows.length ? row : all.length - 1];
}

/** One step: its value, the sum so far, its text. */
export function StepSaid({ view, entry }: { view: Sum; entry: Entry | undefined }) {
  if (!entry) return null;
  return (
    <>
      <span class="where">
        <b>{entry.label} </b>
        <span class="axis">{view.label}</span>
      </span>{" "}
      <b class="figure-value">{printed({ ...view, kind: "signed" }, entry.value)}</b>{" "}
      {entry.sum !== null && (
        <>
          <span class="axis">sum so far</span> {say(entry.sum, view.digits, true)}{" "}
        </>
      )}
      <span class="said">{entry.text}</span>
    </>
  );
}
