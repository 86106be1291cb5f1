/** Arrays and maps of memory: their cells and strips, and which store is under the pointer. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { barOf, scaleOf } from "../src/explorer/address/bar";
import { edgesOf } from "../src/explorer/memory/edges";
import { fullest, GAP, isCut, largest, lineOf, middle, planned, STRIP, strip } from "../src/explorer/memory/layout";
import { moved, spotAt, spotOf } from "../src/explorer/memory/spot";
import type { Load, Memory, Row, Store } from "../src/explorer/memory/types";
import { cellAt, layout, strength } from "../src/memory/layout";
import type { Cell, Memory as Stream } from "../src/model";
import { chance, HOSTILE, range } from "./chance";
import { isInside, rises, runsInside } from "./inside";
import "./page";

/** Values [writer][token] of one layer. */
function row(layer: number, values: number[][]): Row {
  const tokens = range(values[0]?.length ?? 0);
  return { label: `L${layer}`, writers: values.map((_, head) => `L${layer}.H${head}`), values, squares: tokens.map(() => 1), sums: tokens.map(() => 1) };
}

function memory(rows: Row[]): Memory {
  return { measure: "stored", meaning: "m", first: 0, rows };
}

const MAP = memory([row(0, [[1, 0, 2], [3, 0, 2]]), row(1, [[1, 1, 1], [0, 0, 0], [1, 1, 7]])]);
const LABELS = ["␣the·0", "␣cat·1", "␣sat·2"];

function stream(rows: number, columns: number): Stream {
  const values = range(rows).map(() => range(columns).map((column): Cell => column / columns));
  return { schema: "loadstore/memory@1", title: "t", rows: { name: "token", labels: range(rows).map((each) => HOSTILE[each % HOSTILE.length] as string) }, columns: { name: "direction", labels: range(columns).map((each) => `d${each}`) }, values, scale: { kind: "diverging", low: -1, high: 1, label: "x" }, weights: { label: "attention", values: range(rows).map(() => 1 / rows) }, hatched: null };
}

test("a strip is its writers one after the other, and the fullest fills its cell", () => {
  const next = chance(11);
  const values = range(12).map(() => range(30).map(() => next()));
  const found = row(0, values);
  const most = fullest(found);
  for (const token of range(30)) {
    const pieces = strip(found, token, most);
    assert.equal(pieces[0]?.from, 0);
    for (const [index, piece] of pieces.entries()) {
      assert.equal(piece.from, index ? pieces[index - 1]?.to : 0);
      assert.ok(piece.to >= piece.from && piece.to <= 1);
    }
    const sum = values.reduce((all, each) => all + (each[token] as number), 0);
    assert.ok(Math.abs((pieces.at(-1)?.to as number) - sum / most) < 1e-9);
  }
  assert.ok(range(30).some((token) => Math.abs((strip(found, token, most).at(-1)?.to as number) - 1) < 1e-9));
});

test("what is below zero has no length, and a row of zeros has none anywhere", () => {
  for (const values of [[[0, 0]], [[-1, -5]], [[-1e12, 0], [0, -1e-12]]]) {
    const found = row(0, values);
    assert.equal(fullest(found), 1);
    for (const token of [0, 1]) assert.ok(strip(found, token, 1).every(({ from, to }) => from === 0 && to === 0));
  }
  assert.deepEqual([fullest(row(0, [[1e-12]])), fullest(row(0, [[1e12]]))], [1e-12, 1e12]);
});

test("a cell is cut where it is more than eight times what most have", () => {
  const tall = (size: number) => row(0, [[...range(20).map(() => 1), size]]);
  assert.deepEqual([7.9, 8, 8.1, 1000].map((size) => isCut(tall(size), 20, fullest(tall(size)))), [false, false, true, true]);
  assert.equal(strip(tall(1000), 20, fullest(tall(1000)))[0]?.to, 1);
  assert.equal(isCut(tall(1000), 0, fullest(tall(1000))), false);
});

test("a map of any size has room for its cells, its rows and its names", () => {
  for (const width of [400, 1400]) {
    for (const [rows, tokens] of [[1, 1], [3, 11], [49, 256], [2, 0]] as const) {
      const labels = range(tokens).map((token) => `${HOSTILE[token % HOSTILE.length]}·${token}`);
      const map = memory(range(rows).map((each) => row(each, [range(tokens).map(() => 1)])));
      const plan = planned(map, labels, width);
      assert.ok(plan.cell >= 30 && plan.cell <= 72 && plan.pitch >= STRIP);
      isInside(plan, plan.left + tokens * plan.cell, plan.top + (rows - 1) * plan.pitch + STRIP);
      rises(range(rows).map((each) => lineOf(plan, each)));
    }
  }
});

test("a store is where its piece is drawn, and nothing is beside the map", () => {
  const plan = planned(MAP, LABELS, 400);
  for (const [at, { writers }] of MAP.rows.entries()) {
    for (const token of range(3)) {
      for (const writer of writers.keys()) {
        const piece = strip(MAP.rows[at] as Row, token, fullest(MAP.rows[at] as Row))[writer];
        if (!piece || piece.from === piece.to) continue;
        const [x, y] = middle(MAP, plan, { row: at, writer, token });
        isInside(plan, x, y);
        assert.deepEqual(spotAt(x, y, MAP, 3, plan), { row: at, writer, token });
      }
    }
  }
  const beyond = [[plan.left - 1, plan.top + 1], [plan.left + 3 * plan.cell, plan.top + 1], [plan.left + 1, plan.top - 1], [plan.left + 1, plan.top + 2 * plan.pitch]];
  for (const [x, y] of beyond as [number, number][]) assert.equal(spotAt(x, y, MAP, 3, plan), null);
});

