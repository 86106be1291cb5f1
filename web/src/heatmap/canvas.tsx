/** The body of a panel as pixels: for panels of thousands of cells, and for thumbnails. */
import { useLayoutEffect, useRef } from "preact/hooks";
import { beyond, colourOf, inkOn, ODD, pixelOf } from "../colour";
import type { Cell, Heatmap, Panel } from "../model";
import { drawCells, useTheme } from "../theme";
import { corner } from "./glyph";
import { type Layout, SIGNED } from "./layout";
import { pixelsOf } from "./pixelled";
import { signedSpots, spotOf } from "./strong";

/** The cells of `panel` on a canvas that fills the picture. */
export function CanvasCells({ view, panel, layout, label }: { view: Heatmap; panel: Panel; layout: Layout; label: string }) {
  const ref = useRef<HTMLCanvasElement>(null);
  const theme = useTheme();
  const scale = pixelsOf(view, layout) / layout.cell;
  useLayoutEffect(() => {
    const pen = ref.current?.getContext("2d");
    if (!pen) return;
    pen.setTransform(scale, 0, 0, scale, 0, 0);
    pen.clearRect(0, 0, layout.width, layout.height);
    paint(pen, view, panel, layout, scale);
  }, [view, panel, layout, theme]);
  return <canvas ref={ref} class="cells" role="img" aria-label={label} width={Math.round(layout.width * scale)} height={Math.round(layout.height * scale)} />;
}

function paint(pen: CanvasRenderingContext2D, view: Heatmap, panel: Panel, layout: Layout, scale: number): void {
  const { cell: size, left, top } = layout;
  const columns = view.columns.labels.length;
  const colours = new Uint32Array(view.rows.labels.length * columns);
  for (const [row, cells] of panel.values.entries()) {
    for (const [column, cell] of cells.entries()) {
      if (cell !== null) colours[row * columns + column] = pixelOf(typeof cell === "number" ? colourOf(view.scale, cell) : ODD);
    }
  }
  drawCells(pen, colours, columns, size * scale, left * scale, top * scale);
  const signed = signedSpots(view, panel);
  for (const [row, cells] of panel.values.entries()) {
    for (const [column, cell] of cells.entries()) mark(pen, view, cell, panel.marks?.[row]?.[column], signed.has(spotOf(row, column, columns)), left + column * size, top + row * size, layout);
  }
}

/** Marks that colour cannot express: a given mark, a sign, a cross, an infinity, a corner for off-scale values. */
function mark(pen: CanvasRenderingContext2D, view: Heatmap, cell: Cell, given: string | undefined, signed: boolean, x: number, y: number, { cell: size, bare }: Layout): void {
  if (cell === null) return;
  if (typeof cell !== "number") {
    const text = { nan: "\u00d7", inf: "\u221e", "-inf": "\u2212\u221e" }[cell];
    Object.assign(pen, { fillStyle: "#000", font: `${Math.min(10, size * 0.85)}px monospace`, textAlign: "center", textBaseline: "middle" });
    pen.fillText(text, x + size / 2, y + size / 2);
    return;
  }
  if (given && !bare && size >= SIGNED) {
    Object.assign(pen, { fillStyle: inkOn(colourOf(view.scale, cell)), font: `${Math.min(12, size * 0.8)}px monospace`, textAlign: "center", textBaseline: "middle" });
    pen.fillText(given, x + size / 2, y + size / 2);
    return;
  }
  const off = beyond(view.scale, cell);
  const signs = signed && !bare && size >= SIGNED && cell !== 0;
  if (off === 0 && !signs) return;
  pen.fillStyle = inkOn(colourOf(view.scale, cell));
  if (off !== 0) pen.fill(new Path2D(corner(off, x, y, size)));
  if (!signs) return;
  const [arm, thick] = [Math.min(3, Math.round(size * 0.44) / 2), 1];
  pen.fillRect(x + size / 2 - arm, y + (size - thick) / 2, 2 * arm, thick);
  if (cell > 0) pen.fillRect(x + (size - thick) / 2, y + size / 2 - arm, thick, 2 * arm);
}
