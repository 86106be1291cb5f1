/** Cells as the pixels of a picture. */

/** Distance of the hatching's lines, in pixels. */
const STEP = 7;
const THICK = 2;

/** `cells`, `columns` a line, as squares of `size` pixels; where a cell is 0, hatched with `line` on `ground`. */
export function squares(cells: Uint32Array, columns: number, size: number, ground: number, line: number): Uint32Array<ArrayBuffer> {
  const width = columns * size;
  const height = (cells.length / columns) * size;
  if (!(width * height > 0)) return new Uint32Array(0);
  const pixels = new Uint32Array(width * height);
  const stripes = Uint32Array.from({ length: width + STEP }, (_, x) => (x % STEP < THICK ? line : ground));
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
  return pixels;
}
