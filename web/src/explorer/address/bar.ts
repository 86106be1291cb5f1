/** The bar of a share, from zero. */

/** The scale that covers zero and all shares of a side. */
export function scaleOf(shares: number[]): { low: number; high: number } {
  return { low: Math.min(0, ...shares), high: Math.max(0.01, ...shares) };
}

/** The position of zero, and the start and length of a share's bar, in percent. */
export function barOf(share: number, { low, high }: { low: number; high: number }): { zero: number; x: number; width: number } {
  const at = (value: number) => (100 * (value - low)) / (high - low);
  return { zero: at(0), x: at(Math.min(0, share)), width: at(Math.max(0, share)) - at(Math.min(0, share)) };
}
