/** Durations in words, without false precision. */

/** Below this share of the work, its speed is not a reliable estimate. */
const TELLING = 0.2;

/** Remaining seconds: from the speed so far once it is known, else from the initial estimate. */
export function secondsLeft(share: number, elapsed: number, expected: number): number {
  return share < TELLING ? Math.max(expected - elapsed, expected * (1 - share) * 0.5) : (elapsed * (1 - share)) / share;
}

/** `a few seconds`, `about 20 seconds`, `about a minute`, `about 3 minutes`. */
export function inWords(seconds: number): string {
  if (seconds < 8) return "a few seconds";
  if (seconds < 50) return `about ${Math.ceil(seconds / 10) * 10} seconds`;
  const minutes = Math.round(seconds / 60);
  return minutes <= 1 ? "about a minute" : `about ${minutes} minutes`;
}
