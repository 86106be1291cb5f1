/** One head's pattern, small: drawn as pixels, so that a hundred of them are cheap. */
import { useLayoutEffect, useRef } from "preact/hooks";
import { colourAt, pixelOf } from "../colour";
import { drawCells } from "../theme";
import { greatest, shapeOf } from "./pool";
import { type Bytes, PART } from "./unpack";

/** Pixels of a thumbnail's side, about. */
const SIDE = 144;

/** The thumbnail of `head`, without the first `skip` columns; `idle`: below the window it waits for an idle browser. */
export function Thumbnail({ bytes, head, skip, theme, label, idle }: { bytes: Bytes; head: number; skip: number; theme: number; label: string; idle: boolean }) {
  const ref = useRef<HTMLCanvasElement>(null);
  const [rows, columns] = shapeOf(bytes.size, skip);
  const times = Math.max(1, Math.round(SIDE / rows));
  useLayoutEffect(() => {
    const canvas = ref.current;
    const pen = canvas?.getContext("2d");
    if (!canvas || !pen || columns < 1) return;
    const now = () => draw(pen, bytes, head, skip, columns, times);
    if (!idle || canvas.getBoundingClientRect().top < innerHeight) return now();
    const later = requestIdleCallback(now, { timeout: 2000 });
    return () => cancelIdleCallback(later);
  }, [bytes, head, skip, theme]);
  return <canvas ref={ref} role="img" aria-label={label} width={Math.max(1, columns) * times} height={rows * times} />;
}

/** The colour of every byte in the current theme; the first, for masked weights, is transparent. */
function palette(): Uint32Array {
  return Uint32Array.from({ length: PART + 2 }, (_, index) => (index ? pixelOf(colourAt("sequential", (index - 1) / PART)) : 0));
}

function draw(pen: CanvasRenderingContext2D, bytes: Bytes, head: number, skip: number, columns: number, times: number): void {
  const most = greatest(bytes, head, skip);
  const pixels = new Uint32Array(most.length);
  const colours = palette();
  for (let spot = 0; spot < most.length; spot++) pixels[spot] = colours[(most[spot] as number) + 1] as number;
  drawCells(pen, pixels, columns, times, 0, 0);
}
