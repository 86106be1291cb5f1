/** The colours that a canvas cannot read from the style sheet itself. */
import { useEffect, useState } from "preact/hooks";
import { pixelOf } from "./colour";
import { squares } from "./squares";

const QUERIES = ["(prefers-color-scheme: dark)", "(forced-colors: active)", "print"];

/** A number that changes with the colours of the page, so that canvases are redrawn. */
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

/** The current background and line colours of the hatching, as pixels. */
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
  const pixels = squares(cells, columns, size, ground, line);
  if (!pixels.length) return;
  pen.putImageData(new ImageData(new Uint8ClampedArray(pixels.buffer), columns * size), left, top);
}
