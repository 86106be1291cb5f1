/** Colours: where a value is on its scale, on the page as it is, and as pixels. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { beyond, colourAt, colourOf, inkOn, pixelOf, position } from "../src/colour";
import { ground } from "../src/ground";
import { ticksOf } from "../src/heatmap/legend";
import type { Scale } from "../src/model";
import { swatch } from "../src/palette";
import { squares } from "../src/squares";

const DIVERGING: Scale = { kind: "diverging", low: -2, high: 2, label: "x" };
const SEQUENTIAL: Scale = { kind: "sequential", low: 0, high: 1, label: "x" };

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

test("logarithmic colours tell a tenth from a hundredth, on either side of zero", () => {
  const [unsigned, signed] = [{ ...SEQUENTIAL, high: 6, transform: "log" }, { ...DIVERGING, transform: "log" }] as Scale[];
  const places = (scale: Scale, values: number[]) => values.map((value) => Number(position(scale, value).toFixed(9)));
  assert.deepEqual(places(unsigned!, [-1, 0, 0.006, 0.06, 0.6, 6, 60]), [0, 0, 0, 0.333333333, 0.666666667, 1, 1]);
  assert.deepEqual(places(signed!, [-2, -0.2, -0.001, 0, 0.001, 0.02, 2]), [0, 0.166666667, 0.5, 0.5, 0.5, 0.666666667, 1]);
  assert.deepEqual([ticksOf(unsigned!), ticksOf(signed!), ticksOf(DIVERGING)], [[0, 0.06, 0.6, 6], [-2, -0.02, 0, 0.02, 2], [-2, 0, 2]]);
});

test("colours follow the page: each of its grounds has its own", () => {
  const before = colourAt("sequential", 0);
  ground.value = "dark";
  assert.deepEqual([colourAt("sequential", 0), inkOn(colourAt("sequential", 0))], [swatch("dark", "sequential", 0), "#fff"]);
  ground.value = "light";
  assert.equal(colourAt("sequential", 0), before);
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
