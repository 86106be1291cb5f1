/** A long pattern made small: a pixel is the greatest of the weights that it stands for. */
import type { Bytes } from "./unpack";

/** Sides longer than this are pooled. */
const LONG = 192;

/** How many tokens stand for one pixel of a thumbnail. */
export function pooled(size: number): number {
  return Math.ceil(size / LONG);
}

/** Rows and columns of the thumbnail of `size` tokens, without the first `skip` columns. */
export function shapeOf(size: number, skip: number): [number, number] {
  const box = pooled(size);
  return [Math.ceil(size / box), Math.ceil((size - skip) / box)];
}

/** The greatest byte of every pixel of one head, row by row; −1 where none of its weights can be. */
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
