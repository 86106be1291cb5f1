/** Token ids as they are typed, and as an address has them. */

/** The ids of a typed list; null where it is no list of whole numbers. */
export function idsOf(text: string): number[] | null {
  const parts = text.split(/[\s,]+/).filter(Boolean);
  return parts.every((part) => /^\d{1,9}$/.test(part)) ? parts.map(Number) : null;
}

/** A prediction by its id where it is a number, else by its text. */
export function targetOf(value: string): number | string {
  return /^\d{1,9}$/.test(value) ? Number(value) : value;
}
