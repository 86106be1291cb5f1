/** Heads by what they do on a prompt. */

/** Heads by the role that each plays most, roles last first, and within one the strongest first. */
export function byRole(strength: number[][]): number[] {
  const best = strength.map((shares) => Math.max(...shares));
  const role = strength.map((shares, head) => shares.indexOf(best[head] as number));
  return strength.map((_, head) => head).sort((a, b) => (role[b] as number) - (role[a] as number) || (best[b] as number) - (best[a] as number) || a - b);
}
