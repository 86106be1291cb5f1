/** How many thumbnails stand in a row. */

/** Thumbnails narrower than this are too small to see. */
const NARROWEST = 56;
const USUAL = 84;

/** As many as asked for where these can be seen, else as many as are comfortable in `width`. */
export function acrossOf(asked: number | null, count: number, width: number): number {
  return asked && width / asked >= NARROWEST ? asked : evenly(count, Math.max(1, Math.floor(width / USUAL)));
}

/** How many of `count` stand in a row, at most `most`, so that no row is much shorter than the others. */
function evenly(count: number, most: number): number {
  return Math.max(1, Math.ceil(count / Math.ceil(count / most)));
}
