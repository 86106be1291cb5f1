/** How long something takes, in words that do not pretend to know it to the second. */

/** Below this share of the work, its speed says little. */
const TELLING = 0.2;

/** Seconds that are left: by the speed until now once that is known, else by what was expected before. */
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
