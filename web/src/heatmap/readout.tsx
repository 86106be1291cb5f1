/** The readout of the item under the cursor, in words and numbers. */
import { beyond } from "../colour";
import type { Cursor } from "../cursor";
import { free, number, say } from "../format";
import type { Cell, Heatmap } from "../model";
import { Readout } from "../readout";
import type { Point } from "./point";

/** Readout of a heatmap: the active cell, and the pinned one beside it. */
export function HeatmapReadout({ view, cursor }: { view: Heatmap; cursor: Cursor<Point> }) {
  const describe = (point: Point) => <Sentence view={view} point={point} />;
  return <Readout cursor={cursor} describe={describe} />;
}

function Sentence({ view, point }: { view: Heatmap; point: Point }) {
  const panel = view.panels[point.panel];
  const cell = panel?.values[point.row]?.[point.column];
  const mark = panel?.marks?.[point.row]?.[point.column];
  const meaning = view.marks?.find(([one]) => one === mark)?.[1];
  const details = Object.entries(panel?.details ?? {});
  return (
    <>
      <span class="where">
        {panel?.title && <b>{panel.title} </b>}
        <span class="axis">{view.rows.name}</span> <code>{view.rows.labels[point.row]}</code>
        {" \u2192 "}
        <span class="axis">{view.columns.name}</span> <code>{view.columns.labels[point.column]}</code>
      </span>{" "}
      <b class="figure-value">{verdict(view, cell)}</b>
      {meaning && <span class="detail"> {meaning}</span>}
      {cell !== null &&
        details.map(([name, values]) => (
          <span key={name} class="detail">
            {" "}
            <span class="axis">{name}</span> {free(values[point.row]?.[point.column])}
          </span>
        ))}
    </>
  );
}

/** The value in words: why it is impossible, that it is off the scale, or the number. */
export function verdict(view: Heatmap, cell: Cell | undefined): string {
  if (cell === null || cell === undefined) return `impossible${view.hatched ? `: ${view.hatched}` : ""}`;
  if (cell === "nan") return "NaN: not a number";
  if (typeof cell !== "number") return `${say(cell, 0)}: infinite`;
  const value = say(cell, view.digits, view.scale.kind === "diverging");
  const off = beyond(view.scale, cell);
  if (off === 0) return value;
  const end = off === 1 ? view.scale.high : view.scale.low;
  return `${value} (off the scale, which ends at ${number(end, view.digits)})`;
}
