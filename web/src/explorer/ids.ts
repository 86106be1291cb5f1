/** Token ids as typed, and as written in a URL. */

/** The ids of a typed list; null if it is not a list of integers. */
export function idsOf(text: string): number[] | null {
  const parts = text.split(/[\s,]+/).filter(Boolean);
  return parts.every((part) => /^\d{1,9}$/.test(part)) ? parts.map(Number) : null;
}

/** A prediction by its id if it is a number, else by its text. */
export function targetOf(value: string): number | string {
  return /^\d{1,9}$/.test(value) ? Number(value) : value;
}
