/** Bars: where they begin and end, in which colour, and that nothing leaves the picture. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { fillOf, sizeOf, spanOf, THICK, ticksOf, tiesOf, topOf, upright } from "../src/bars/geometry";
import { type Chart, layout, type Layout, printed, ruleLabel } from "../src/bars/layout";
import type { Cell } from "../src/model";
import { textWidth } from "../src/measure";
import { chance, HOSTILE, range } from "./chance";
import { isInside, rises, runsInside } from "./inside";
import { lightness } from "./vision";
import "./page";

const WIDTHS = [400, 599, 600, 1400];

function chart(values: Cell[], more: Partial<Chart> = {}): Chart {
  return { label: "nats", kind: "signed", low: -2, high: 2, digits: 2, columns: ["writer", "what it does"], rows: values.map((value, index) => ({ label: `L0.H${index}`, value, text: "", strong: false })), rules: [], total: null, ...more };
}

/** From where to where every bar runs, in units of the axis. */
function ends(view: Chart, plan: Layout): [number, number][] {
  const unit = plan.at(1) - plan.at(0);
  return plan.rows.map((row) => {
    const { from, to } = spanOf(view, plan, row);
    return [(from - plan.zero) / unit, (to - plan.zero) / unit];
  });
}

function close(found: [number, number][], expected: [number, number][]): void {
  assert.deepEqual(found.map((pair) => pair.map((value) => Math.round(1e6 * value) / 1e6 + 0)), expected);
}

test("bars of either sign run from the zero line, as far as their numbers", () => {
  for (const width of WIDTHS) {
    const view = chart([0.5, -1.5, 0, 2, -2]);
    close(ends(view, layout(view, width)), [[0, 0.5], [0, -1.5], [0, 0], [0, 2], [0, -2]]);
  }
});

test("steps run each from where the last ended, and come to their total", () => {
  const steps = [1.5, -0.75, 0.5, -1.5];
  let sum = 0;
  const rows = steps.map((value, index) => ({ label: `${index}`, value, text: "", strong: false, from: (sum += value) - value }));
  const view = chart([], { rows, total: { label: "total", value: sum }, tied: true });
  const found = ends(view, layout(view, 1400));
  close(found, [[0, 1.5], [1.5, 0.75], [0.75, 1.25], [1.25, -0.25], [0, -0.25]]);
  assert.ok(Math.abs(steps.reduce((all, step) => all + step, 0) - (found.at(-1)?.[1] ?? 0)) < 1e-9);
});

test("ties lead from the end of a step to the beginning of the next, on narrow screens past no text", () => {
  const rows = [1, 0.5, -2].map((value, index) => ({ label: "", value, text: "", strong: false, from: [0, 1, 1.5][index] as number }));
  for (const width of [319, 320]) {
    const plan = layout(chart([], { rows, tied: true }), width);
    const [first, second, last] = plan.rows.map((row) => topOf(plan, row)) as [number, number, number];
    const [one, two] = [plan.at(1), plan.at(1.5)];
    const expected = width < 320 ? `M${one} ${first + THICK}v4M${one} ${second}v-4M${two} ${second + THICK}v4M${two} ${last}v-4` : `M${one} ${first + THICK}V${second}M${two} ${second + THICK}V${last}`;
    assert.equal(tiesOf(plan), expected);
  }
  assert.equal(tiesOf(layout(chart([1]), 600)), "");
});

test("a bar beyond the scale ends with it, and says at which end", () => {
  const view = chart([2, 2.000001, 2.1, -2, -2.1, "inf", "-inf", "nan", null]);
  const plan = layout(view, 1400);
  assert.deepEqual(plan.rows.map((row) => spanOf(view, plan, row).off), [0, 0, 1, 0, -1, 1, -1, 0, 0]);
  for (const row of plan.rows) for (const x of [spanOf(view, plan, row).from, spanOf(view, plan, row).to]) assert.ok(x >= plan.left && x <= plan.right);
  assert.deepEqual((["nan", null, "inf", "-inf", -3] as const).map(sizeOf), [0, 0, Infinity, -Infinity, -3]);
});

test("where the scale has no zero, bars begin at its nearer end", () => {
  const above = chart([0.5], { kind: "unsigned", low: 0.25, high: 1 });
  const below = chart([-0.5], { kind: "unsigned", low: -1, high: -0.25 });
  assert.equal(layout(above, 1400).zero, layout(above, 1400).left);
  assert.equal(layout(below, 1400).zero, layout(below, 1400).right);
  const signed = chart([0.5], { low: 0.25, high: 1 });
  assert.equal(layout(signed, 1400).zero, layout(signed, 1400).at(0));
});

test("a scale of any size, or of none, gives places in the plot", () => {
  for (const [low, high] of [[-1e-12, 1e-12], [-1e12, 1e12], [0, 0], [0, 1e-12], [-1, -1]] as const) {
    const view = chart([low, high, 0], { low, high });
    const plan = layout(view, 400);
    for (const { from, to } of plan.rows.map((row) => spanOf(view, plan, row))) for (const x of [from, to]) assert.ok(x >= plan.left && x <= plan.right, `${x} for ${low} to ${high}`);
    assert.ok(plan.at(high) >= plan.at(low));
  }
});

