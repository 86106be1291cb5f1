/** A dot plot: one number per row, with its interval and the numbers that it is compared with. */
import { useCursor } from "../cursor";
import { DataTable, field } from "../datatable";
import { say } from "../format";
import { ViewFrame } from "../frame";
import type { Dot, Dots } from "../model";
import type { Place } from "../place";
import { Readout } from "../readout";
import { stepped } from "../stepped";
import { Stop } from "../stop";
import { Chart } from "./chart";

/** The view of a `loadstore/dots@1`. */
export function DotsView({ view, place }: { view: Dots; place: Place }) {
  const cursor = useCursor<{ row: number }>();
  const count = view.rows.length;
  const columns = [view.label, "from", "to", ...(view.others ? [`least of ${view.others}`, `largest of ${view.others}`] : []), "note"];
  const cells = (row: Dot) => [row.value, ...(row.interval ?? [null, null]), ...(view.others ? ends(row) : []), row.text];
  return (
    <ViewFrame
      view={view}
      place={place}
      records={() => [["row", ...columns], ...view.rows.map((row) => [row.label, ...cells(row).map(field)])]}
      cells={count * columns.length}
      table={() => <DataTable place={place} caption={view.title} corner="row" list columns={columns} rows={view.rows.map((row) => ({ head: row.label, cells: cells(row) }))} text={(cell) => say(cell, view.digits)} />}
    >
      <Stop
        cursor={cursor}
        start={() => (count ? { row: 0 } : null)}
        move={({ row }, key) => ({ row: stepped(row, key, count) })}
        kind="dot plot"
        label={`${view.title}: ${count} rows, ${view.label}. Up and down move from row to row.`}
      >
        {(width) => <Chart view={view} cursor={cursor} width={width} />}
      </Stop>
      {view.others && (
        <p class="keys" data-export>
          Thin lines: {view.others}.
        </p>
      )}
      <Readout cursor={cursor} describe={({ row }) => <Said view={view} row={view.rows[row]} />} />
    </ViewFrame>
  );
}

/** The smallest and largest number that a row is compared with. */
function ends(row: Dot): (number | null)[] {
  const known = row.others.filter((value): value is number => typeof value === "number");
  return known.length ? [Math.min(...known), Math.max(...known)] : [null, null];
}

function Said({ view, row }: { view: Dots; row: Dot | undefined }) {
  if (!row) return null;
  return (
    <>
      <b>{row.label}</b> <b class="figure-value">{say(row.value, view.digits)}</b>{" "}
      {row.interval && (
        <span class="axis">
          from {say(row.interval[0], view.digits)} to {say(row.interval[1], view.digits)}{" "}
        </span>
      )}
      <span class="said">{row.text}</span>
    </>
  );
}
