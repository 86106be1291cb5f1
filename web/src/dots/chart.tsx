/** The sheet of a dot plot. */
import { scaleLinear } from "d3-scale";
import { useMemo } from "preact/hooks";
import type { Cursor } from "../cursor";
import { bare } from "../format";
import type { Cell, Dot, Dots } from "../model";
import { Sheet, takes } from "../sheet";
import { LABEL, type Layout, layout, middleOf, NAME_LINE } from "./layout";

interface Props {
  view: Dots;
  cursor: Cursor<{ row: number }>;
  width: number;
}

/** All rows of `view`, with the marks of the cursor. */
export function Chart({ view, cursor, width }: Props) {
  const plan = useMemo(() => layout(view, width), [view, width]);
  return (
    <Sheet cursor={cursor} plan={plan} kind="chart wide" label={`${view.rows.length} dots: ${view.label}. The numbers are in the table below.`}>
      <Axis view={view} plan={plan} />
      {view.rows.map((row, index) => (
        <g key={index} {...takes(cursor, { row: index })}>
          <rect x={0} y={plan.top + plan.pitch * index} width={plan.width} height={plan.pitch} fill="none" pointer-events="all" />
          <Row row={row} plan={plan} y={middleOf(plan, index)} />
        </g>
      ))}
      <g class="marks">
        {[cursor.pinned.value, cursor.active.value].map(
          (at, index) => at && <rect key={index} class={index === 0 ? "pin" : "ring thin"} x={1} y={plan.top + plan.pitch * at.row + 1} width={plan.width - 2} height={plan.pitch - 2} rx={3} />,
        )}
      </g>
    </Sheet>
  );
}

/** The target number of round ticks on an axis; there are at least two. */
function ticksOf(scale: { ticks: (count: number) => number[] }, about: number): number[] {
  const counts = [Math.max(2, Math.floor(about)), 3, 4, 5];
  const all = counts.map((count) => scale.ticks(count));
  return all.find(({ length }) => length > 1) ?? all[0] ?? [];
}

function Axis({ view, plan }: { view: Dots; plan: Layout }) {
  const scale = scaleLinear().domain([view.low, view.high]);
  const ticks = ticksOf(scale, (plan.end - plan.left) / 90);
  return (
    <>
      {ticks.map((value, index) => (
        <g key={index}>
          <path class="grid" d={`M${plan.at(value)} ${plan.top}V${plan.bottom}`} />
          <text class="tick" x={plan.at(value)} y={plan.bottom + 15} text-anchor="middle">
            {value === 0 ? "0" : bare(scale.tickFormat(ticks.length)(value).replace("-", "\u2212"))}
          </text>
        </g>
      ))}
      {plan.name.map((line, index) => (
        <text key={index} class="axis-name" x={(plan.left + plan.end) / 2} y={plan.bottom + 34 + NAME_LINE * index} text-anchor="middle">
          {line}
        </text>
      ))}
      {view.rules.map(([value, label], index) => (
        <g key={index}>
          <path class="rule" d={`M${plan.at(value)} ${plan.top - 4}V${plan.bottom}`} />
          <text class="rule-label" x={plan.at(value)} y={plan.top - 9} text-anchor={plan.at(value) > plan.width / 2 ? "end" : "start"}>
            {label}
          </text>
        </g>
      ))}
    </>
  );
}

function Row({ row, plan, y }: { row: Dot; plan: Layout; y: number }) {
  const x = place(plan, row.value);
  const [from, to] = (row.interval ?? []).map((end) => place(plan, end));
  const lines = row.others.flatMap((value) => {
    const at = place(plan, value);
    return at === null ? [] : [`M${at} ${y - 6}v12`];
  });
  return (
    <>
      <text class="sans dot-label" x={plan.narrow ? 2 : plan.left - 10} y={plan.narrow ? y - 12 : y + 4} text-anchor={plan.narrow ? "start" : "end"} font-size={LABEL} font-weight={row.strong ? 600 : 400}>
        {row.label}
      </text>
      <path class="dot-others" d={lines.join("")} />
      {from !== undefined && to !== undefined && from !== null && to !== null && <path class="dot-interval" d={`M${from} ${y}H${to}`} />}
      {x !== null && <circle class={row.strong ? "dot strong" : "dot"} cx={x} cy={y} r={row.strong ? 5.5 : 4.5} />}
      <text x={plan.width - 2} y={y + 4} text-anchor="end" font-size={LABEL} font-weight={row.strong ? 600 : 400}>
        {plan.said(row.value)}
      </text>
    </>
  );
}

/** The position of a number; null for NaN. */
function place(plan: Layout, value: Cell | undefined): number | null {
  return typeof value === "number" ? plan.at(value) : null;
}
