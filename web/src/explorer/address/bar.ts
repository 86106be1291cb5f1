/** The bar of a share, from zero. */

/** The scale on which all shares of a side have room, zero among them. */
export function scaleOf(shares: number[]): { low: number; high: number } {
  return { low: Math.min(0, ...shares), high: Math.max(0.01, ...shares) };
}

/** Where zero is, and where the bar of a share begins and how long it is, in parts of 100. */
export function barOf(share: number, { low, high }: { low: number; high: number }): { zero: number; x: number; width: number } {
  const at = (value: number) => (100 * (value - low)) / (high - low);
  return { zero: at(0), x: at(Math.min(0, share)), width: at(Math.max(0, share)) - at(Math.min(0, share)) };
}
