/** Decodes patterns: bytes, head after head, without the masked entries. */
import { bytesOf } from "../bytes";
import type { Cell, Patterns } from "../model";

/** Weights are stored as integer multiples of this fraction. */
export const PART = 255;

export interface Bytes {
  size: number;
  /** The weights of one query, one for each key that it can attend to. */
  row: (head: number, query: number) => Uint8Array;
}

/** Every weight of `view`. Throws if the number of bytes does not fit its heads and tokens. */
export function unpack({ packed, tokens, heads, causal }: Patterns): Bytes {
  return reading(bytesOf(packed), tokens.length, heads.length, causal);
}

/** The weights of `heads` heads on `size` tokens. Throws if the number of bytes does not fit. */
export function reading(bytes: Uint8Array, size: number, heads: number, causal: boolean): Bytes {
  const each = causal ? (size * (size + 1)) / 2 : size * size;
  if (bytes.length !== each * heads) {
    throw new Error(`${heads} heads on ${size} tokens need ${each * heads} bytes, and there are ${bytes.length}`);
  }
  const row = (head: number, query: number) => {
    const from = head * each + (causal ? (query * (query + 1)) / 2 : query * size);
    return bytes.subarray(from, from + (causal ? query + 1 : size));
  };
  return { size, row };
}

/** One head's pattern as cells, from column `first` on. */
export function cellsOf({ size, row }: Bytes, head: number, first: number): Cell[][] {
  return Array.from({ length: size }, (_, query) => {
    const weights = row(head, query);
    return Array.from({ length: size - first }, (_, column) => {
      const byte = weights[first + column];
      return byte === undefined ? null : byte / PART;
    });
  });
}
