/** Horizontal bars: who adds how much, and what it comes to. */
import { useId, useMemo } from "preact/hooks";
import { type Cursor, useCursor } from "../cursor";
import { DataTable, field } from "../datatable";
import { ViewFrame } from "../frame";
import type { Bars, Place } from "../model";
import { Readout } from "../readout";
import { Stop, stepped } from "../stop";
import { layout, type Layout, printed } from "./layout";
import { Axis, BarRow, Head } from "./marks";
import { Hatch } from "../heatmap/panel";
import { Sheet, takes } from "../sheet";

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
        {(width) => <Chart view={view} cursor={cursor} width={width} />}
      </Stop>
      <Readout
        cursor={cursor}
        what="bar"
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

function Chart({ view, cursor, width }: { view: Bars; cursor: Cursor<Point>; width: number }) {
  const plan = useMemo(() => layout(view, width), [view, width]);
  const hatch = `bars-${useId()}`;
  const still = useMemo(
    () => (
      <>
        <Hatch id={hatch} step={6} />
        <Head view={view} plan={plan} />
        <Axis view={view} plan={plan} />
        {plan.rows.map((row, index) => (
          <g key={index} {...takes(cursor, { row: index })}>
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
      <Marks plan={plan} cursor={cursor} />
    </Sheet>
  );
}

function Marks({ plan, cursor }: { plan: Layout; cursor: Cursor<Point> }) {
  return (
    <g class="marks">
      {[cursor.pinned.value, cursor.active.value].map((point, index) => {
        const row = point && plan.rows[point.row];
        return row && <rect key={index} class={index === 0 ? "pin" : "ring thin"} x={1} y={row.top + 1} width={plan.width - 2} height={row.height - 2} rx={3} />;
      })}
    </g>
  );
}
