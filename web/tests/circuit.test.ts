/** What is off is the same set of wires in the page, in a question and in an address; and how long is left. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { inWords, secondsLeft } from "../src/explorer/circuit/left";
import { grouped, onlyOn, read, toggled, written } from "../src/explorer/circuit/off";
import type { Load } from "../src/explorer/circuit/types";

const part = (id: number, wires: number[]) => ({ id, name: "", share: 0, wires, each: [] });
const load = (id: number, ...parts: ReturnType<typeof part>[]): Load => ({ id, name: "", depth: "", share: 0, parts });
const LOADS = [load(0, part(0, [4, 2])), load(1, part(2, [0, 1]), part(3, [3]))];
const sorted = (wires: Set<number>) => [...wires].sort();

test("wires that are off are as few groups as have exactly these, and come back from an address", () => {
  assert.deepEqual(grouped(LOADS, new Set([2, 4, 0])), { off: [0], wires: [0] });
  assert.deepEqual(grouped(LOADS, new Set([0, 1])), { off: [2], wires: [] });
  assert.deepEqual(grouped(LOADS, new Set([0, 1, 3])), { off: [1], wires: [] });
  for (const off of [[], [0], [0, 1], [0, 1, 2, 3, 4], [2, 3]]) {
    assert.deepEqual(sorted(read(LOADS, written(grouped(LOADS, new Set(off))) ?? undefined)), off);
  }
  assert.equal(written({ off: [], wires: [] }), null);
});

test("an address names only what there is", () => {
  assert.deepEqual(sorted(read(LOADS, "w9.7.-1.x.w.w1")), [1]);
});

test("a group that is partly on goes on, one that is on goes off", () => {
  assert.deepEqual(sorted(toggled(new Set([0]), [0, 1])), []);
  assert.deepEqual(sorted(toggled(new Set([3]), [0, 1])), [0, 1, 3]);
  assert.deepEqual(sorted(onlyOn(LOADS, [0, 1])), [2, 3, 4]);
});

test("the time that is left goes by what was expected, then by the speed until now", () => {
  assert.equal(secondsLeft(0, 0, 60), 60);
  assert.equal(secondsLeft(0.5, 40, 60), 40);
  assert.equal(secondsLeft(1, 40, 60), 0);
  assert.deepEqual([7, 8, 49, 50, 89, 91].map(inWords), ["a few seconds", "about 10 seconds", "about 50 seconds", "about a minute", "about a minute", "about 2 minutes"]);
});
