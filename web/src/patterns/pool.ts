/** Pools a long pattern: a pixel is the largest of the weights that it covers. */
import type { Bytes } from "./unpack";

/** Sides longer than this are pooled. */
const LONG = 192;

/** The number of tokens per pixel of a thumbnail. */
export function pooled(size: number): number {
  return Math.ceil(size / LONG);
}

/** Rows and columns of the thumbnail of `size` tokens, without the first `skip` columns. */
export function shapeOf(size: number, skip: number): [number, number] {
  const box = pooled(size);
  return [Math.ceil(size / box), Math.ceil((size - skip) / box)];
}

/** The largest byte of every pixel of one head, row by row; −1 if all its weights are masked. */
export function greatest(bytes: Bytes, head: number, skip: number): Int16Array {
  const box = pooled(bytes.size);
  const [rows, columns] = shapeOf(bytes.size, skip);
  const most = new Int16Array(rows * columns).fill(-1);
  for (let query = 0; query < bytes.size; query++) {
    const weights = bytes.row(head, query);
    const line = Math.floor(query / box) * columns;
    for (let key = skip, spot = line, left = box; key < weights.length; key++) {
      most[spot] = Math.max(most[spot] as number, weights[key] as number);
      if (--left === 0) [spot, left] = [spot + 1, box];
    }
  }
  return most;
}
