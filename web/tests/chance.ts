/** Numbers for properties that must hold of many cases: the same ones at every run. */

/** A source of numbers from 0 to 1 (mulberry32). */
export function chance(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Integers from 0 to `count` − 1. */
export function range(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index);
}

/** Texts that have broken addresses, files or pictures somewhere. */
export const HOSTILE = [
  "",
  " ",
  "?",
  "#/heads?run=1&at=2",
  "a=b&c=d",
  "100 %",
  "%",
  "%E0%A4%A",
  "+1",
  "__proto__",
  "␣sat·10",
  "\u05e9\u05dc\u05d5\u05dd",
  "</script><img src=x onerror=alert(1)>",
  '"quoted", and, commas\r\nand lines',
  "\u{1f469}\u200d\u{1f467}",
  "\u0000\u001b[31m",
  "x".repeat(10_000),
];
