/** Colours: what they say of a sign and a size, and whether what is written on them can be read. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { beyond, colourAt, colourOf, inkOn, pixelOf } from "../src/colour";
import type { Scale } from "../src/model";
import { squares } from "../src/squares";
import { range } from "./chance";
import { rises } from "./inside";

const DIVERGING: Scale = { kind: "diverging", low: -2, high: 2, label: "x" };
const SEQUENTIAL: Scale = { kind: "sequential", low: 0, high: 1, label: "x" };
const STEPS = range(129).map((step) => step / 128);

/** Relative luminance (WCAG) of what a canvas would draw. */
function luminance(colour: string): number {
  const word = pixelOf(colour);
  const [red = 0, green = 0, blue = 0] = [0, 8, 16].map((by) => ((word >> by) & 255) / 255).map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

test("what is unsigned gets lighter as it grows, in all of its steps", () => {
  rises(STEPS.map((at) => luminance(colourAt("sequential", at))));
});

test("what is signed gets lighter from both ends to zero, and no colour stands for both signs", () => {
  const light = STEPS.map((at) => luminance(colourAt("diverging", at)));
  rises(light.slice(0, 58));
  rises(light.slice(71).toReversed());
  assert.equal(new Set(STEPS.map((at) => colourAt("diverging", at))).size, STEPS.length);
});

test("negative is bluer than red, positive redder than blue", () => {
  const redness = (value: number) => (pixelOf(colourOf(DIVERGING, value)) & 255) - ((pixelOf(colourOf(DIVERGING, value)) >> 16) & 255);
  for (const size of [2, 1, 0.2]) assert.ok(redness(-size) < 0 && redness(size) > 0, String(size));
});

test("the ends of a scale are its last colours, below, at and above them", () => {
  assert.deepEqual([-2.01, -2, 2, 2.01].map((value) => beyond(DIVERGING, value)), [-1, 0, 0, 1]);
  assert.deepEqual([-1e12, -2.01].map((value) => colourOf(DIVERGING, value)), [colourOf(DIVERGING, -2), colourOf(DIVERGING, -2)]);
  assert.equal(colourOf(DIVERGING, Infinity), colourOf(DIVERGING, 2));
  assert.equal(colourOf(DIVERGING, 0), colourAt("diverging", 0.5));
  assert.deepEqual([0, 1].map((value) => colourOf(SEQUENTIAL, value)), [0, 1].map((at) => colourAt("sequential", at)));
});

test("a scale of one value is all middle, and a tiny or huge one is whole", () => {
  assert.equal(colourOf({ ...SEQUENTIAL, low: 1, high: 1 }, 1), colourAt("sequential", 0.5));
  for (const high of [1e-12, 1e12]) assert.deepEqual([0, high / 2, high].map((value) => colourOf({ ...SEQUENTIAL, high }, value)), [0, 0.5, 1].map((at) => colourAt("sequential", at)));
});

test("text on every colour has a contrast of at least 4.3, which is near the best that there is", () => {
  for (const kind of ["sequential", "diverging"] as const) {
    for (const at of STEPS) {
      const colour = colourAt(kind, at);
      const ground = luminance(colour);
      const contrast = inkOn(colour) === "#000" ? (ground + 0.05) / 0.05 : 1.05 / (ground + 0.05);
      assert.ok(contrast >= 4.3, `${contrast} on ${colour}`);
    }
  }
});

test("a colour is the same pixel however it is written", () => {
  assert.equal(pixelOf("#010203"), 0xff030201);
  assert.equal(pixelOf("rgb(1, 2, 3)"), 0xff030201);
  assert.equal(pixelOf("#ffffff"), 0xffffffff);
});

test("cells become squares, and those that cannot be are hatched", () => {
  const [ground, line] = [7, 9];
  const pixels = squares(Uint32Array.of(1, 2, 0, 3, 0, 0), 3, 10, ground, line);
  assert.equal(pixels.length, 30 * 20);
  for (const [index, pixel] of pixels.entries()) {
    const [x, y] = [index % 30, Math.floor(index / 30)];
    const cell = [1, 2, 0, 3, 0, 0][3 * Math.floor(y / 10) + Math.floor(x / 10)];
    assert.equal(pixel, cell || ((x + y) % 7 < 2 ? line : ground), `${x}, ${y}`);
  }
});

test("nothing is drawn of nothing", () => {
  assert.deepEqual([squares(new Uint32Array(0), 0, 5, 7, 9).length, squares(new Uint32Array(0), 3, 5, 7, 9).length, squares(Uint32Array.of(1), 0, 5, 7, 9).length], [0, 0, 0]);
});
