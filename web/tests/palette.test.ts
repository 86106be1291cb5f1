/** The colour scales on both pages: zero is quiet, ends are strong, steps are even, and ink can be read on all of it. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { inkOn } from "../src/colour";
import { swatch } from "../src/palette";
import { range } from "./chance";
import { rises } from "./inside";
import { contrast, difference, EYES, type Eyes, lightness } from "./vision";

const GROUNDS = ["light", "dark"] as const;
const STEPS = range(129).map((step) => step / 128);
const PAPERS = [...readFileSync("src/styles/theme.css", "utf8").matchAll(/--paper: (#\w{6})/g)].map((match) => match[1] as string);
const PAPER = { light: PAPERS[0]!, dark: PAPERS[1]! };

/** From zero to an end: of what is unsigned, of what is negative, of what is positive. */
function arms(ground: (typeof GROUNDS)[number]): Record<string, string[]> {
  const half = range(65).map((step) => step / 128);
  return {
    unsigned: STEPS.map((at) => swatch(ground, "sequential", at)),
    negative: half.map((at) => swatch(ground, "diverging", 0.5 - at)),
    positive: half.map((at) => swatch(ground, "diverging", 0.5 + at)),
  };
}

function each(check: (colours: string[], ground: (typeof GROUNDS)[number], what: string) => void): void {
  for (const ground of GROUNDS) for (const [name, colours] of Object.entries(arms(ground))) check(colours, ground, `${name} on ${ground}`);
}

test("zero is near the page, half is apart from zero and full from half, and full stands out", () => {
  each((colours, ground, what) => {
    const [zero, half, full] = [colours[0]!, colours[(colours.length - 1) / 2]!, colours.at(-1)!];
    assert.ok(contrast(zero, PAPER[ground]) <= 1.25, `zero, ${what}: ${contrast(zero, PAPER[ground])}`);
    assert.ok(contrast(half, zero) >= 2, `half to zero, ${what}: ${contrast(half, zero)}`);
    assert.ok(contrast(full, half) >= 2.5, `full to half, ${what}: ${contrast(full, half)}`);
    assert.ok(contrast(full, PAPER[ground]) >= 4.5, `full, ${what}: ${contrast(full, PAPER[ground])}`);
  });
});

test("from zero to an end colours only get darker on a light page, and only lighter on a dark one", () => {
  each((colours, ground) => rises(colours.map((colour) => (ground === "light" ? -1 : 1) * lightness(colour)), false));
});

test("equal steps of a value are equal steps to the eye, within a quarter of their mean", () => {
  each((colours, _, what) => {
    const eighths = range(9).map((step) => colours[(step * (colours.length - 1)) / 8]!);
    const steps = eighths.slice(1).map((colour, index) => difference(colour, eighths[index]!));
    const mean = steps.reduce((sum, step) => sum + step, 0) / steps.length;
    for (const step of steps) assert.ok(Math.abs(step / mean - 1) <= 0.25, `${step} of ${mean}, ${what}`);
  });
});

test("both ends of what is signed are as strong as each other, and their middle has no colour of its own", () => {
  for (const ground of GROUNDS) {
    const [low, zero, high] = [0, 0.5, 1].map((at) => swatch(ground, "diverging", at)) as [string, string, string];
    const ratio = (measure: (colour: string) => number) => Math.abs(Math.log(measure(low) / measure(high)));
    assert.ok(ratio((end) => contrast(end, PAPER[ground])) <= Math.log(1.15), `contrast, ${ground}`);
    assert.ok(ratio((end) => difference(end, zero)) <= Math.log(1.15), `difference from zero, ${ground}`);
    assert.ok(Math.abs(lightness(low) - lightness(high)) <= 0.03, `lightness, ${ground}`);
    assert.ok(difference(zero, PAPER[ground]) <= 0.06, `zero, ${ground}`);
  }
});

test("colours that are apart stay apart without one kind of cone", () => {
  for (const eyes of Object.keys(EYES) as Eyes[]) {
    for (const ground of GROUNDS) {
      const apart = (kind: "sequential" | "diverging", a: number, b: number) => difference(swatch(ground, kind, a), swatch(ground, kind, b), eyes);
      for (const at of [0, 0.25, 0.5, 0.75]) assert.ok(apart("sequential", at, at + 0.25) >= 0.12, `${at}, ${ground}, ${eyes}: ${apart("sequential", at, at + 0.25)}`);
      for (const size of [0.25, 0.375, 0.5]) {
        const signs = apart("diverging", 0.5 - size, 0.5 + size);
        assert.ok(signs >= 0.1, `±${2 * size}, ${ground}, ${eyes}: ${signs}`);
      }
    }
  }
});

test("what is written on any colour has a contrast of at least 4.5", () => {
  each((colours, _, what) => {
    for (const colour of colours) {
      const ink = inkOn(colour) === "#000" ? "#000000" : "#ffffff";
      assert.ok(contrast(ink, colour) >= 4.5, `${contrast(ink, colour)} on ${colour}, ${what}`);
    }
  });
});

test("still pictures of Python have nine steps of the same scales", () => {
  const written = readFileSync("../src/loadstore/figures/still/palette.py", "utf8");
  const rows = [...written.matchAll(/"(light|dark)": \(([^)]*)\)/g)].map(([, ground, list]) => [ground, [...list!.matchAll(/#\w{6}/g)].map(([colour]) => colour)] as const);
  const kinds = ["sequential", "sequential", "diverging", "diverging"] as const;
  assert.equal(rows.length, 4);
  for (const [index, [ground, colours]] of rows.entries()) {
    assert.deepEqual(colours, range(9).map((step) => swatch(ground as "light" | "dark", kinds[index]!, step / 8)));
  }
});
