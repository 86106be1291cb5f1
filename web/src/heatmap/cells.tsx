/** The coloured body of a panel: one path per colour, and a glyph where colour is not enough. */
import { beyond, colourOf, inkOn, ODD } from "../colour";
import type { Cell, Heatmap, Panel } from "../model";
import { widthOf } from "../text";
import { corner, printed } from "./glyph";
import type { Layout } from "./layout";
import { signedSpots, spotOf } from "./strong";

/** The cells of `panel`, with `hatch` the id of its pattern for the impossible. */
export function Cells({ view, panel, layout, hatch }: { view: Heatmap; panel: Panel; layout: Layout; hatch: string }) {
  const paths = new Map<string, string>();
  const glyphs = [];
  const signed = signedSpots(view, panel);
  for (const [row, cells] of panel.values.entries()) {
    for (const [column, cell] of cells.entries()) {
      const x = layout.left + column * layout.cell;
      const y = layout.top + row * layout.cell;
      const fill = paint(view, cell, hatch);
      paths.set(fill, `${paths.get(fill) ?? ""}M${x} ${y}h${layout.cell}v${layout.cell}h${-layout.cell}z`);
      const given = panel.marks?.[row]?.[column];
      const drawn = glyph(view, cell, given, signed.has(spotOf(row, column, view.columns.labels.length)), layout, x, y);
      if (drawn) glyphs.push(drawn);
    }
  }
  return (
    <g>
      <g shape-rendering="crispEdges">
        {[...paths].map(([fill, path]) => (
          <path key={fill} d={path} fill={fill} />
        ))}
      </g>
      <g class="glyphs">{glyphs}</g>
    </g>
  );
}

function paint(view: Heatmap, cell: Cell, hatch: string): string {
  if (cell === null) return `url(#${hatch})`;
  return typeof cell === "number" ? colourOf(view.scale, cell) : ODD;
}

function glyph(view: Heatmap, cell: Cell, given: string | undefined, signed: boolean, layout: Layout, x: number, y: number) {
  const size = layout.cell;
  const middle = { x: x + size / 2, y: y + size / 2 };
  if (cell === null) return null;
  if (typeof cell !== "number") return <Odd cell={cell} {...middle} size={size} />;
  const ink = inkOn(colourOf(view.scale, cell));
  const clipped = beyond(view.scale, cell);
  const text = layout.bare ? "" : (given ?? printed(view, cell, size, signed));
  return (
    <>
      {text && (
        <text x={middle.x} y={middle.y} fill={ink} font-size={given === undefined ? Math.min(10, size * 0.62, (size - 2) / widthOf(text, 1)) : Math.min(12, size * 0.8)} class={given === undefined ? "value" : "value mark"}>
          {text}
        </text>
      )}
      {clipped !== 0 && <path d={corner(clipped, x, y, size)} fill={ink} />}
    </>
  );
}

/** Glyphs for non-numbers: a cross for NaN, the sign itself for an infinity. */
export function Odd({ cell, x, y, size }: { cell: "nan" | "inf" | "-inf"; x: number; y: number; size: number }) {
  const arm = size * 0.22;
  if (cell === "nan") {
    return <path d={`M${x - arm} ${y - arm}l${2 * arm} ${2 * arm}m0 ${-2 * arm}l${-2 * arm} ${2 * arm}`} stroke="#000" stroke-width={size * 0.08} fill="none" />;
  }
  return (
    <text x={x} y={y} fill="#000" font-size={size * (cell === "inf" ? 0.8 : 0.55)} class="value">
      {cell === "inf" ? "\u221e" : "\u2212\u221e"}
    </text>
  );
}
