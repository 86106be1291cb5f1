/** Soft addresses: the sentence, with a bar over every token that a head attends to. */
import { useComputed } from "@preact/signals";
import { useId, useMemo } from "preact/hooks";
import { type Cursor, useCursor } from "../cursor";
import { DataTable, field } from "../datatable";
import { percent, say } from "../format";
import { ViewFrame } from "../frame";
import type { Address } from "../model";
import type { Place } from "../place";
import { Readout } from "../readout";
import { Sheet } from "../sheet";
import { Stop } from "../stop";
import { type Sentence, sentence } from "./layout";
import { Key, Marks, Words } from "./marks";
import { move, type Point, start } from "./point";

/** The view of a `loadstore/address@1`. */
export function AddressView({ view, place }: { view: Address; place: Place }) {
  const cursor = useCursor<Point>();
  return (
    <ViewFrame view={view} place={place} records={() => records(view)} cells={view.rows.length * (view.tokens.length + 1)} table={() => <Tables view={view} place={place} />}>
      <Key view={view} />
      <Stop
        cursor={cursor}
        start={() => start(view, 0)}
        move={(from, key, control) => move(view, from, key, control)}
        kind="sentence with weights"
        label={`${view.title}: ${view.rows.length} addresses over ${view.tokens.length} tokens. Left and right move along the sentence, up and down from address to address.`}
      >
        {(width) => <Rows view={view} cursor={cursor} width={width} />}
      </Stop>
      <Readout cursor={cursor} describe={(point) => <Said view={view} point={point} />} />
    </ViewFrame>
  );
}

function Rows({ view, cursor, width }: { view: Address; cursor: Cursor<Point>; width: number }) {
  const plan = useMemo(() => sentence(view.tokens, width), [view, width]);
  return (
    <div class="addresses">
      {view.rows.map((row, index) => (
        <div key={index} class="address">
          <p>
            <b data-export>{row.label}</b>{" "}
            <span data-export>{row.text}</span>{" "}
            <span class="effective" data-export>
              {say(row.effective, 1)} effective {say(row.effective, 1) === "1.0" ? "token" : "tokens"}
            </span>
          </p>
          <Picture view={view} plan={plan} index={index} cursor={cursor} />
        </div>
      ))}
    </div>
  );
}

function Picture({ view, plan, index, cursor }: { view: Address; plan: Sentence; index: number; cursor: Cursor<Point> }) {
  const row = view.rows[index];
  const hatch = `address-${useId()}`;
  const still = useMemo(
    () => row && <Words view={view} row={row} plan={plan} hatch={hatch} point={(token) => (cursor.active.value = { row: index, token })} />,
    [plan],
  );
  const here = useComputed(() => [cursor.pinned.value, cursor.active.value].map((point) => (point?.row === index ? point.token : -1)).join(" "));
  return (
    <Sheet cursor={cursor} plan={plan} label={`${row?.label} ${row?.text}. The numbers are in the table below.`}>
      {still}
      <Marks plan={plan} here={here} />
    </Sheet>
  );
}

function Said({ view, point }: { view: Address; point: Point }) {
  const row = view.rows[point.row];
  const weight = row?.weights[point.token];
  return (
    <>
      <span class="where">
        <b>{row?.label}</b>
        {" \u2192 "}
        <code>{view.tokens[point.token]}</code>
      </span>{" "}
      <b class="figure-value">{weight === null || weight === undefined ? "impossible: this token cannot be addressed" : say(weight, 3)}</b>{" "}
      {row?.outlined.includes(point.token) && <span class="said">in the smallest set that holds {percent(view.mass)}</span>}
    </>
  );
}

function Tables({ view, place }: { view: Address; place: Place }) {
  const rows = (cells: (row: Address["rows"][number]) => Address["rows"][number]["weights"]) => view.rows.map((row) => ({ head: row.label, cells: cells(row) }));
  return (
    <>
      <DataTable
        place={place}
        panel="weights"
        caption={view.title}
        axis="weight"
        corner="address \ token"
        columns={view.tokens}
        rows={rows(({ weights }) => weights)}
        text={(cell) => say(cell, 3)}
      />
      <DataTable
        place={place}
        panel="weights"
        detail="effective"
        caption={view.title}
        axis="effective tokens"
        corner="address"
        columns={["effective tokens"]}
        rows={rows(({ effective }) => [effective])}
      />
    </>
  );
}

function records(view: Address): string[][] {
  const lines = view.rows.flatMap((row) =>
    view.tokens.map((token, index) => [row.label, token, field(row.weights[index]), row.outlined.includes(index) ? "1" : "0", String(row.effective)]),
  );
  return [["address", "token", "weight", "outlined", "effective"], ...lines];
}
