/** Wires of a whole model, layer by layer; a cell opens into the wires that it represents. */
import { useSignal } from "@preact/signals";
import { useId, useMemo, useRef } from "preact/hooks";
import { useChosen } from "../chosen";
import { togglePin, useCursor } from "../cursor";
import { ViewFrame } from "../frame";
import { Legend } from "../heatmap/legend";
import type { Hit } from "../heatmap/panel";
import { move, type Point, start } from "../heatmap/point";
import { Abreast } from "../heatmap/view";
import type { Layers, Rank } from "../model";
import type { Place } from "../place";
import { Stop } from "../stop";
import { type Block, blockOf, opens, type Zoom } from "./block";
import { marks } from "./legend";
import { LayersReadout, membersAt, RANKED } from "./readout";
import { layersRecords } from "./records";
import { LayersTables, shows } from "./tables";
import { unpack } from "./unpack";
import { goBack, landing, named, opened, type Part, type Trail, useTrail } from "./zoom";

/** The view of a `loadstore/layers@1`. */
export function LayersView({ view, place }: { view: Layers; place: Place }) {
  const cursor = useCursor<Point>();
  const trail = useTrail();
  const body = useRef<HTMLDivElement>(null);
  const matrices = useMemo(() => unpack(view), [view]);
  const zoom = trail.value.at(-1)?.zoom ?? { row: null, column: null };
  const rank = useSignal(view.strongest);
  const blocks = useMemo(() => new Map<string, Block>(), [view]);
  const blockAt = (to: Zoom) => {
    const key = `${to.row} ${to.column} ${rank.value}`;
    const made = blocks.get(key) ?? blockOf(view, matrices, to, rank.value);
    blocks.set(key, made);
    return made;
  };
  const block = blockAt(zoom);
  const legend = useMemo(() => marks(view, matrices), [view]);
  const { heatmap } = block;
  useChosen(cursor, ({ panel, row, column }) => {
    const joined = membersAt(view, block.strongest[panel]?.wire[row * block.columns.length + column] ?? -1);
    return joined && [...joined, matrices[panel]?.title ?? ""];
  });

  const open = (at: { row: number; column: number }, part: Part, panel: number | null) => {
    const next = opened(view, block, at, part);
    if (!next) return false;
    trail.value = [...trail.value.slice(0, -1), { zoom, left: panel === null ? null : { ...at, panel } }, { zoom: next, left: null }];
    cursor.pinned.value = null;
    cursor.active.value = panel === null ? null : landing(blockAt(next), panel);
    return true;
  };
  const pick = ({ panel, row, column }: Hit) => {
    if (row === null || column === null) open({ row: row ?? 0, column: column ?? 0 }, row === null ? "column" : "row", null);
    else if (!open({ row, column }, "both", panel)) togglePin(cursor);
  };
  const keys = (event: KeyboardEvent) => {
    const at = cursor.active.value;
    if (event.key === "Enter" && at) return open(at, event.shiftKey ? "row" : event.ctrlKey ? "column" : "both", at.panel);
    if (event.key !== "Escape" || cursor.pinned.value || trail.value.length < 2) return false;
    goBack(trail, trail.value.length - 2, cursor);
    return true;
  };
  const back = (to: number) => {
    goBack(trail, to, cursor);
    body.current?.querySelector<HTMLElement>(".stop")?.focus({ preventScroll: true });
  };

  return (
    <ViewFrame
      view={view}
      place={place}
      records={() => layersRecords(view, matrices)}
      cells={Infinity}
      about={block}
      table={() => <LayersTables view={view} matrices={matrices} block={block} place={place} />}
    >
      <Legend view={legend} />
      <Choice view={view} rank={rank} />
      <div ref={body}>
        <Trace view={view} trail={trail} back={back} />
        <Stop
          cursor={cursor}
          start={() => start(heatmap)}
          move={(from, key, control) => move(heatmap, from, key, control)}
          first={keys}
          kind="heatmap with blocks to open"
          label={`${view.title}. ${shows(view, block)} Arrow keys move from cell to cell, Enter opens a cell’s block, with Shift its row alone, with Control its column alone; Space pins, Escape goes back.`}
        >
          {(width) => <Abreast view={heatmap} cursor={cursor} width={width} pick={pick} openable={[opens(view.rows, zoom.row), opens(view.columns, zoom.column)]} />}
        </Stop>
      </div>
      <Words view={view} says={shows(view, block)} />
      <LayersReadout view={view} matrices={matrices} block={block} cursor={cursor} />
    </ViewFrame>
  );
}

/** The choice of the wire that represents its block, if values have signs. */
function Choice({ view, rank }: { view: Layers; rank: { value: Rank } }) {
  const id = useId();
  if (view.scale.kind !== "diverging" || (!opens(view.rows, null) && !opens(view.columns, null))) return null;
  return (
    <div class="controls">
      <label for={id}>
        Each block shows its{" "}
        <select id={id} onChange={(event) => (rank.value = event.currentTarget.value as Rank)}>
          {(["magnitude", "highest", "lowest"] as const).map((name) => (
            <option key={name} value={name} selected={name === rank.value}>
              {RANKED[name]} wire{name === "magnitude" ? ", whatever its sign" : ""}
            </option>
          ))}
        </select>
      </label>
    </div>
  );
}

/** The path to the block, with a button for each level above. */
function Trace({ view, trail, back }: { view: Layers; trail: Trail; back: (to: number) => void }) {
  if (!opens(view.rows, null) && !opens(view.columns, null)) return null;
  return (
    <nav class="trail" aria-label={`Blocks of ${view.title}`}>
      {trail.value.map(({ zoom }, index) =>
        index < trail.value.length - 1 ? (
          <>
            <button key={index} type="button" onClick={() => back(index)}>
              {index === trail.value.length - 2 ? "\u2190 " : ""}
              {named(view, zoom)}
            </button>
            <span aria-hidden="true">{"\u203a"}</span>
          </>
        ) : (
          <b key={index} aria-current="location" data-export>
            {named(view, zoom)}
          </b>
        ),
      )}
    </nav>
  );
}

/** Notes: the content of the block, the view's remarks, and the precision of its numbers. */
function Words({ view, says }: { view: Layers; says: string }) {
  return (
    <p class="missing">
      <span aria-live="polite" data-export>
        {says}
      </span>{" "}
      {view.note && <span data-export>{view.note}</span>}{" "}
      {view.resolution.length > 0 && <span data-export>Numbers are stored rounded: {view.resolution.join("; ")}.</span>}
    </p>
  );
}