test("the axis is numbered at its ends and at zero, or at their middle where zero is not between", () => {
  const at = (low: number, high: number, width = 1400) => ticksOf({ low, high }, layout(chart([], { low, high }), width));
  assert.deepEqual(at(-2, 2), [-2, 0, 2]);
  assert.deepEqual(at(0, 1), [0, 0.5, 1]);
  assert.deepEqual(at(-3, -1), [-3, -2, -1]);
  assert.deepEqual(at(0, 0), [0]);
});

test("an end of the axis that is too near to zero has no number", () => {
  const near = (pixels: number) => ticksOf({ low: -1, high: 1 }, { at: (value) => value * (value < 0 ? pixels : 300) });
  assert.deepEqual([35, 36, 37].map((pixels) => near(pixels).length), [2, 2, 3]);
});

test("all that is drawn is in the picture, whatever the texts", () => {
  const next = chance(4);
  for (const width of WIDTHS) {
    for (const count of [0, 1, 40]) {
      const rows = range(count).map((index) => ({ label: HOSTILE[index % HOSTILE.length] as string, value: 6 * next() - 3, text: "a text of several words ".repeat(index % 4), strong: false }));
      const view = chart([], { rows, tied: true, total: { label: "total", value: 1e9 }, rules: [{ value: -5, label: "chance" }, { value: 2, label: "x".repeat(300) }] });
      const plan = layout(view, width);
      assert.ok(plan.left < plan.right && plan.right <= width && plan.value <= width && plan.top < plan.bottom && plan.bottom < plan.height);
      runsInside(plan, tiesOf(plan).replaceAll(/v-?4/g, ""));
      for (const row of plan.rows) {
        isInside(plan, 0, topOf(plan, row));
        isInside(plan, 0, row.top + row.height);
        assert.ok(topOf(plan, row) >= row.top && topOf(plan, row) + THICK <= row.top + row.height);
        for (const line of row.lines) assert.ok(textWidth(line, 12) <= width);
      }
      rises(plan.rows.map(({ top }) => top));
      for (const [index, row] of plan.rows.entries()) assert.ok(row.top + row.height <= (plan.rows[index + 1]?.top ?? plan.bottom));
    }
  }
});

test("labels of rules are in the picture and none lies over another", () => {
  for (const width of WIDTHS) {
    const rules = range(12).map((index) => ({ value: ((index * 7) % 12) / 3 - 2, label: `rule number ${index}` }));
    const view = chart([1], { rules });
    const plan = layout(view, width);
    const placed = rules.map(({ value, label }, index) => ({ level: plan.levels[index], place: ruleLabel(plan.at(value), label, width) }));
    for (const [index, { level, place }] of placed.entries()) {
      assert.ok(place[0] >= 0 && place[1] <= width);
      for (const other of placed.slice(index + 1)) assert.ok(level !== other.level || place[1] < other.place[0] || other.place[1] < place[0]);
    }
    assert.ok(plan.top >= 26 + (Math.max(...plan.levels) + 1) * 16);
  }
});

test("the lines of an axis cross no text where the screen is narrow", () => {
  const [narrow, wide] = [layout(chart([1, 2]), 319), layout(chart([1, 2]), 320)];
  assert.equal(upright(wide, 5, 20), `M5 20V${wide.bottom}`);
  assert.equal(upright(narrow, 5, narrow.top), narrow.rows.map(({ top }) => `M5 ${top + 19}v20`).join(""));
  assert.ok(narrow.rows.every((row) => topOf(narrow, row) >= row.top + 19 && topOf(narrow, row) + THICK <= row.top + 39));
});

test("colours tell signs apart, deepen with size, and end with the scale", () => {
  const view = chart([]);
  for (const sign of [1, -1]) rises([2, 1.5, 1, 0.5, 0.01].map((size) => lightness(fillOf(view, sign * size))));
  assert.notEqual(fillOf(view, 1), fillOf(view, -1));
  assert.equal(fillOf(view, 5), fillOf(view, 2));
  assert.equal(fillOf({ ...view, reach: 1 }, 5), fillOf({ ...view, reach: 1 }, 1));
  const unsigned = chart([], { kind: "unsigned", low: 0, high: 1 });
  assert.deepEqual([-1, 2].map((value) => fillOf(unsigned, value)), [0, 1].map((value) => fillOf(unsigned, value)));
  assert.equal(printed(view, 0.5), "+.50");
  assert.equal(printed(unsigned, 0.5), ".50");
});

test("ten thousand bars are laid out at once", () => {
  const plan = layout(chart(range(10_000).map((index) => index / 5000 - 1)), 1400);
  assert.equal(plan.rows.length, 10_000);
  rises(plan.rows.map(({ top }) => top));
});
