/** Sums and walks: steps that add up, pairs by their strength, and where a walk's links run. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Cell, Side, Walk } from "../src/model";
import { layout } from "../src/walk/layout";
import { isHero, lit, named, pairsOf, shown, sumOf } from "../src/walk/pairs";
import { asChart, entries, lines, type Sum } from "../src/waterfall/steps";
import { chance, HOSTILE, range } from "./chance";
import { corners, isInside, rises, runsInside } from "./inside";
import "./page";

function sum(values: Cell[], total: Cell, remainder: Cell = 0): Sum {
  return { title: "t", label: "nats", columns: ["step", "what"], rows: values.map((value, index) => ({ label: `${index}`, value, text: "" })), total: { label: "total", value: total }, remainder, low: -5, high: 5, digits: 2 };
}

function walk(parts: Cell[][], more: Partial<Walk> = {}): Walk {
  const load = (count: number) => ({ place: "␣sat·10", writers: range(count).map((row) => ({ label: `L0.H${row}`, share: 1 / (row + 1) - 0.4 as Cell, text: "" })), remainder: 1e-7 });
  return { schema: "loadstore/walk@1", title: "t", head: "L1.H4", sides: { Q: load(parts.length), K: load(parts[0]?.length ?? 0), V: load(2) }, parts, score: { label: "score", value: 2, remainder: 0 }, weight: 0.7, hero: [0, 0, 0], stores: "␣on", ...more };
}

test("every step begins where the last ended, and the remainder leads to the total", () => {
  const next = chance(8);
  for (const count of [0, 1, 12, 10_000]) {
    const values = range(count).map(() => Number((4 * next() - 2).toPrecision(7)));
    const total = values.reduce((all, value) => all + value, 0);
    const view = sum(values, total + 0.5, 0.5);
    const steps = entries(view);
    const chart = asChart(view);
    for (const [index, row] of chart.rows.entries()) assert.equal(row.from, index ? steps[index - 1]?.sum : 0);
    const [remainder, last] = lines(view).slice(-2);
    assert.ok(Math.abs(Number(remainder?.sum) - Number(last?.value)) <= 1e-6 * Math.max(1, Math.abs(total)));
    assert.equal(chart.reach, Math.max(0, ...values.map(Math.abs)));
  }
});

test("a step that is no number moves nothing, and is still a step", () => {
  const steps = entries(sum([1, "nan", null, "inf", 2], 3));
  assert.deepEqual(steps.map((step) => step.sum), [1, 1, 1, 1, 3]);
  assert.equal(asChart(sum(["nan"], 0)).reach, 0);
  assert.equal(lines(sum([1], 1, "nan")).at(-2)?.sum, "nan");
});

test("a sum has no more digits than its parts", () => {
  assert.deepEqual(entries(sum([0.1, 0.2], 0)).map((step) => step.sum), [0.1, 0.3]);
  assert.deepEqual(entries(sum([1e-12, 1e12], 0)).map((step) => step.sum), [1e-12, 1e12]);
});

test("pairs come by strength, what is no number first, and what does not exist not at all", () => {
  const view = walk([[0.1, -3, null], [2, "nan", 0]]);
  assert.deepEqual(pairsOf(view).map(({ part }) => part), ["nan", -3, 2, 0.1, 0]);
  assert.deepEqual(pairsOf(walk([])), []);
});

test("the bold pair comes first, then the four strongest; all others are one bar", () => {
  const parts = [[0.01, 5, 4], [3, 2, 1]];
  const view = walk(parts);
  assert.ok(isHero(view, shown(view)[0] as { q: number; k: number; part: Cell }));
  assert.deepEqual(shown(view).map(({ part }) => part), [0.01, 5, 4, 3, 2]);
  assert.deepEqual(sumOf(view).rows.map(({ label, value }) => [label, value]).at(-1), ["other", 1]);
  assert.equal(sumOf(walk([[1, 2]])).rows.some(({ label }) => label === "other"), false);
  assert.equal(named(view, { q: 1, k: 2, part: 1 }), "L0.H1 \u00d7 L0.H2");
});

test("the bars of a walk add up to all of its parts, and its axis holds every step", () => {
  const next = chance(9);
  for (const size of [1, 3, 20]) {
    const parts = range(size).map(() => range(size).map(() => 6 * next() - 3));
    const found = sumOf(walk(parts, { score: { label: "s", value: parts.flat().reduce((all, part) => all + part, 0), remainder: 0 } }));
    const all = found.rows.reduce((total, { value }) => total + Number(value), 0);
    assert.ok(Math.abs(all - parts.flat().reduce((total, part) => total + part, 0)) < 1e-4);
    for (const entry of entries(found)) assert.ok(Number(entry.sum) >= found.low && Number(entry.sum) <= found.high);
  }
});

test("what is pinned keeps its own links: all of a writer, one of a bar, the others of the last bar", () => {
  const view = walk([[9, 5, 4], [3, 2, 1]]);
  const kept = (side: Side | "sum", row: number) => pairsOf(view).filter((pair) => lit(view, { side, row }, pair)).map(({ part }) => part);
  assert.deepEqual([kept("Q", 1), kept("K", 0), kept("V", 1).length], [[3, 2, 1], [9, 3], 6]);
  assert.deepEqual([kept("sum", 0), kept("sum", 4), kept("sum", 5), kept("sum", 6).length], [[9], [2], [1], 6]);
  assert.ok(pairsOf(view).every((pair) => lit(view, null, pair)));
});

test("columns, links, bars and words of a walk are in its picture", () => {
  for (const width of [320, 400, 599, 600, 1400]) {
    for (const size of [1, 3, 9]) {
      const parts = range(size).map((q) => range(size).map((k): Cell => (q === k ? "nan" : q - k || 1e-12)));
      const view = walk(parts, { hero: [size - 1, 0, 1], stores: "a text of several words ".repeat(9), head: HOSTILE[6] as string });
      const plan = layout(view, width);
      for (const { x, writers, end } of plan.columns) {
        isInside(plan, x + plan.cell, end);
        rises(writers.map(({ y }) => y));
        for (const { bar, y } of writers) assert.ok(bar >= 0 && bar <= plan.cell - 2 * plan.pad && y + plan.tall <= end);
      }
      for (const { d, width: thick, strength } of plan.links) {
        runsInside(plan, d);
        assert.ok(thick > 0 && thick <= 13 && strength >= 0 && strength <= 1);
      }
      runsInside(plan, plan.address.d);
      isInside(plan, plan.stores.x + plan.stores.width, plan.stores.y + plan.stores.height);
      assert.ok(35 + (plan.stores.lines.length - 1) * 16 < plan.stores.height);
    }
  }
});

test("a link goes from the right of its Q to the left of its K, and the strongest is drawn last", () => {
  const view = walk([[1, 4], [3, 2]]);
  const plan = layout(view, 1400);
  const [left, key] = plan.columns;
  for (const { d, q, k } of plan.links) {
    const places = corners(d);
    assert.deepEqual(places[0], [(left?.x ?? 0) + plan.cell, (left?.writers[q]?.y ?? 0) + plan.tall / 2]);
    assert.deepEqual(places.at(-1), [key?.x, (key?.writers[k]?.y ?? 0) + plan.tall / 2]);
  }
  rises(plan.links.map(({ strength }) => strength));
});

test("a side that loads nothing has words in place of writers", () => {
  for (const width of [400, 1400]) {
    const plan = layout(walk([], { sides: {} }), width);
    assert.ok(plan.columns.every(({ empty, writers }) => empty.length > 0 && writers.length === 0));
    assert.deepEqual(plan.links, []);
  }
});
