/** The cursor's marks over a panel: the row and the column, the cell, the pin. */
import type { Cursor } from "../cursor";
import type { Heatmap } from "../model";
import { clip } from "../text";
import { LABEL, type Layout, SLANT } from "./layout";
import type { Point } from "./point";

interface Props {
  view: Heatmap;
  index: number;
  layout: Layout;
  cursor: Cursor<Point>;
}

/** The marks of panel `index`; only this redraws when the cursor moves. */
export function Marks({ view, index, layout, cursor }: Props) {
  const active = cursor.active.value;
  const pinned = cursor.pinned.value;
  return (
    <g class="marks">
      {pinned?.panel === index && <Ring point={pinned} layout={layout} kind="pin" />}
      {active && active.panel !== index && <Ring point={active} layout={layout} kind="echo" />}
      {active?.panel === index && (
        <>
          <Bands view={view} point={active} layout={layout} />
          <Ring point={active} layout={layout} kind="ring" />
        </>
      )}
    </g>
  );
}

function Ring({ point, layout, kind }: { point: Point; layout: Layout; kind: string }) {
  const { cell } = layout;
  const box = { x: layout.left + point.column * cell, y: layout.top + point.row * cell, width: cell, height: cell };
  return (
    <g fill="none">
      <rect {...box} class={kind === "echo" ? "shade" : "halo"} />
      <rect {...box} class={kind} />
    </g>
  );
}

function Bands({ view, point, layout }: { view: Heatmap; point: Point; layout: Layout }) {
  const { cell, left, top } = layout;
  const x = left + point.column * cell;
  const y = top + point.row * cell;
  const right = left + view.columns.labels.length * cell;
  const bottom = top + view.rows.labels.length * cell;
  return (
    <>
      <path class="band" d={`M${left} ${y}H${right}M${left} ${y + cell}H${right}M${x} ${top}V${bottom}M${x + cell} ${top}V${bottom}`} />
      {!layout.bare && (
        <g class="labels lit" font-size={LABEL}>
          <text x={left - 6} y={y + cell / 2} text-anchor="end" dominant-baseline="central">
            {clip(view.rows.labels[point.row] ?? "")}
          </text>
          {layout.slanted ? (
            <text transform={`translate(${x + cell / 2 + 2} ${top - 6}) rotate(${-SLANT})`}>{clip(view.columns.labels[point.column] ?? "")}</text>
          ) : (
            <text x={x + cell / 2} y={top - 7} text-anchor="middle">
              {clip(view.columns.labels[point.column] ?? "")}
            </text>
          )}
        </g>
      )}
    </>
  );
}
