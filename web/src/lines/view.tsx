/** Lines over one axis, with reference rules. */
import { useContext, useMemo } from "preact/hooks";
import { type Cursor, tabStop, useCursor } from "../cursor";
import { free } from "../format";
import { ViewFrame } from "../frame";
import type { Lines } from "../model";
import type { Place } from "../place";
import { pointed } from "../pointer";
import { Readout } from "../readout";
import { Sheet } from "../sheet";
import { useWidth } from "../width";
import { Axes, Rules } from "./axes";
import { drawable, type Geometry, geometry } from "./geometry";
import { Linked, markOf, useLinked } from "./linked";
import { Curve, EndNames, Mark } from "./marks";
import { move, nearest, type Point, start } from "./point";
import { topDown } from "./spot";
import { LinesTable, linesRecords } from "./tables";

/** The view of a `loadstore/lines@1`. */
export function LinesView({ view, place }: { view: Lines; place: Place }) {
  const cursor = useCursor<Point>();
  const [ref, width] = useWidth<HTMLDivElement>();
  useLinked(view, cursor);
  const stop = tabStop(cursor, () => start(view), (from, key) => move(view, from, key));
  const plot = useMemo(() => (width > 0 ? geometry(view, width) : null), [view, width]);
  return (
    <ViewFrame
      view={view}
      place={place}
      records={() => linesRecords(view)}
      table={() => <LinesTable view={view} place={place} />}
      cells={2 * view.series.reduce((sum, { x }) => sum + x.length, 0)}
    >
      <div
        ref={ref}
        class="stop"
        role="application"
        aria-roledescription="line plot"
        aria-label={`${view.title}: ${view.y.label} by ${view.x.label}. Left and right follow a line, up and down change it.`}
        {...stop}
      >
        {plot && <Plot view={view} plot={plot} cursor={cursor} />}
      </div>
      {plot && !plot.direct && <Names view={view} order={topDown(view, plot)} />}
      <Missing view={view} />
      <Readout cursor={cursor} describe={(point) => <Sentence view={view} point={point} />} />
    </ViewFrame>
  );
}

function Plot({ view, plot, cursor }: { view: Lines; plot: Geometry; cursor: Cursor<Point> }) {
  const still = useMemo(
    () => (
      <>
        <Axes view={view} plot={plot} />
        {view.series.map((series, index) => (
          <Curve key={index} view={view} series={series} index={index} plot={plot} />
        ))}
        <Rules view={view} plot={plot} />
        {plot.direct && <EndNames view={view} plot={plot} />}
      </>
    ),
    [plot],
  );
  const follow = (event: PointerEvent) => {
    cursor.active.value = nearest(view, plot, ...pointed(event, plot.width));
  };
  return (
    <Sheet cursor={cursor} plan={plot} kind="plot" label={`${view.series.length} lines: ${view.series.map(({ name }) => name).join(", ")}. The numbers are in the table below.`} follow={follow}>
      {still}
      <Marks view={view} plot={plot} cursor={cursor} />
    </Sheet>
  );
}

function Marks({ view, plot, cursor }: { view: Lines; plot: Geometry; cursor: Cursor<Point> }) {
  const shown = [cursor.pinned.value, cursor.active.value];
  const [low = 0, high = 0] = plot.x.domain();
  const linked = useContext(Linked)?.value ?? null;
  const elsewhere = cursor.active.value ? null : markOf(view, linked, [low, high]);
  return (
    <g class="marks">
      {elsewhere !== null && <path class="cross linked" d={`M${plot.x(elsewhere)} ${plot.top}V${plot.bottom}`} />}
      {shown.map((point, index) => {
        const x = point && view.series[point.series]?.x[point.index];
        const y = point && view.series[point.series]?.y[point.index];
        if (!point || !drawable(view.x, x ?? undefined) || !drawable(view.y, y ?? undefined)) return null;
        const [px, py] = [plot.x(x as number), plot.y(y as number)];
        return (
          <g key={index}>
            <path class="cross" d={`M${px} ${plot.top}V${plot.bottom}M${plot.left} ${py}H${plot.right}`} />
            <circle class="halo" cx={px} cy={py} r={8} />
            <circle class={index === 0 ? "pin" : "ring"} cx={px} cy={py} r={8} />
            <Mark index={point.series} x={px} y={py} size={1.2} />
          </g>
        );
      })}
    </g>
  );
}

/** The names of all series, in the order in which their lines lie. */
function Names({ view, order }: { view: Lines; order: number[] }) {
  return (
    <ul class="names">
      {order.map((index) => (
        <li key={index}>
          <svg class="plot" width={28} height={12} viewBox="0 0 28 12" aria-hidden="true">
            <path class={`curve series-${index % 8}`} d="M0 6H28" stroke-dasharray={view.series[index]?.dashed ? "6 4" : undefined} />
            <Mark index={index} x={14} y={6} />
          </svg>{" "}
          <span data-export>{view.series[index]?.name}</span>
        </li>
      ))}
    </ul>
  );
}

/** A note with the number of values that only the table shows. */
function Missing({ view }: { view: Lines }) {
  const lost = view.series.reduce((sum, { x, y }) => sum + x.filter((value, i) => !drawable(view.x, value) || !drawable(view.y, y[i])).length, 0);
  if (lost === 0) return null;
  const log = view.x.scale === "log" || view.y.scale === "log";
  return (
    <p class="missing" data-export>
      {lost === 1 ? "1 value is" : `${lost} values are`} not a finite number{log ? " or not above zero, which a log axis needs" : ""}: a gap here, listed in the table.
    </p>
  );
}

function Sentence({ view, point }: { view: Lines; point: Point }) {
  const series = view.series[point.series];
  return (
    <>
      <span class="where">
        <b>{series?.name} </b>
        <span class="axis">{view.x.label}</span> {free(series?.x[point.index])}
        {" \u2192 "}
        <span class="axis">{view.y.label}</span>
      </span>{" "}
      <b class="figure-value">{free(series?.y[point.index])}</b>
    </>
  );
}
