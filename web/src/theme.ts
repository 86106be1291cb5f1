/** The colours that a canvas cannot take from the style sheet by itself. */
import { useEffect, useState } from "preact/hooks";
import { pixelOf } from "./colour";

/** Distance of the hatching's lines, in pixels. */
const STEP = 7;
const QUERIES = ["(prefers-color-scheme: dark)", "(forced-colors: active)", "print"];

/** A number that changes when the colours of the page do, so that canvases are drawn again. */
export function useTheme(): number {
  const [turn, setTurn] = useState(0);
  useEffect(() => {
    const lists = QUERIES.map((query) => matchMedia(query));
    const next = () => setTurn((last) => last + 1);
    for (const list of lists) list.addEventListener("change", next);
    return () => {
      for (const list of lists) list.removeEventListener("change", next);
    };
  }, []);
  return turn;
}

const hatches = new Map<string, [number, number]>();

/** Ground and line of the hatching as they are now, as pixels. */
function hatch(pen: CanvasRenderingContext2D): [number, number] {
  const now = QUERIES.map((query) => matchMedia(query).matches).join();
  const known = hatches.get(now);
  if (known) return known;
  const style = getComputedStyle(document.documentElement);
  const pixel = (name: string) => {
    pen.fillStyle = style.getPropertyValue(name).trim();
    return pixelOf(String(pen.fillStyle));
  };
  const made: [number, number] = [pixel("--hatch-ground"), pixel("--hatch-line")];
  hatches.set(now, made);
  return made;
}

/** Draw `cells`, `columns` a line, as squares of `size` pixels from a corner on; hatched where a cell is 0. */
export function drawCells(pen: CanvasRenderingContext2D, cells: Uint32Array, columns: number, size: number, left: number, top: number): void {
  const [ground, line] = hatch(pen);
  const width = columns * size;
  const height = (cells.length / columns) * size;
  if (!(width * height > 0)) return;
  const image = new ImageData(width, height);
  const pixels = new Uint32Array(image.data.buffer);
  const stripes = Uint32Array.from({ length: width + STEP }, (_, x) => (x % STEP < 2 ? line : ground));
  for (let y = 0; y < height; y++) {
    const [from, row] = [y * width, Math.floor(y / size) * columns];
    if (y % size) pixels.copyWithin(from, from - width, from);
    for (let column = 0; column < columns; ) {
      const cell = cells[row + column] as number;
      let end = column + 1;
      while (end < columns && cells[row + end] === cell) end++;
      const [first, last] = [column * size, end * size];
      if (!cell) pixels.set(stripes.subarray((y + first) % STEP, ((y + first) % STEP) + last - first), from + first);
      else if (y % size === 0) pixels.fill(cell, from + first, from + last);
      column = end;
    }
  }
  pen.putImageData(image, left, top);
}
