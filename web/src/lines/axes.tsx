/** Axes, grid and reference rules of a line plot. */
import { free } from "../format";
import type { Lines } from "../model";
import { widthOf } from "../text";
import { type Geometry, LABEL, ruleLevels, ticks, whole } from "./geometry";
import { ruleSpot } from "./spot";

/** Both axes with their labels. */
export function Axes({ view, plot }: { view: Lines; plot: Geometry }) {
  const across = whole(view, ticks(plot.x, view.x, Math.max(3, Math.floor((plot.right - plot.left) / 90))));
  const up = ticks(plot.y, view.y, 6);
  return (
    <g class="axes">
      {up.map((value) => (
        <g key={value}>
          <path class="grid" d={`M${plot.left} ${plot.y(value)}H${plot.right}`} />
          <text class="tick" x={plot.left - 8} y={plot.y(value)} text-anchor="end" dominant-baseline="central">
            {free(value)}
          </text>
        </g>
      ))}
      {across.map((value) => (
        <g key={value}>
          <path class="base" d={`M${plot.x(value)} ${plot.bottom}v5`} />
          <text class="tick" x={plot.x(value)} y={plot.bottom + 18} text-anchor="middle">
            {free(value)}
          </text>
        </g>
      ))}
      <path class="base" d={`M${plot.left} ${plot.bottom}H${plot.right}`} />
      <text class="axis-name" x={(plot.left + plot.right) / 2} y={plot.bottom + 40} text-anchor="middle">
        {named(view.x)}
      </text>
      <text class="axis-name" transform={`translate(13 ${(plot.top + plot.bottom) / 2}) rotate(-90)`} text-anchor="middle">
        {named(view.y)}
      </text>
    </g>
  );
}

function named({ label, scale }: Lines["x"]): string {
  return scale === "log" ? `${label} (log)` : label;
}

/** Reference lines with their labels: chance, thresholds, ranks. */
export function Rules({ view, plot }: { view: Lines; plot: Geometry }) {
  const levels = ruleLevels(view, plot.width);
  return (
    <g class="rules">
      {(view.rules ?? []).map(({ axis, value, label }, index) => {
        if (axis === "y") {
          const [left, base] = plot.direct ? ruleSpot(view, plot, value, label) : [plot.right + 6, plot.y(value) + 4]; // beside the plot, where no curve runs
          return (
            <g key={index}>
              <path class="rule" d={`M${plot.left} ${plot.y(value)}H${plot.right}`} />
              <text class="rule-label" x={left} y={base}>
                {label}
              </text>
            </g>
          );
        }
        const x = plot.x(value);
        const y = 12 + (levels.get(index) ?? 0) * 15;
        const flip = x + widthOf(label, LABEL) + 8 > plot.width;
        return (
          <g key={index}>
            <path class="rule" d={`M${x} ${y - 8}V${plot.bottom}`} />
            <text class="rule-label" x={x + (flip ? -5 : 5)} y={y} text-anchor={flip ? "end" : "start"}>
              {label}
            </text>
          </g>
        );
      })}
    </g>
  );
}
