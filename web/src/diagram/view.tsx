/** The machine as a diagram: a stream, and the boxes that load from it and store to it. */
import { useMemo } from "preact/hooks";
import { type Cursor, useCursor } from "../cursor";
import { DataTable } from "../datatable";
import { ViewFrame } from "../frame";
import type { Diagram, Step } from "../model";
import type { Place } from "../place";
import { Readout } from "../readout";
import { Sheet, takes } from "../sheet";
import { stepped } from "../stepped";
import { Stop } from "../stop";
import { Tip } from "./tip";
import type { Composed } from "./composed";
import { type Arrow, type Box, DETAIL, type Drawing, drawing, LABEL, moreWidth, NAME, streamLabel } from "./layout";

interface Point {
  step: number;
}

/** The view of a `loadstore/diagram@1`. */
export function DiagramView({ view, place }: { view: Diagram; place: Place }) {
  const cursor = useCursor<Point>();
  const { steps } = view;
  const lines = steps.map((step) => ({ head: step.name + others(step), cells: [loads(view, step), step.stores ?? "", step.detail] }));
  return (
    <ViewFrame
      view={view}
      place={place}
      records={() => [["step", "loads", "stores", "detail"], ...lines.map(({ head, cells }) => [head, ...cells])]}
      cells={steps.length * 3}
      table={() => <DataTable place={place} caption={view.title} corner="step" list columns={["loads", "stores", "detail"]} rows={lines} />}
    >
      <Stop
        cursor={cursor}
        start={() => (steps.length ? { step: 0 } : null)}
        move={({ step }, key) => ({ step: stepped(step, key, steps.length) })}
        kind="diagram"
        label={`${view.title}: ${steps.length} steps along ${view.stream}. Arrow keys move from step to step.`}
      >
        {(width) => <Picture view={view} cursor={cursor} width={width} />}
      </Stop>
      {view.reading && (
        <p class="missing" data-export>
          {view.reading}
        </p>
      )}
      <Readout cursor={cursor} describe={({ step }) => <Said view={view} step={steps[step]} />} />
    </ViewFrame>
  );
}

function others({ more }: Step): string {
  return more > 0 ? ` (+${more})` : "";
}

/** "Q, K from the stream; K from pos", as a sentence's end. */
function loads(view: Diagram, { loads: all }: Step): string {
  const from = (source: "stream" | "pos") => all.filter((load) => load.source === source).map(({ label }) => label);
  const parts = [
    [from("stream"), view.stream],
    [from("pos"), "pos"],
  ] as const;
  return parts.flatMap(([labels, name]) => (labels.length ? [`${labels.join(", ")} from ${name}`] : [])).join("; ");
}

function Picture({ view, cursor, width }: { view: Diagram; cursor: Cursor<Point>; width: number }) {
  const plan = useMemo(() => drawing(view, width), [view, width]);
  const still = useMemo(
    () => (
      <>
        <path class="bus" d={plan.bus.d} />
        <Tip at={plan.bus.tip} size={13} />
        <text class="sans" x={plan.bus.label[0]} y={plan.bus.label[1]} font-size={12.5} font-weight={600}>
          {streamLabel(view, plan.width)}
        </text>
        {plan.lane && <path class="lane" d={plan.lane} />}
        {plan.boxes.map((box, index) => (
          <g key={index} {...takes(cursor, { step: index })}>
            <StepBox box={box} />
          </g>
        ))}
        {plan.arrows.map((arrow, index) => (
          <ArrowLine key={index} arrow={arrow} />
        ))}
        {plan.composed.map((wire, index) => (
          <WireLine key={index} wire={wire} />
        ))}
      </>
    ),
    [plan],
  );
  return (
    <Sheet cursor={cursor} plan={plan} label={`${view.steps.map((step) => step.name + others(step)).join(", then ")}. What each loads and stores is in the table below.`}>
      {still}
      <Marks plan={plan} cursor={cursor} />
    </Sheet>
  );
}

/** A box, with the edges of others behind it if it represents several. */
function StepBox({ box: { x, y, width, height, name, lines, more, beside, kind } }: { box: Box }) {
  return (
    <g>
      {more > 0 &&
        [10, 5].map((by) => <rect key={by} class="card" x={x + by} y={y + by} width={width} height={height} rx={5} />)}
      <rect class={`card ${kind}`} x={x} y={y} width={width} height={height} rx={5} />
      <text x={x + 10} y={y + 20} font-size={NAME} font-weight={700}>
        {name}
      </text>
      <g class="sans soft" font-size={DETAIL}>
        {lines.map((line, index) => (
          <text key={index} x={x + 10} y={y + 37 + index * 15}>
            {line}
          </text>
        ))}
      </g>
      {more > 0 && beside && (
        <text class="sans" x={x + width - moreWidth(more) - 8} y={y + 19} font-size={11} font-weight={600}>
          {`+${more}`}
        </text>
      )}
    </g>
  );
}

function ArrowLine({ arrow }: { arrow: Arrow }) {
  return (
    <g>
      <path class={arrow.pos ? "wire pos" : "wire"} d={arrow.d} />
      <Tip at={arrow.tip} size={8} />
      {arrow.label.map((line, index) => (
        <text key={index} class="sans arrow-label" x={arrow.at[0]} y={arrow.at[1] + index * 14} font-size={LABEL} font-weight={600} text-anchor={arrow.anchor}>
          {line}
        </text>
      ))}
    </g>
  );
}

/** A wire from a store to a load, over both of their arrows. */
function WireLine({ wire: { d, tip, label, at } }: { wire: Composed }) {
  return (
    <g>
      <path class="wire composed" d={d} />
      <g class="composed">
        <Tip at={tip} size={9} />
      </g>
      {at && (
        <text class="sans composed-label" x={at[0]} y={at[1]} font-size={LABEL} font-weight={600}>
          {label}
        </text>
      )}
    </g>
  );
}

function Marks({ plan, cursor }: { plan: Drawing; cursor: Cursor<Point> }) {
  return (
    <g class="marks">
      {[cursor.pinned.value, cursor.active.value].map((point, index) => {
        const box = point && plan.boxes[point.step];
        return box && <rect key={index} class={index === 0 ? "pin" : "ring"} x={box.x - 3} y={box.y - 3} width={box.width + 6} height={box.height + 6} rx={7} />;
      })}
    </g>
  );
}

function Said({ view, step }: { view: Diagram; step: Step | undefined }) {
  if (!step) return null;
  const from = loads(view, step);
  return (
    <>
      <span class="where">
        <b>{step.name}</b>
        {others(step) && <span class="axis">{others(step)}</span>}
      </span>{" "}
      {from && (
        <>
          <span class="axis">loads</span> {from}{" "}
        </>
      )}
      {step.stores !== null && (
        <>
          <span class="axis">stores</span> {step.stores}{" "}
        </>
      )}
      <span class="said">{step.detail}</span>
    </>
  );
}
