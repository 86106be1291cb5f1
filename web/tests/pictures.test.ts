/** Sentences, formulas and diagrams: what is set side by side fits, in order, and nothing overlaps. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { barOf, isParallel } from "../src/address/bar";
import { BAR, sentence } from "../src/address/layout";
import { move, start } from "../src/address/point";
import { drawing, moreWidth, streamLabel } from "../src/diagram/layout";
import { spoken, typeset, written } from "../src/formula/layout";
import type { Address, Cell, Diagram, Step, Term } from "../src/model";
import { chance, HOSTILE, range } from "./chance";
import { isInside, runsInside } from "./inside";
import "./page";

const TOKENS = ["the", "␣cat", "␣sat", "␣internationalisation", ...HOSTILE].map((token, index) => `${token}·${index}`);

function step(name: string, kind: Step["kind"], more: Partial<Step> = {}): Step {
  return { name, kind, detail: "what it does, in a few words", loads: [], stores: null, more: 0, ...more };
}

function diagram(heads: number): Diagram {
  const load = (label: string, source: "stream" | "pos" = "stream") => ({ label, source });
  const steps = range(heads).map((head) => step(`L${head}`, "head", { loads: [load("Q"), load("K"), load("V"), load("pos", "pos")], stores: "stores a rather long text ".repeat(1 + (head % 3)), more: head % 12 }));
  return { schema: "loadstore/diagram@1", title: "t", stream: "the residual stream", steps: [step("embed", "embed", { stores: "token" }), step("pos", "pos"), ...steps, step("unembed", "unembed", { loads: [load("logits")] })] };
}

test("tokens stand in order on lines that fit, none over another", () => {
  const next = chance(12);
  for (const width of [120, 400, 1400]) {
    for (const count of [0, 1, 300]) {
      const tokens = range(count).map(() => TOKENS[Math.floor(TOKENS.length * next())] as string);
      const { words, lines, height, gutter } = sentence(tokens, width);
      assert.equal(words.length, count);
      for (const [index, { x, y, width: wide, at }] of words.entries()) {
        const before = words[index - 1];
        assert.ok(x >= gutter && at <= x + wide && y + BAR < height);
        assert.ok(x + wide <= width || x === gutter, `${x} + ${wide} in ${width}`);
        if (before) assert.ok(y > before.y ? x === gutter : x >= before.x + before.width);
      }
      assert.deepEqual(lines.map(({ y }) => y), [...new Set(words.map(({ y }) => y))]);
      for (const { y, end } of lines) assert.equal(end, Math.max(...words.filter((word) => word.y === y).map((word) => word.x + word.width)));
    }
  }
});

test("the bar of a weight is as high as the weight, and no higher than its scale", () => {
  const of = (weight: number, width = 100) => barOf({ width }, weight);
  assert.deepEqual([0, 0.25, 1, 1.5, -1].map((weight) => of(weight).height), [0, BAR / 4, BAR, BAR, 0]);
  assert.deepEqual([0.009, 0.0091].map((weight) => of(weight).drawn), [false, true]);
  assert.deepEqual([0.049, 0.05].map((weight) => of(weight).text), ["", ".05"]);
  assert.deepEqual([19, 20].map((width) => of(0.5, width).text), ["", ".50"]);
  assert.deepEqual([30, 30.1].map((height) => of(height / BAR).inside), [false, true]);
});

test("tokens that are read side by side are no distribution", () => {
  const weights: Cell[][] = [[1, 1, null], [0.4, 0.6, null], [1, 0.5, "nan"], [1, 0.51]];
  assert.deepEqual(weights.map((each) => isParallel({ weights: each })), [true, false, false, true]);
});

test("the keyboard begins at the strongest token, and stays in the sentence", () => {
  const view = (weights: Cell[][]): Address => ({ schema: "loadstore/address@1", title: "t", tokens: ["a", "b", "c"], mass: 0.7, rows: weights.map((each) => ({ label: "", text: "", weights: each, outlined: [], effective: 1 })) });
  assert.deepEqual(start(view([[0.1, 0.7, 0.2]]), 0), { row: 0, token: 1 });
  assert.deepEqual(start(view([["nan", null, -0.5]]), 0), { row: 0, token: 2 });
  assert.deepEqual([start(view([]), 0), start(view([[]]), 0)], [null, null]);
  const two = view([[1, 0, 0], [0, 1, 0]]);
  assert.deepEqual([move(two, { row: 0, token: 2 }, "ArrowRight", false), move(two, { row: 0, token: 2 }, "ArrowDown", false)], [{ row: 0, token: 2 }, { row: 1, token: 2 }]);
});

const term = (text: string, kind: Term["kind"]): Term => ({ text, sub: null, sup: null, shape: null, kind });

test("the terms of a formula stand in order, in as many lines as fit, and break before operators", () => {
  const terms: Term[] = range(40).map((index): Term => (index % 2 ? term("+", "operator") : { text: "W", sub: "OV", sup: "T", shape: "512 × 64", kind: "matrix" }));
  for (const width of [200, 400, 1400]) {
    const { pieces, width: whole, height } = typeset(terms, width);
    assert.deepEqual(pieces.map(({ index }) => index), range(40));
    for (const [index, piece] of pieces.entries()) {
      const before = pieces[index - 1];
      assert.ok(piece.x + piece.width <= width && piece.x + piece.width <= whole && piece.y < height);
      assert.ok(piece.from >= piece.x && piece.from + piece.symbol <= piece.x + piece.width);
      if (before && piece.y === before.y) assert.ok(piece.x >= before.x + before.width);
      if (before && piece.y > before.y) assert.equal(piece.term.kind, "operator");
    }
  }
});

test("a term that is wider than the page is cut, and no formula is still a picture", () => {
  const { pieces } = typeset([term("x".repeat(10_000), "word")], 400);
  assert.ok((pieces[0]?.width ?? Infinity) <= 400 && pieces[0]?.text.includes("\u2026"));
  assert.deepEqual(typeset([], 400), { pieces: [], width: 1, height: 48 });
});

test("a formula is read aloud with its scripts and shapes", () => {
  const terms: Term[] = [{ text: "W", sub: "Q", sup: "T", shape: "64 × 512", kind: "matrix" }, term("=", "operator"), { ...term("x", "matrix"), sup: "2" }];
  assert.equal(spoken(terms), "W sub Q transposed, 64 by 512, = x to the 2");
  assert.deepEqual(terms.map(written), ["W_Q^T", "=", "x^2"]);
});

test("boxes, arrows and the stream of a diagram are in its picture, and boxes do not overlap", () => {
  for (const width of [400, 699, 700, 1400]) {
    for (const heads of [0, 1, 3, 12]) {
      const view = diagram(heads);
      const plan = drawing(view, width);
      const down = plan.bus.d.includes("V");
      assert.equal(plan.boxes.length, view.steps.length);
      for (const [index, { x, y, width: wide, height }] of plan.boxes.entries()) {
        isInside(plan, x, y, `box ${index}`);
        isInside(plan, x + wide, y + height, `box ${index}`);
        const next = plan.boxes[index + 1];
        if (next) assert.ok(down ? next.y >= y + height : next.x >= x + wide);
      }
      for (const { d, tip, at } of plan.arrows) {
        runsInside(plan, d);
        isInside(plan, tip[0], tip[1]);
        isInside(plan, at[0], at[1]);
      }
      runsInside(plan, plan.bus.d);
      if (plan.lane) runsInside(plan, plan.lane);
      assert.equal(plan.arrows.length, 2 + 5 * heads);
    }
  }
});

test("a diagram turns upright where its columns would be too narrow", () => {
  const upright = (heads: number, width: number) => drawing(diagram(heads), width).bus.d.includes("V");
  assert.deepEqual([upright(1, 700), upright(1, 699), upright(5, 8 * 100), upright(5, 8 * 100 - 1)], [false, true, false, true]);
  assert.equal(drawing({ ...diagram(0), steps: [] }, 400).boxes.length, 0);
});

test("positions run on a lane of their own only where something loads them", () => {
  for (const width of [400, 1400]) {
    assert.notEqual(drawing(diagram(1), width).lane, "");
    assert.equal(drawing(diagram(0), width).lane, "");
    const without = { ...diagram(1), steps: diagram(1).steps.filter(({ kind }) => kind !== "pos") };
    assert.equal(drawing(without, width).lane, "");
    assert.ok(drawing(without, width).arrows.every(({ pos }) => !pos));
  }
  assert.ok(moreWidth(11) > moreWidth(1) && streamLabel(diagram(0), 400) === "the residual stream");
});

test("a wire of a diagram runs from the store of its writer to the load of its reader", () => {
  const wire = { writer: "L0.H0", reader: "L1.H1", side: "K", label: "K-composition" };
  const view = { ...diagram(2), wires: [wire, { ...wire, reader: "nobody" }] };
  for (const width of [400, 1400]) {
    const names = view.steps.map(({ name }) => name);
    const plan = drawing({ ...view, wires: [{ ...wire, writer: names[2]!, reader: names[3]! }, view.wires[1]!] }, width);
    assert.equal(plan.composed.length, 1, names.join());
    const [composed] = plan.composed;
    const key = plan.arrows.filter(({ label }) => label[0] === "K").at(width === 1400 ? 1 : 1)!;
    assert.ok(composed && plan.arrows.some(({ tip }) => tip[0] === composed.tip[0] && tip[1] === composed.tip[1]), String(key.tip));
    isInside(plan, composed.tip[0], composed.tip[1]);
    runsInside(plan, composed.d);
  }
});
