/** The walk of an address: writers of query and key give a score, it gives a weight, and weighted values are stored. */
import { useId, useMemo } from "preact/hooks";
import { BarChart } from "../bars/chart";
import { type Cursor, useCursor } from "../cursor";
import { say } from "../format";
import { ViewFrame } from "../frame";
import { Hatch } from "../heatmap/panel";
import type { Walk } from "../model";
import type { Place } from "../place";
import { Readout } from "../readout";
import { Sheet } from "../sheet";
import { stepped } from "../stepped";
import { Stop } from "../stop";
import { asChart, type Sum } from "../waterfall/steps";
import { Remainder } from "../waterfall/table";
import { StepSaid, stepOf } from "../waterfall/view";
import { layout, type Plan } from "./layout";
import { Address, Column, Key, Links } from "./marks";
import { named, pairsOf, type Point, SIDES, sumOf } from "./pairs";
import { cells, records, Tables } from "./tables";

/** The view of a `loadstore/walk@1`. */
export function WalkView({ view, place }: { view: Walk; place: Place }) {
  const cursor = useCursor<Point>();
  const sum = useMemo(() => sumOf(view), [view]);
  const chart = useMemo(() => asChart(sum), [sum]);
  const first = SIDES.find((side) => view.sides[side]?.writers.length);
  return (
    <ViewFrame view={view} place={place} records={() => records(view)} cells={cells(view)} table={() => <Tables view={view} sum={sum} place={place} />}>
      <Key view={view} hatch={`walk-${useId()}`} />
      <Stop
        cursor={cursor}
        start={(): Point => (first ? { side: first, row: view.hero[SIDES.indexOf(first)] ?? 0 } : { side: "sum", row: 0 })}
        move={(from, key) => move(view, sum, from, key)}
        kind="walk of an address"
        label={`${view.title}: who wrote what ${view.head} loads. Up and down move within Q, K, V and the sum below them, left and right between these.`}
      >
        {(width) => (
          <>
            <Picture view={view} cursor={cursor} width={width} />
            <BarChart view={chart} cursor={cursor} width={width} point={(row) => ({ side: "sum", row })} rowOf={({ side, row }) => (side === "sum" ? row : undefined)} />
          </>
        )}
      </Stop>
      <Remainder value={view.score.remainder} />
      <Readout cursor={cursor} describe={(point) => <Said view={view} sum={sum} point={point} />} />
    </ViewFrame>
  );
}

/** Moves along a column, or to the next column with rows. */
function move(view: Walk, sum: Sum, { side, row }: Point, key: string): Point {
  const count = (column: Point["side"]) => (column === "sum" ? sum.rows.length + 1 : (view.sides[column]?.writers.length ?? 0));
  if (key !== "ArrowLeft" && key !== "ArrowRight") return { side, row: stepped(row, key, count(side)) };
  const columns = ([...SIDES, "sum"] as const).filter(count);
  const next = columns[stepped(columns.indexOf(side), key, columns.length)] ?? side;
  return { side: next, row: Math.min(row, count(next) - 1) };
}

function Picture({ view, cursor, width }: { view: Walk; cursor: Cursor<Point>; width: number }) {
  const plan = useMemo(() => layout(view, width), [view, width]);
  const hatch = `walk-${useId()}`;
  const still = useMemo(
    () => (
      <>
        <Hatch id={hatch} step={5} />
        {plan.columns.map((column) => (
          <Column key={column.side} view={view} plan={plan} column={column} cursor={cursor} hatch={hatch} />
        ))}
        <Address view={view} plan={plan} />
      </>
    ),
    [plan],
  );
  const places = SIDES.map((side) => `${side} ${view.sides[side]?.place ?? "nothing"}`).join(", ");
  return (
    <Sheet cursor={cursor} plan={plan} label={`${view.head}: ${places}; weight ${say(view.weight, 2)}; stores ${view.stores}. The numbers are in the tables below.`}>
      <Links view={view} plan={plan} cursor={cursor} />
      {still}
      <Marks plan={plan} cursor={cursor} />
    </Sheet>
  );
}

function Marks({ plan, cursor }: { plan: Plan; cursor: Cursor<Point> }) {
  return (
    <g class="marks">
      {[cursor.pinned.value, cursor.active.value].map((point, index) => {
        const column = plan.columns.find(({ side }) => side === point?.side);
        const writer = point && column?.writers[point.row];
        return writer && <rect key={index} class={index === 0 ? "pin" : "ring"} x={column.x - 1} y={writer.y - 1} width={plan.cell + 2} height={plan.tall + 2} rx={5} />;
      })}
    </g>
  );
}

function Said({ view, sum, point }: { view: Walk; sum: Sum; point: Point }) {
  const { side, row } = point;
  if (side === "sum") return <StepSaid view={sum} entry={stepOf(sum, row)} />;
  const load = view.sides[side];
  const writer = load?.writers[row];
  if (!writer) return null;
  const strongest = side === "V" ? undefined : pairsOf(view).find((pair) => typeof pair.part === "number" && row === (side === "Q" ? pair.q : pair.k));
  return (
    <>
      <span class="where">
        <b>{side} </b>
        <code>{load.place}</code> <b>{writer.label}</b>
      </span>{" "}
      <span class="axis">share</span> <b class="figure-value">{say(writer.share, 3, true)}</b> <span class="said">{writer.text}</span>{" "}
      {strongest && (
        <>
          <span class="axis">strongest pair</span> {named(view, strongest)} {say(strongest.part, 2, true)}
        </>
      )}
    </>
  );
}
