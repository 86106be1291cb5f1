/** Many heads on one prompt: all of them small, one of them large. */
import { type Signal, useComputed, useSignal } from "@preact/signals";
import { useId, useMemo, useRef } from "preact/hooks";
import { type Cursor, useCursor } from "../cursor";
import { exact } from "../format";
import { ViewFrame } from "../frame";
import { FirstSwitch, firstNote } from "../heatmap/first";
import { labelled } from "../heatmap/layout";
import { Legend } from "../heatmap/legend";
import { panelOf } from "../heatmap/made";
import { PanelPicture } from "../heatmap/panel";
import { move, type Point, start } from "../heatmap/point";
import { HeatmapReadout } from "../heatmap/readout";
import { HeatmapTables } from "../heatmap/tables";
import type { Heatmap, Patterns } from "../model";
import type { Place } from "../place";
import { Stop } from "../stop";
import { Grid } from "./grid";
import { pooled } from "./pool";
import { type Bytes, cellsOf, PART, unpack } from "./unpack";

/** The view of a `loadstore/patterns@1`. */
export function PatternsView({ view, place }: { view: Patterns; place: Place }) {
  const bytes = useMemo(() => unpack(view), [view]);
  const [active, pinned] = [useSignal<number | null>(null), useSignal<number | null>(null)];
  const cells = useCursor<Point>();
  const order = useSignal(0);
  const bare = useSignal(false);
  const ordered = view.orders[order.value]?.heads ?? view.heads.map((_, head) => head);
  const last = useRef(view.shown ?? ordered[0] ?? 0);
  const shown = useComputed(() => pinned.value ?? active.value ?? last.current).value;
  last.current = shown;
  const skip = bare.value && view.tokens.length > 1 ? 1 : 0;
  const whole = useMemo(() => focus(view, bytes, shown, 0), [view, shown]);
  const large = useMemo(() => (skip ? focus(view, bytes, shown, skip) : whole), [whole, skip]);
  return (
    <ViewFrame
      view={view}
      place={place}
      records={() => records(view, bytes, shown)}
      cells={bytes.size * bytes.size}
      about={whole}
      table={() => <HeatmapTables view={whole} place={place} />}
    >
      <Legend view={large} />
      <Controls view={view} order={order} bare={bare} />
      <div class="overview">
        <Grid view={view} bytes={bytes} sections={[{ title: "", said: "", heads: ordered, fold: null }]} skip={skip} pinned={pinned.value} point={(head) => (active.value = head)} pin={(head) => (pinned.value = head)} shown={shown} />
        <Large view={large} cursor={cells} badges={view.heads[shown]?.badges ?? []} />
      </div>
      <p class="missing" data-export>
        {view.heads.length} {view.heads.length === 1 ? "head" : "heads"} on {view.tokens.length} tokens, weights stored to 1/{PART}.
        {pooled(bytes.size) > 1 && ` A pixel of a thumbnail is the greatest of ${pooled(bytes.size)} × ${pooled(bytes.size)} weights.`}
        {skip > 0 && ` ${firstNote(view.tokens[0])}`}
      </p>
      <HeatmapReadout view={large} cursor={cells} />
    </ViewFrame>
  );
}

/** One head as a heatmap, from column `skip` on. */
function focus(view: Patterns, bytes: Bytes, head: number, skip: number): Heatmap {
  const title = view.heads[head]?.name ?? "?";
  return {
    schema: "loadstore/heatmap@1",
    title,
    rows: { name: "query", labels: view.tokens },
    columns: { name: "key", labels: view.tokens.slice(skip) },
    scale: { kind: "sequential", low: 0, high: 1, label: `attention, stored to 1/${PART}` },
    panels: [panelOf(title, cellsOf(bytes, head, skip))],
    hatched: "a token cannot look at a later one",
    outline_label: null,
    digits: 3,
  };
}

function Controls({ view, order, bare }: { view: Patterns; order: { value: number }; bare: Signal<boolean> }) {
  const id = useId();
  if (view.orders.length < 2 && !view.first_is_sink) return null;
  return (
    <div class="controls">
      {view.orders.length >= 2 && (
        <label for={`${id}-order`}>
          Order{" "}
          <select id={`${id}-order`} onChange={(event) => (order.value = event.currentTarget.selectedIndex)}>
            {view.orders.map(({ name }, index) => (
              <option key={index} selected={index === order.value}>
                {name}
              </option>
            ))}
          </select>
        </label>
      )}
      {view.first_is_sink && (
        <FirstSwitch token={view.tokens[0] ?? ""} hidden={bare} />
      )}
    </div>
  );
}

function Large({ view, cursor, badges }: { view: Heatmap; cursor: Cursor<Point>; badges: string[] }) {
  return (
    <figure class="panel large">
      <figcaption aria-live="polite" data-export>
        {[view.title, ...badges].join(", ")}
      </figcaption>
      <Stop
        cursor={cursor}
        start={() => start(view)}
        move={(from, key, control) => move(view, from, key, control)}
        kind="heatmap"
        label={`${view.title}: query by key. Arrow keys move from cell to cell.`}
      >
        {(width) => <Fitted view={view} cursor={cursor} width={width} />}
      </Stop>
    </figure>
  );
}

function Fitted({ view, cursor, width }: { view: Heatmap; cursor: Cursor<Point>; width: number }) {
  const layout = useMemo(() => labelled(view, width, 1), [view, width]);
  return <PanelPicture key={view.title} view={view} index={0} layout={layout} cursor={cursor} />;
}

function records(view: Patterns, bytes: Bytes, head: number): string[][] {
  const name = view.heads[head]?.name ?? "?";
  const lines = cellsOf(bytes, head, 0).flatMap((cells, query) =>
    cells.map((cell, key) => [name, view.tokens[query] ?? "", view.tokens[key] ?? "", cell === null ? "" : exact(cell)]),
  );
  return [["head", "query", "key", "weight"], ...lines];
}
