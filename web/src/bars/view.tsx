/** Horizontal bars: contributions and their total. */
import { useCursor } from "../cursor";
import { DataTable, field } from "../datatable";
import { ViewFrame } from "../frame";
import type { Bars } from "../model";
import type { Place } from "../place";
import { Readout } from "../readout";
import { stepped } from "../stepped";
import { Stop } from "../stop";
import { BarChart } from "./chart";
import { printed } from "./layout";

interface Point {
  row: number;
}

/** The view of a `loadstore/bars@1`. */
export function BarsView({ view, place }: { view: Bars; place: Place }) {
  const cursor = useCursor<Point>();
  const [name, said] = view.columns;
  const entries = [...view.rows, ...(view.total ? [{ ...view.total, text: "total" }] : [])];
  const cells = ({ label, value, text }: (typeof entries)[number]) => ({ head: label, cells: [value, text] });
  return (
    <ViewFrame
      view={view}
      place={place}
      records={() => [[name, view.label, said], ...entries.map(({ label, value, text }) => [label, field(value), text])]}
      cells={entries.length}
      table={() => (
        <DataTable
          place={place}
          caption={view.title}
          corner={name}
          list
          columns={[view.label, said]}
          rows={view.rows.map(cells)}
          total={view.total && { head: view.total.label, cells: [view.total.value, ""] }}
        />
      )}
    >
      <Stop
        cursor={cursor}
        start={() => (entries.length ? { row: 0 } : null)}
        move={({ row }, key) => ({ row: stepped(row, key, entries.length) })}
        kind="bar chart"
        label={`${view.title}: ${view.label} of ${entries.length} rows. Up and down move from bar to bar.`}
      >
        {(width) => <BarChart view={view} cursor={cursor} width={width} point={(row) => ({ row })} rowOf={({ row }) => row} />}
      </Stop>
      <Readout
        cursor={cursor}
       
        describe={({ row }) => (
          <>
            <span class="where">
              <b>{entries[row]?.label} </b>
              <span class="axis">{view.label}</span>
            </span>{" "}
            <b class="figure-value">{printed(view, entries[row]?.value ?? null)}</b> <span class="said">{entries[row]?.text}</span>
          </>
        )}
      />
    </ViewFrame>
  );
}
