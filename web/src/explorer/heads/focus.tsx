/** The active head: its pattern enlarged, in full precision once pinned, and a link to its addresses. */
import { useEffect, useMemo } from "preact/hooks";
import { useCursor } from "../../cursor";
import { ViewFrame } from "../../frame";
import { withoutFirst } from "../../heatmap/first";
import { labelled } from "../../heatmap/layout";
import { panelOf } from "../../heatmap/made";
import { PanelPicture } from "../../heatmap/panel";
import { move, type Point, start } from "../../heatmap/point";
import { HeatmapReadout } from "../../heatmap/readout";
import { heatmapRecords } from "../../heatmap/records";
import { HeatmapTables } from "../../heatmap/tables";
import type { Cell, Heatmap } from "../../model";
import { type Bytes, cellsOf } from "../../patterns/unpack";
import { Stop } from "../../stop";
import { useAsk } from "../ask";
import type { Run, ScreenProps } from "../screen";

/** One head's pattern as a heatmap. */
export function focus(tokens: string[], head: string, bytes: Bytes, index: number): Heatmap {
  return pattern(tokens, head, cellsOf(bytes, index, 0), "attention");
}

function pattern(tokens: string[], head: string, values: Cell[][], label: string): Heatmap {
  return {
    schema: "loadstore/heatmap@1",
    title: head,
    rows: { name: "query", labels: tokens },
    columns: { name: "key", labels: tokens },
    scale: { kind: "sequential", low: 0, high: 1, label },
    panels: [panelOf(head, values)],
    hatched: "a token cannot look at a later one",
    outline_label: null,
    digits: 3,
  };
}

interface Exact {
  head: string;
  first: number;
  rows: number[][];
  before: number[];
}

interface Props {
  run: Run;
  first: number;
  /** The token that is chosen. */
  at: number;
  view: Heatmap;
  head: string;
  /** The head and its roles. */
  title: string;
  exact: boolean;
  /** Without the first column. */
  bare: boolean;
  link: ScreenProps["link"];
}

/** The large pattern with its readout, its exports and its table. */
export function Focus({ run, first, at, view, head, title, exact, bare, link }: Props) {
  const cursor = useCursor<Point>();
  const asked = useAsk<Exact>("head", exact ? { run: run.run, head, first } : null);
  const whole = asked.data?.head === head && asked.data.first === first && asked.data.rows.length === view.rows.labels.length && !asked.waiting ? asked.data : null;
  const full = useMemo(() => (exact && whole ? pattern(view.rows.labels, head, filled(whole.rows), "attention") : view), [view, whole, exact]);
  const large = useMemo(() => (bare ? withoutFirst(full) : full), [full, bare]);
  useEffect(() => {
    cursor.pinned.value = null;
  }, [run.run, head, bare]);
  const size = view.rows.labels.length;
  const point = cursor.pinned.value ?? cursor.active.value;
  const query = point ? Math.min(first + size - 1, first + point.row) : at;
  const before = whole?.before[query - first] ?? 0;
  return (
    <ViewFrame view={{ title: "One head in full" }} place={{ figure: "head", view: 0 }} records={() => heatmapRecords(full)} cells={Infinity} table={() => <HeatmapTables view={full} place={{ figure: "head", view: 0 }} />}>
      <figure class="panel large">
        <figcaption aria-live="polite" data-export>
          {title}
        </figcaption>
        <Stop
          cursor={cursor}
          start={() => start(large)}
          move={(from, key, control) => move(large, from, key, control)}
          kind="heatmap"
          label={`${head}: query by key. Arrow keys move from cell to cell.`}
        >
          {(width) => <Fitted view={large} cursor={cursor} width={width} />}
        </Stop>
      </figure>
      <HeatmapReadout view={large} cursor={cursor} />
      <p class="onward">
        <a href={link({ head, token: query, side: null, from: null, do: null, about: null }, "address")}>
          Address of {head} at {run.labels[query]}
        </a>
        {before > 0.005 && <span class="said"> {before.toFixed(2)} of its attention is on tokens before those drawn.</span>}
      </p>
    </ViewFrame>
  );
}

function filled(rows: number[][]): Cell[][] {
  return rows.map((row) => [...row, ...Array<null>(rows.length - row.length).fill(null)]);
}

function Fitted({ view, cursor, width }: { view: Heatmap; cursor: ReturnType<typeof useCursor<Point>>; width: number }) {
  const layout = useMemo(() => labelled(view, width, 1), [view, width]);
  return <PanelPicture view={view} index={0} layout={layout} cursor={cursor} />;
}
