/** The number of thumbnails in a row. */

/** Thumbnails narrower than this are too small to see, and break the names below them. */
const NARROWEST = 68;
const USUAL = 84;

/** The requested number, or a divisor of it, if the thumbnails are large enough; else as many as fit in `width`. */
export function acrossOf(asked: number | null, count: number, width: number): number {
  return asked ? evenly(asked, Math.max(1, Math.floor(width / NARROWEST))) : evenly(count, Math.max(1, Math.floor(width / USUAL)));
}

/** The number of `count` items per row, at most `most`, so that no row is much shorter than the others. */
function evenly(count: number, most: number): number {
  return Math.max(1, Math.ceil(count / Math.ceil(count / most)));
}
