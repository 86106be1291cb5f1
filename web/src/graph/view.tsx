/** The picture of a circuit: tokens in a row, layers upwards, one arc per load, the answer at the end. */
import { useSignal } from "@preact/signals";
import { useCursor } from "../cursor";
import { DataTable } from "../datatable";
import { say } from "../format";
import { ViewFrame } from "../frame";
import type { Arc, Cut, Picture } from "../model";
import type { Place } from "../place";
import { Readout } from "../readout";
import { stepped } from "../stepped";
import { Stop } from "../stop";
import { Drawing } from "./drawing";
import { Cuts } from "./cuts";
import { type Item, named } from "./item";
import { narrowed } from "./narrow";

const COLUMNS = ["loads from", "through", "share", "wires"];

interface Props {
  view: Picture;
  place: Place;
  /** The highlights of a page: the highlighted arcs (null: all), and the current cut. */
  shown?: { lit: number[] | null; cut: Cut | null };
}

/** The view of a `loadstore/picture@1`. */
export function GraphView({ view, place, shown }: Props) {
  const cursor = useCursor<Item>();
  const chosen = useSignal<number | null>(null);
  const cut = shown ? shown.cut : chosen.value === null ? null : (view.cuts[chosen.value] ?? null);
  const rows = view.arcs.map((arc) => ({ head: arc.target, cells: [arc.source, arc.port || "its input", say(arc.share, 2, true), String(arc.wires)] }));
  return (
    <ViewFrame
      view={view}
      place={place}
      records={() => [["who loads", ...COLUMNS], ...rows.map(({ head, cells }) => [head, ...cells])]}
      cells={rows.length * 5}
      table={() => <DataTable place={place} caption={view.title} corner="who loads" list columns={COLUMNS} rows={rows} />}
    >
      {!shown && <Cuts cuts={view.cuts} chosen={chosen} />}
      <Stop
        cursor={cursor}
        start={() => (view.arcs.length ? { item: 0 } : null)}
        move={({ item }, key) => ({ item: stepped(item, key, view.arcs.length + view.marks.length) })}
        kind="picture of a circuit"
        label={`${view.title}: ${view.arcs.length} loads, strongest first, then ${view.marks.length} sites. Arrow keys move from one to the next.`}
      >
        {(width) => <Drawing view={narrowed(view, width)} cursor={cursor} cut={cut} lit={shown?.lit ?? null} />}
      </Stop>
      <p class="keys" data-export>
        <b class="port Q">Q</b> looks for, <b class="port K">K</b> is found by, <b class="port V">V</b> is carried. Wider: more. Dashed: against the answer. Dotted: from positions.
      </p>
      {view.notes.map((note) => (
        <p class="missing" data-export>
          {note}
        </p>
      ))}
      <Readout cursor={cursor} describe={({ item }) => <Said view={view} item={item} />} />
    </ViewFrame>
  );
}

/** A load in words, or all loads of a site. */
function Said({ view, item }: { view: Picture; item: number }) {
  const arc = view.arcs[item];
  if (arc) return <LoadSaid arc={arc} unit={view.unit} />;
  const mark = view.marks[item - view.arcs.length];
  if (!mark) return null;
  const from = view.arcs.filter((each) => each.target === named(view, item)).length;
  return (
    <>
      <b>{mark.name}</b> <span class="axis">at</span> {mark.token}
      {mark.role && (
        <>
          {" "}
          <span class="axis">role</span> {mark.role}
        </>
      )}{" "}
      <span class="axis">loads drawn</span> {from}
    </>
  );
}

function LoadSaid({ arc, unit }: { arc: Arc; unit: string }) {
  return (
    <>
      <b>{arc.target}</b> <span class="axis">loads{arc.port && ` through ${arc.port}`} from</span> <b>{arc.source}</b> <b class="figure-value">{say(arc.share, 2, true)}</b>{" "}
      <span class="axis">
        of {unit}
        {arc.wires > 1 && `, ${arc.wires} wires`}
      </span>
    </>
  );
}
