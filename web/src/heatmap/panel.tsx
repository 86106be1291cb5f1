/** One panel: cells, labels, outlines, and the marks of the cursor above them. */
import { useId, useMemo } from "preact/hooks";
import { type Cursor, togglePin } from "../cursor";
import type { Heatmap } from "../model";
import { pointed } from "../pointer";
import { clip } from "../text";
import { CanvasCells } from "./canvas";
import { Cells } from "./cells";
import { type Under, under } from "./hit";
import { LABEL, type Layout, SLANT } from "./layout";
import { Marks } from "./marks";
import { pixelled } from "./pixelled";
import type { Point } from "./point";
import { drawnOutlines } from "./strong";

/** The clicked item: a cell, or the label of a row or column. */
export interface Hit extends Under {
  panel: number;
}

export interface Picked {
  /** What a click does; without it, a click pins. */
  pick?: ((hit: Hit) => void) | undefined;
  /** Whether rows and columns open at a click on their labels. */
  openable?: [boolean, boolean] | undefined;
}

interface Props extends Picked {
  view: Heatmap;
  index: number;
  layout: Layout;
  cursor: Cursor<Point>;
}

/** The panel number `index` of `view` as an SVG picture that follows the pointer. */
export function PanelPicture({ view, index, layout, cursor, pick, openable }: Props) {
  const panel = view.panels[index];
  const hatch = `hatch-${useId()}`;
  const fast = pixelled(view, layout);
  const still = useMemo(
    () =>
      panel && (
        <>
          <Hatch id={hatch} step={layout.bare ? 7 : 6} />
          {!fast && <Cells view={view} panel={panel} layout={layout} hatch={hatch} />}
          <Outlines cells={drawnOutlines(panel)} layout={layout} />
          <Frame view={view} layout={layout} />
          {!layout.bare && <Labels view={view} layout={layout} openable={openable} />}
        </>
      ),
    [panel, layout],
  );
  if (!panel) return null;
  const hit = (event: MouseEvent) => under(...pointed(event, layout.width), layout, view.rows.labels.length, view.columns.labels.length);
  const follow = (event: PointerEvent) => {
    const { row, column } = hit(event);
    cursor.active.value = row === null || column === null ? null : { panel: index, row, column };
  };
  const size = layout.bare ? {} : { width: layout.width, height: layout.height };
  const label = `${panel.title}: ${view.rows.name} by ${view.columns.name}, ${view.scale.label}. The numbers are in the table below.`;
  const drawing = (
    <svg
      class={openable?.some(Boolean) ? "heatmap openable" : "heatmap"}
      viewBox={`0 0 ${layout.width} ${layout.height}`}
      {...size}
      {...(fast ? { "aria-hidden": true } : { role: "img", "aria-label": label })}
      onPointerMove={follow}
      onPointerDown={follow}
      onPointerLeave={() => (cursor.active.value = null)}
      onClick={(event) => {
        const { row, column } = hit(event);
        if (!pick) togglePin(cursor);
        else if (row !== null || column !== null) pick({ panel: index, row, column });
      }}
    >
      {still}
      <Marks view={view} index={index} layout={layout} cursor={cursor} />
    </svg>
  );
  if (!fast) return drawing;
  return (
    <div class={layout.bare ? "stack bare" : "stack"} style={layout.bare ? {} : { width: `${layout.width}px` }}>
      <CanvasCells view={view} panel={panel} layout={layout} label={label} />
      {drawing}
    </div>
  );
}

/** The hatching of impossible cells. */
export function Hatch({ id, step }: { id: string; step: number }) {
  return (
    <defs>
      <pattern id={id} width={step} height={step} patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
        <rect width={step} height={step} class="hatch-ground" />
        <path d={`M0 0v${step}`} class="hatch-line" />
      </pattern>
    </defs>
  );
}

function Outlines({ cells, layout }: { cells: [number, number][]; layout: Layout }) {
  return (
    <g fill="none">
      {cells.map(([row, column]) => (
        <Outline key={`${row},${column}`} x={layout.left + column * layout.cell} y={layout.top + row * layout.cell} size={layout.cell} />
      ))}
    </g>
  );
}

/** A dark line within a light one, visible on every colour of both scales. */
export function Outline({ x, y, size }: { x: number; y: number; size: number }) {
  const box = { x: x + 1.5, y: y + 1.5, width: size - 3, height: size - 3, fill: "none" };
  return (
    <>
      <rect {...box} stroke="#fff" stroke-width={3} />
      <rect {...box} stroke="#000" stroke-width={1.25} />
    </>
  );
}

function Frame({ view, layout }: { view: Heatmap; layout: Layout }) {
  const width = view.columns.labels.length * layout.cell;
  const height = view.rows.labels.length * layout.cell;
  return <rect class="frame" x={layout.left} y={layout.top} width={width} height={height} />;
}

function Labels({ view, layout, openable }: { view: Heatmap; layout: Layout } & Pick<Picked, "openable">) {
  const { cell, left, top, slanted, every } = layout;
  return (
    <g class="labels" font-size={LABEL}>
      <g class="axis-names" text-anchor="end">
        <text x={left - 6} y={top - 8 - LABEL - 3}>{`${view.columns.name} \u2192`}</text>
        <text x={left - 6} y={top - 8}>{`${view.rows.name} \u2193`}</text>
      </g>
      <g class={openable?.[0] ? "opens" : undefined}>
        {view.rows.labels.map((label, row) => row % every[0] === 0 && (
          <text key={row} x={left - 6} y={top + (row + 0.5) * cell} text-anchor="end" dominant-baseline="central">
            {clip(label)}
          </text>
        ))}
      </g>
      <g class={openable?.[1] ? "opens" : undefined}>
        {view.columns.labels.map((label, column) => {
          if (column % every[1]) return null;
          const x = left + (column + 0.5) * cell;
          return slanted ? (
            <text key={column} transform={`translate(${x + 2} ${top - 6}) rotate(${-SLANT})`}>
              {clip(label)}
            </text>
          ) : (
            <text key={column} x={x} y={top - 7} text-anchor="middle">
              {clip(label)}
            </text>
          );
        })}
      </g>
    </g>
  );
}
