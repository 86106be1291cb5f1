/** Values to colours: cividis for what is unsigned, purple to orange around zero for what is signed. */
import { interpolateCividis, interpolatePuOr } from "d3-scale-chromatic";
import type { Scale } from "./model";

const STEPS = 128;

/** Position of a value on its scale, 0 to 1, ends included. */
function position(scale: Scale, value: number): number {
  const span = scale.high - scale.low;
  if (!(span > 0)) return 0.5;
  return Math.min(1, Math.max(0, (value - scale.low) / span));
}

const made: Record<Scale["kind"], string[]> = { sequential: [], diverging: [] };

/** Colour at a position from 0 to 1; negative is purple, positive orange. */
export function colourAt(kind: Scale["kind"], at: number): string {
  const step = Math.round(at * STEPS);
  return (made[kind][step] ??= (kind === "diverging" ? interpolatePuOr : interpolateCividis)(step / STEPS));
}

/** Colour of a value; beyond an end, that end's colour. */
export function colourOf(scale: Scale, value: number): string {
  return colourAt(scale.kind, position(scale, value));
}

/** −1 below the scale, 1 above it, 0 on it. */
export function beyond(scale: Scale, value: number): -1 | 0 | 1 {
  return value > scale.high ? 1 : value < scale.low ? -1 : 0;
}

const inks = new Map<string, string>();

/** Black or white, whichever reads better on `colour`. */
export function inkOn(colour: string): string {
  const known = inks.get(colour) ?? contrasting(colour);
  inks.set(colour, known);
  return known;
}

/** By the relative luminance of WCAG. */
function contrasting(colour: string): string {
  const [red = 0, green = 0, blue = 0] = channels(colour).map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.19 ? "#000" : "#fff";
}

const words = new Map<string, number>();

/** A colour as the pixels of a canvas store it. */
export function pixelOf(colour: string): number {
  let word = words.get(colour);
  if (word === undefined) {
    const [red = 0, green = 0, blue = 0] = channels(colour).map((part) => Math.round(part * 255));
    word = ((255 << 24) | (blue << 16) | (green << 8) | red) >>> 0;
    words.set(colour, word);
  }
  return word;
}

/** Red, green and blue from 0 to 1 of `#rrggbb` or `rgb(r, g, b)`. */
function channels(colour: string): number[] {
  const hex = /^#(..)(..)(..)$/.exec(colour);
  if (hex) return hex.slice(1).map((pair) => parseInt(pair, 16) / 255);
  return (colour.match(/[\d.]+/g) ?? []).slice(0, 3).map((part) => Number(part) / 255);
}
