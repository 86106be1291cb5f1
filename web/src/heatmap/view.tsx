/** A heatmap: its panels side by side, or as thumbnails with one of them large. */
import { useSignal } from "@preact/signals";
import { useMemo, useRef } from "preact/hooks";
import { useChosen } from "../chosen";
import { type Cursor, tabStop, useCursor } from "../cursor";
import type { Heatmap } from "../model";
import type { Place } from "../place";
import { ViewFrame } from "../frame";
import { useWidth } from "../width";
import { FirstSwitch, firstNote, isAttention, withoutFirst } from "./first";
import { bare, crowded, labelled } from "./layout";
import { Legend } from "./legend";
import { PanelPicture, type Picked } from "./panel";
import { move, type Point, start } from "./point";
import { HeatmapReadout } from "./readout";
import { heatmapRecords } from "./records";
import { SignsNote } from "./signs";
import { HeatmapTables } from "./tables";

/** The view of a `loadstore/heatmap@1`. */
export function HeatmapView({ view: whole, place }: { view: Heatmap; place: Place }) {
  const cursor = useCursor<Point>();
  const hidden = useSignal(false);
  const [first, attends] = [whole.columns.labels[0] ?? "", isAttention(whole)];
  const view = useMemo(() => (hidden.value ? withoutFirst(whole) : whole), [whole, hidden.value]);
  const [ref, width] = useWidth<HTMLDivElement>();
  const stop = tabStop(cursor, () => start(view), (from, key, control) => move(view, from, key, control));
  const many = crowded(view);
  useChosen(cursor, ({ panel, row, column }) => [view.rows.labels[row] ?? "", view.columns.labels[column] ?? "", view.panels[panel]?.title ?? ""]);
  return (
    <ViewFrame
      view={view}
      place={place}
      records={() => heatmapRecords(whole)}
      table={() => <HeatmapTables view={whole} place={place} />}
      cells={cellCount(whole)}
      about={whole}
    >
      <Legend view={view} />
      {attends && (
        <div class="controls">
          <FirstSwitch token={first} hidden={hidden} change={() => (cursor.pinned.value = cursor.active.value = null)} />
        </div>
      )}
      <div
        ref={ref}
        class="stop scroll"
        role="application"
        aria-roledescription="heatmap"
        aria-label={`${view.title}: ${view.rows.name} by ${view.columns.name}. Arrow keys move from cell to cell${many ? ", Page Up and Page Down from panel to panel" : ""}.`}
        {...stop}
      >
        {width > 0 && (many ? <Thumbnails view={view} cursor={cursor} width={width} /> : <Abreast view={view} cursor={cursor} width={width} />)}
      </div>
      {hidden.value && (
        <p class="missing" data-export>
          {firstNote(first)}
        </p>
      )}
      <HeatmapReadout view={view} cursor={cursor} />
    </ViewFrame>
  );
}

/** Cells of all tables of `view`. */
function cellCount(view: Heatmap): number {
  const tables = view.panels.reduce((sum, { details, marks }) => sum + 1 + (marks ? 1 : 0) + Object.keys(details ?? {}).length, 0);
  return tables * view.rows.labels.length * view.columns.labels.length;
}

interface Props {
  view: Heatmap;
  cursor: Cursor<Point>;
  width: number;
}

/** All panels of `view`, as large as `width` allows. */
export function Abreast({ view, cursor, width, pick, openable }: Props & Picked) {
  const layout = useMemo(() => labelled(view, width), [view, width]);
  return (
    <>
      <div class="panels">
        {view.panels.map((panel, index) => (
          <figure key={index} class="panel">
            <figcaption data-export>{panel.title}</figcaption>
            <PanelPicture view={view} index={index} layout={layout} cursor={cursor} pick={pick} openable={openable} />
          </figure>
        ))}
      </div>
      <SignsNote view={view} layout={layout} />
    </>
  );
}

function Thumbnails({ view, cursor, width }: Props) {
  const small = useMemo(() => bare(view), [view]);
  const wide = view.across && width / view.across >= 56 ? view.across : null;
  return (
    <>
      <div class="thumbnails" style={wide ? { gridTemplateColumns: `repeat(${wide}, minmax(0, 1fr))` } : {}}>
        {view.panels.map((panel, index) => (
          <figure key={index} class="panel">
            <figcaption data-export>{panel.title}</figcaption>
            <PanelPicture view={view} index={index} layout={small} cursor={cursor} />
          </figure>
        ))}
      </div>
      <Large view={view} cursor={cursor} width={width} />
    </>
  );
}

/** The active panel, large: the pinned one, else the last one pointed at. */
function Large({ view, cursor, width }: Props) {
  const layout = useMemo(() => labelled(view, width, 1), [view, width]);
  const last = useRef(0);
  const shown = cursor.pinned.value?.panel ?? cursor.active.value?.panel ?? last.current;
  last.current = shown;
  return (
    <figure class="panel large">
      <figcaption data-export>{view.panels[shown]?.title}</figcaption>
      <PanelPicture key={shown} view={view} index={shown} layout={layout} cursor={cursor} />
    </figure>
  );
}
