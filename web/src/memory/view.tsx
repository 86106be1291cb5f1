/** The stream as an array in memory: an address weighs its rows. */
import { useId, useMemo } from "preact/hooks";
import { type Cursor, useCursor } from "../cursor";
import { DataTable, field } from "../datatable";
import { free, say } from "../format";
import { ViewFrame } from "../frame";
import { Legend } from "../heatmap/legend";
import { panelOf } from "../heatmap/made";
import type { Heatmap, Memory } from "../model";
import type { Place } from "../place";
import { pointed } from "../pointer";
import { Readout } from "../readout";
import { Sheet } from "../sheet";
import { gridStepped } from "../stepped";
import { Stop } from "../stop";
import { cellAt, layout, type Layout } from "./layout";
import { Heads, Row } from "./marks";

export interface Point {
  row: number;
  column: number;
}

/** The view of a `loadstore/memory@1`. */
export function MemoryView({ view, place }: { view: Memory; place: Place }) {
  const cursor = useCursor<Point>();
  const [rows, columns] = [view.rows.labels.length, view.columns.labels.length];
  return (
    <ViewFrame view={view} place={place} records={() => records(view)} cells={rows * (columns + 1)} table={() => <Tables view={view} place={place} />}>
      <Legend view={asHeatmap(view)} />
      <Stop
        cursor={cursor}
        start={() => (rows && columns ? { row: strongest(view), column: 0 } : null)}
        move={(from, key, control) => gridStepped(from, key, control, rows, columns)}
        kind="array with selected rows"
        label={`${view.title}: ${rows} rows (${view.rows.name}) of ${columns} cells (${view.columns.name}), each row with its ${view.weights.label}. Arrow keys move from cell to cell.`}
      >
        {(width) => <Picture view={view} cursor={cursor} width={width} />}
      </Stop>
      <p class="missing" data-export>
        Rows with less weight are paler.
      </p>
      <Readout cursor={cursor} describe={(point) => <Said view={view} point={point} />} />
    </ViewFrame>
  );
}

function strongest(view: Memory): number {
  const sizes = view.weights.values.map((weight) => (typeof weight === "number" ? weight : -1));
  return Math.max(0, sizes.indexOf(Math.max(...sizes)));
}

/** The same numbers as a heatmap, for its legend. */
function asHeatmap(view: Memory): Heatmap {
  const hidden = view.weights.values.includes(null);
  const values = hidden ? [...view.values, [null]] : view.values;
  return { ...view, schema: "loadstore/heatmap@1", outline_label: null, digits: 2, panels: [panelOf("", values)] };
}

function Picture({ view, cursor, width }: { view: Memory; cursor: Cursor<Point>; width: number }) {
  const plan = useMemo(() => layout(view, width), [view, width]);
  const hatch = `memory-${useId()}`;
  const still = useMemo(
    () => (
      <>
        <Heads view={view} plan={plan} hatch={hatch} />
        {view.rows.labels.map((_, row) => (
          <Row key={row} view={view} plan={plan} row={row} hatch={hatch} />
        ))}
      </>
    ),
    [plan],
  );
  const follow = (event: PointerEvent) => {
    cursor.active.value = cellAt(...pointed(event, plan.width), view, plan);
  };
  return (
    <Sheet cursor={cursor} plan={plan} kind="chart wide" label={`${view.rows.name} by ${view.columns.name}, ${view.scale.label}; ${view.weights.label} beside every row. The numbers are in the table below.`} follow={follow}>
      {still}
      <Marks plan={plan} cursor={cursor} />
    </Sheet>
  );
}

function Marks({ plan, cursor }: { plan: Layout; cursor: Cursor<Point> }) {
  return (
    <g class="marks">
      {[cursor.pinned.value, cursor.active.value].map((point, index) => {
        if (!point) return null;
        const box = { x: plan.left + point.column * plan.cell, y: plan.top + point.row * plan.row + 1, width: plan.cell, height: plan.row - 2 };
        return (
          <g key={index}>
            <rect {...box} class="halo" />
            <rect {...box} class={index === 0 ? "pin" : "ring"} />
          </g>
        );
      })}
    </g>
  );
}

function Said({ view, point: { row, column } }: { view: Memory; point: Point }) {
  const weight = view.weights.values[row];
  const cell = view.values[row]?.[column];
  const none = `impossible${view.hatched ? `: ${view.hatched}` : ""}`;
  return (
    <>
      <span class="where">
        <span class="axis">{view.rows.name}</span> <code>{view.rows.labels[row]}</code> <span class="axis">{view.weights.label}</span>{" "}
        <b>{weight === null ? none : say(weight, 3)}</b>
      </span>{" "}
      <span class="axis">{view.columns.name}</span> <code>{view.columns.labels[column]}</code>{" "}
      <b class="figure-value">{cell === null ? none : say(cell, 3, view.scale.kind === "diverging")}</b>
    </>
  );
}

function Tables({ view, place }: { view: Memory; place: Place }) {
  const { rows, columns, weights } = view;
  return (
    <>
      <DataTable
        place={place}
        panel="values"
        caption={view.title}
        axis={view.scale.label}
        corner={`${rows.name} \\ ${columns.name}`}
        columns={columns.labels}
        rows={rows.labels.map((head, row) => ({ head, cells: view.values[row] ?? [] }))}
        text={free}
      />
      <DataTable
        place={place}
        panel={weights.label}
        caption={view.title}
        axis={weights.label}
        corner={rows.name}
        columns={[weights.label]}
        rows={rows.labels.map((head, row) => ({ head, cells: [weights.values[row] ?? null] }))}
        text={free}
      />
    </>
  );
}

function records({ rows, columns, values, weights }: Memory): string[][] {
  const lines = rows.labels.flatMap((label, row) =>
    columns.labels.map((name, column) => [label, name, field(values[row]?.[column]), field(weights.values[row])]),
  );
  return [[rows.name, columns.name, "value", weights.label], ...lines];
}