test("right of a strip is its last writer, and in an empty cell the first", () => {
  const plan = planned(MAP, LABELS, 400);
  const at = (token: number) => spotAt(plan.left + (token + 1) * plan.cell - 1, plan.top + 1, MAP, 3, plan)?.writer;
  assert.deepEqual([at(0), at(1)], [1, 0]);
  assert.ok(plan.cell > GAP);
});

test("the largest writer of a cell is the first of those that are equal", () => {
  assert.deepEqual([largest(MAP, 0, 0), largest(MAP, 0, 1), largest(MAP, 1, 2), largest(MAP, 9, 0)], [1, 0, 2, 0]);
});

test("keys go from cell to cell, along a strip, and never out of the map", () => {
  const from = { row: 0, writer: 0, token: 0 };
  assert.deepEqual(moved(MAP, 3, from, "ArrowDown"), { row: 1, token: 0, writer: 0 });
  assert.deepEqual(moved(MAP, 3, from, "ArrowRight"), { row: 0, token: 1, writer: largest(MAP, 0, 1) });
  assert.deepEqual([moved(MAP, 3, from, "End")?.token, moved(MAP, 3, from, ".")?.writer, moved(MAP, 3, from, ",")?.writer, moved(MAP, 3, { ...from, writer: 1 }, ".")?.writer], [2, 1, 0, 1]);
  assert.deepEqual([moved(MAP, 3, from, "a"), moved(MAP, 3, from, "Enter")], [null, null]);
});

test("the address names a store by its writer and token, and others are none", () => {
  assert.deepEqual(spotOf(MAP, "L1.H2", 1, 3), { row: 1, writer: 2, token: 1 });
  for (const [writer, token] of [[undefined, 0], ["L1.H2", -1], ["L1.H2", 3], ["L1.H2", 0.5], ["L1.H2", NaN], ["L9.H9", 0], ["__proto__", 0]] as const) assert.equal(spotOf(MAP, writer, token, 3), null);
});

test("loads of a store that are on the map have edges to their heads, as wide as the root of their size", () => {
  const plan = planned(MAP, LABELS, 400);
  const load = (more: Partial<Load>): Load => ({ head: "L1.H0", layer: 1, side: "K", query: 2, token: "", share: 0.4, traffic: 1, ...more });
  const store = (by: Store["by"], ...lit: Load[]) => edgesOf(MAP, plan, { row: 0, writer: 1, token: 0 }, { by, lit } as Store, 3);
  const found = store("share", load({}), load({ share: -0.1, head: "L1.H2" }), load({ query: 3 }), load({ layer: 5 }));
  assert.deepEqual(found.map(({ width }) => Number(width.toFixed(9))), [5.8, 3.3]);
  for (const { d } of found) runsInside(plan, d);
  assert.ok((found[0]?.to[0] ?? 0) < (found[1]?.to[0] ?? 0));
  assert.deepEqual(store("traffic", load({ traffic: 4 }), load({ traffic: 1 }), load({ side: "Q", traffic: 100 })).map(({ width }) => width), [5.8, 3.3, 5.8]);
  assert.deepEqual([store("share"), store("share", load({ share: 0 }))[0]?.width], [[], 0.8]);
  assert.deepEqual(store("share", ...range(17).map(() => load({}))).map(({ named }) => named).slice(15), [true, false]);
});

test("bars of shares begin at zero and have room, whatever their signs", () => {
  for (const shares of [[0.5, 0.3], [-0.5, -0.1], [1.4, -0.4], [0, 0], [1e-12], [1e12, -1e12], []]) {
    const scale = scaleOf(shares);
    for (const share of shares) {
      const { zero, x, width } = barOf(share, scale);
      assert.ok(x >= -1e-9 && width >= 0 && x + width <= 100 + 1e-9 && Math.abs((share < 0 ? x + width : x) - zero) < 1e-9);
      assert.ok(Math.abs(width - (100 * Math.abs(share)) / (scale.high - scale.low)) < 1e-9);
    }
  }
  assert.deepEqual(scaleOf([]), { low: 0, high: 0.01 });
});

test("the cells of an array are under their own pixels, and the labels are no cells above and below", () => {
  for (const width of [400, 1400]) {
    for (const [rows, columns] of [[1, 1], [11, 24], [200, 384]] as const) {
      const view = stream(rows, columns);
      const plan = layout(view, width);
      isInside(plan, plan.left + columns * plan.cell, plan.top + rows * plan.row);
      assert.ok(plan.label < plan.bar.left && plan.bar.left + plan.bar.width < plan.printed && plan.printed < plan.left);
      for (const [r, c] of [[0, 0], [rows - 1, columns - 1]] as const) assert.deepEqual(cellAt(plan.left + (c + 0.5) * plan.cell, plan.top + (r + 0.5) * plan.row, view, plan), { row: r, column: c });
      assert.deepEqual(cellAt(0, plan.top, view, plan), { row: 0, column: 0 });
      for (const [x, y] of [[plan.left + columns * plan.cell, plan.top], [plan.left, plan.top - 1], [plan.left, plan.top + rows * plan.row]] as const) assert.equal(cellAt(x, y, view, plan), null);
    }
  }
});

test("a row is fainter the less it weighs, and never too faint to be read", () => {
  const view = { ...stream(4, 2), weights: { label: "attention", values: [1, 0.25, 0, "nan"] as Cell[] } };
  assert.deepEqual(range(4).map((each) => Number(strength(view, each).toFixed(9))), [1, 0.61, 0.22, 1]);
  assert.equal(strength({ ...view, weights: { label: "", values: [0, 0] } }, 0), 1);
});
