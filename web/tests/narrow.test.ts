/** A circuit's picture in little room: unused tokens shrink, and all else keeps its place beside its token. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { narrowed } from "../src/graph/narrow";
import type { Picture } from "../src/model";

const WIDE = 60;

/** Tokens in columns of WIDE; a head over the first used one, which loads from the last. */
function circuit(used: boolean[]): Picture {
  const at = (index: number) => 14 + WIDE * index + WIDE / 2;
  const [from, to] = [used.lastIndexOf(true), used.indexOf(true)];
  return {
    schema: "loadstore/picture@1",
    title: "t",
    width: 14 + WIDE * used.length + 14,
    height: 200,
    tokens: used.map((one, index) => ({ text: `t${index}`, at: [at(index), 186], folded: false, used: one })),
    marks: [{ name: "L0.H0", lines: ["L0.H0"], role: "", kind: "head", token: `t${to}`, box: [at(to) - 20, 60, 40, 22] }],
    arcs: [{ source: `t${from}`, target: "L0.H0", port: "V", share: 1, wires: 1, path: `M${at(from)} 170C${at(from)} 120 ${at(to)} 110 ${at(to)} 85`, width: 2, tip: [at(to), 85, -90], letter: [at(to), 100], positions: false }],
    unit: "",
    notes: [],
    cuts: [],
  };
}

test("a picture that fits stays as it is", () => {
  const view = circuit([true, false, false, true]);
  assert.equal(narrowed(view, view.width), view);
});

test("runs of unused tokens become one mark of 26 pixels, and marks and arcs stay with their tokens", () => {
  const view = circuit([false, false, true, false, false, false, true, false]);
  const narrow = narrowed(view, 200);
  assert.deepEqual(narrow.tokens.map(({ text }) => text), ["⋯", "t2", "⋯", "t6", "⋯"]);
  assert.equal(narrow.width, view.width - (2 + 3 + 1) * WIDE + 3 * 26);
  const place = (text: string) => narrow.tokens.find((token) => token.text === text)?.at[0];
  const [left = 0, , wide = 0] = narrow.marks[0]?.box ?? [];
  assert.equal(left + wide / 2, place("t2"));
  const numbers = (narrow.arcs[0]?.path.match(/[\d.]+/g) ?? []).map(Number);
  assert.deepEqual([numbers[0], numbers[6]], [place("t6"), place("t2")]);
  assert.deepEqual([numbers[1], numbers[7]], [170, 85]);
  assert.equal(narrow.arcs[0]?.letter[0], place("t2"));
});

test("a picture without tokens stays as it is", () => {
  const view = { ...circuit([true]), tokens: [] };
  assert.equal(narrowed(view, 10), view);
});
