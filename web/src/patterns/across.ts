/** How many thumbnails stand in a row. */

/** Thumbnails narrower than this are too small to see, and break the names below them. */
const NARROWEST = 68;
const USUAL = 84;

/** As many as asked for, or an even part of these, where they can be seen; else as many as are comfortable in `width`. */
export function acrossOf(asked: number | null, count: number, width: number): number {
  return asked ? evenly(asked, Math.max(1, Math.floor(width / NARROWEST))) : evenly(count, Math.max(1, Math.floor(width / USUAL)));
}

/** How many of `count` stand in a row, at most `most`, so that no row is much shorter than the others. */
function evenly(count: number, most: number): number {
  return Math.max(1, Math.ceil(count / Math.ceil(count / most)));
}
