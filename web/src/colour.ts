/** Maps values to colours of the current page theme. */
import { ground } from "./ground";
import type { Scale } from "./model";
import { swatch } from "./palette";

/** Powers of ten below its end that a logarithmic scale distinguishes. */
export const DECADES = 3;

/** Position of a value on its scale, 0 to 1, ends included. */
export function position({ low, high, transform }: Scale, value: number): number {
  if (!(high > low)) return 0.5;
  const at = transform === "log" ? Math.sign(value) * high * logarithmic(Math.abs(value) / high) : value;
  return Math.min(1, Math.max(0, (at - low) / (high - low)));
}

/** The position of a fraction of the scale's end along its decades: 0 at or below the first, 1 at the end. */
function logarithmic(part: number): number {
  return Math.max(0, 1 + Math.log10(Math.max(part, Number.MIN_VALUE)) / DECADES);
}

/** Colour at a position from 0 to 1; negative is purple, positive orange. */
export function colourAt(kind: Scale["kind"], at: number): string {
  return swatch(ground.value, kind, at);
}

/** Purple or orange by the sign alone, strong enough for a line. */
export function tint(value: number): string {
  return colourAt("diverging", value < 0 ? 0.1 : 0.9);
}

/** Colour of a value; beyond an end, that end's colour. */
export function colourOf(scale: Scale, value: number): string {
  return colourAt(scale.kind, position(scale, value));
}

/** −1 below the scale, 1 above it, 0 on it. */
export function beyond(scale: Scale, value: number): -1 | 0 | 1 {
  return value > scale.high ? 1 : value < scale.low ? -1 : 0;
}

/** The colour of NaN on every page. */
export const ODD = "#9a9a9a";

const inks = new Map<string, string>();

/** Black or white, whichever reads better on `colour`. */
export function inkOn(colour: string): string {
  const known = inks.get(colour) ?? contrasting(colour);
  inks.set(colour, known);
  return known;
}

/** By the relative luminance of WCAG; at .179 black and white have the same contrast. */
function contrasting(colour: string): string {
  const [red = 0, green = 0, blue = 0] = channels(colour).map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.179 ? "#000" : "#fff";
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
