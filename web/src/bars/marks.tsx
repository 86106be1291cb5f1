/** The parts of a bar chart: headings, axis, and one row. */
import { free, number } from "../format";
import { fit } from "../measure";
import { fillOf, sizeOf, spanOf, THICK, ticksOf, tiesOf, topOf, upright } from "./geometry";
import { type Chart, column, type Layout, LINE, type Row, ruleLabel, SIZE } from "./layout";

/** The names of the columns, and of the rules, over them. */
export function Head({ view, plan }: { view: Chart; plan: Layout }) {
  return (
    <g>
      {!plan.narrow && (
        <g class="sans soft" font-size={11.5}>
          <text x={0} y={plan.top - 8}>
            {fit(view.columns[0], plan.label, 11.5, "sans")}
          </text>
          {plan.rows.some(({ lines }) => lines.length) && (
            <text x={plan.text} y={plan.top - 8}>
              {fit(view.columns[1], plan.width - plan.text, 11.5, "sans")}
            </text>
          )}
        </g>
      )}
      {(view.rules ?? []).map(({ value, label }, index) => {
        const y = 12 + (plan.levels[index] ?? 0) * LINE;
        const [from, to] = ruleLabel(plan.at(value), label, plan.width);
        return (
          <g key={index}>
            <path class="rule" d={upright(plan, plan.at(value), y + 4)} />
            <text class="rule-label" x={from} y={y}>
              {fit(label, to - from + 1, 11, "sans")}
            </text>
          </g>
        );
      })}
    </g>
  );
}

/** The zero line, the ends of the scale, and the name of the quantity. */
export function Axis({ view, plan }: { view: Chart; plan: Layout }) {
  return (
    <g>
      <path class="base" d={upright(plan, plan.zero, plan.top)} />
      <path class="grid" d={`M${plan.left} ${plan.bottom}H${plan.right}`} />
      {ticksOf(view, plan).map((value) => (
        <g key={value}>
          <path class="base" d={`M${plan.at(value)} ${plan.bottom}v4`} />
          <text class="tick" x={plan.at(value)} y={plan.bottom + 17} text-anchor={value === view.low ? "start" : value === view.high ? "end" : "middle"}>
            {(view.kind === "signed" && value > 0 ? "+" : "") + free(value)}
          </text>
        </g>
      ))}
      <text class="axis-name" x={plan.narrow ? plan.left : (plan.left + plan.right) / 2} y={plan.bottom + 36} text-anchor={plan.narrow ? "start" : "middle"}>
        {fit(view.label, plan.width - (plan.narrow ? 8 : 2 * Math.max(0, plan.width - (plan.left + plan.right) / 2 - plan.width / 2)), 12, "sans")}
      </text>
    </g>
  );
}

/** Thin lines from the end of a bar to the start of the next. */
export function Ties({ plan }: { plan: Layout }) {
  return <path class="base ties" d={tiesOf(plan)} />;
}

/** One bar with its label, its number and its text. */
export function BarRow({ view, plan, row, hatch }: { view: Chart; plan: Layout; row: Row; hatch: string }) {
  const first = plan.narrow ? row.top + 15 : row.top + row.height / 2;
  const text = plan.narrow ? row.top + 50 : first - ((row.lines.length - 1) * LINE) / 2;
  const baseline = plan.narrow ? "auto" : "central";
  const weight = row.strong ? 700 : 400;
  return (
    <g>
      {row.total && <path class="base" d={`M0 ${row.top - 4}H${plan.width}`} />}
      <text x={plan.narrow ? 2 : 0} y={first} font-size={SIZE} font-weight={weight} dominant-baseline={baseline}>
        {fit(row.label, plan.label, SIZE, "mono", String(weight))}
      </text>
      <Bar view={view} plan={plan} row={row} y={topOf(plan, row)} hatch={hatch} />
      <text x={plan.value - (plan.narrow ? 2 : 0)} y={first} font-size={SIZE} font-weight={weight} text-anchor="end" dominant-baseline={baseline}>
        {column(view)(row.value)}
      </text>
      <g class="sans soft" font-size={SIZE}>
        {row.lines.map((line, index) => (
          <text key={index} x={plan.narrow ? 2 : plan.text} y={text + index * LINE} dominant-baseline={baseline}>
            {line}
          </text>
        ))}
      </g>
    </g>
  );
}

/** The bar itself: hatched where there is no value, a cross for NaN, an arrow head where it runs off the scale. */
function Bar({ view, plan, row, y, hatch }: { view: Chart; plan: Layout; row: Row; y: number; hatch: string }) {
  const middle = y + THICK / 2;
  if (row.value === null) return <rect x={plan.left} y={y} width={plan.right - plan.left} height={THICK} fill={`url(#${hatch})`} />;
  const { from, to, off } = spanOf(view, plan, row);
  if (row.value === "nan") return <path class="odd" d={`M${from - 4} ${middle - 4}l8 8m0 -8l-8 8`} />;
  return (
    <g>
      <rect class={row.strong ? "bar strong" : "bar"} x={Math.min(from, to)} y={y} width={Math.max(1, Math.abs(to - from))} height={THICK} fill={fillOf(view, sizeOf(row.value))} />
      {off !== 0 && (
        <path class="odd filled" d={`M${to + off * 7} ${middle}l${-off * 8} -6v12z`}>
          <title>{`off the scale, which ends at ${number(off > 0 ? view.high : view.low, view.digits)}`}</title>
        </path>
      )}
    </g>
  );
}
