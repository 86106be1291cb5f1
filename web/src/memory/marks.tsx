/** The parts of the array: its headings and its rows. */
import { beyond, colourAt, inkOn, ODD, position } from "../colour";
import { short } from "../format";
import { Odd } from "../heatmap/cells";
import { corner } from "../heatmap/glyph";
import { Hatch } from "../heatmap/panel";
import { fit } from "../measure";
import type { Memory } from "../model";
import { type Layout, SIZE, strength } from "./layout";

/** Headings of the parts of a row, and of the columns. */
export function Heads({ view, plan, hatch }: { view: Memory; plan: Layout; hatch: string }) {
  const foot = plan.top - 7;
  return (
    <g>
      <Hatch id={hatch} step={6} />
      <g class="sans" font-size={11.5}>
        <text x={plan.label} y={foot} text-anchor="end">
          {fit(view.rows.name, plan.label, 11.5, "sans")}
        </text>
        <text x={plan.bar.left} y={foot}>
          {fit(view.weights.label, plan.left - plan.bar.left - 4, 11.5, "sans")}
        </text>
        <text x={plan.left} y={12}>{`${view.columns.name} \u2192`}</text>
      </g>
      <g class="soft" font-size={SIZE}>
        {view.columns.labels.map((label, column) => {
          if (column % plan.stride) return null;
          const x = plan.left + (column + 0.5) * plan.cell;
          const text = fit(label, 120, SIZE);
          return plan.slanted ? (
            <text key={column} transform={`translate(${x + 2} ${foot}) rotate(-52)`}>
              {text}
            </text>
          ) : (
            <text key={column} x={x} y={foot} text-anchor="middle">
              {text}
            </text>
          );
        })}
      </g>
    </g>
  );
}

/** One row: its label, its weight as a bar and a number, and its cells, paler for smaller weights. */
export function Row({ view, plan, row, hatch }: { view: Memory; plan: Layout; row: number; hatch: string }) {
  const weight = view.weights.values[row] ?? null;
  const top = plan.top + row * plan.row;
  const middle = top + plan.row / 2;
  const full = { y: top + 1, height: plan.row - 2 };
  const size = typeof weight === "number" ? Math.min(1, Math.max(0, weight)) : 0;
  const cells = view.values[row] ?? [];
  const heavy = typeof weight === "number" && weight >= 0.1;
  return (
    <g>
      <text x={plan.label} y={middle} font-size={SIZE} font-weight={heavy ? 700 : 400} text-anchor="end" dominant-baseline="central">
        {plan.labels[row]}
      </text>
      <path class="grid" d={`M${plan.bar.left} ${top + 2}v${plan.row - 4}`} />
      {weight === null ? (
        <rect x={plan.bar.left} y={middle - 6} width={plan.bar.width} height={12} fill={`url(#${hatch})`} />
      ) : (
        size > 0.003 && <rect class="bar" x={plan.bar.left} y={middle - 6} width={plan.bar.width * size} height={12} fill="var(--s0)" />
      )}
      <text x={plan.printed} y={middle} font-size={SIZE} font-weight={heavy ? 700 : 400} text-anchor="end" dominant-baseline="central">
        {typeof weight === "number" ? short(weight, 2, false) : weight === null ? "" : weight === "nan" ? "NaN" : weight.replace("inf", "\u221e")}
      </text>
      {weight === null ? (
        <rect x={plan.left} {...full} width={cells.length * plan.cell} fill={`url(#${hatch})`} />
      ) : (
        <g shape-rendering="crispEdges">
          {cells.map((cell, column) => (
            <rect
              key={column}
              x={plan.left + column * plan.cell}
              {...full}
              width={plan.cell}
              fill={cell === null ? `url(#${hatch})` : typeof cell === "number" ? faded(view, row, cell) : ODD}
            />
          ))}
        </g>
      )}
      {weight !== null && <Glyphs view={view} plan={plan} row={row} top={top} />}
      <rect class="frame" x={plan.left} {...full} width={cells.length * plan.cell} />
    </g>
  );
}

/** The colour of a value, closer to that of zero for smaller weights of its row. */
function faded(view: Memory, row: number, value: number): string {
  const zero = view.scale.kind === "diverging" ? 0.5 : 0;
  return colourAt(view.scale.kind, zero + (position(view.scale, value) - zero) * strength(view, row));
}

/** Marks that colour cannot express: not a number, infinite, beyond the scale. */
function Glyphs({ view, plan, row, top }: { view: Memory; plan: Layout; row: number; top: number }) {
  const size = Math.min(plan.cell, plan.row - 2);
  return (
    <g>
      {view.values[row]?.map((cell, column) => {
        const x = plan.left + column * plan.cell;
        if (cell === null) return null;
        if (typeof cell !== "number") return <Odd key={column} cell={cell} x={x + plan.cell / 2} y={top + plan.row / 2} size={size} />;
        const off = beyond(view.scale, cell);
        return off === 0 ? null : <path key={column} d={corner(off, x + plan.cell - size, top + 1, size)} fill={inkOn(faded(view, row, cell))} />;
      })}
    </g>
  );
}
