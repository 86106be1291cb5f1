/** Arrays and maps of memory: their cells and rows, the comb of a store's loads, and which store is under the pointer. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { barOf, scaleOf as barScale } from "../src/explorer/address/bar";
import { lanesOf } from "../src/explorer/memory/lanes";
import { lineOf, middle, planned, PITCH, rounded, scaleOf, sizeOf, STRIP } from "../src/explorer/memory/layout";
import { bandsOf, largest, linesOf, ownRows } from "../src/explorer/memory/rows";
import { moved, spotAt, spotOf } from "../src/explorer/memory/spot";
import type { Line, Load, Memory, Row, Store } from "../src/explorer/memory/types";
import type { Roles } from "../src/explorer/roles";
import { cellAt, layout, strength } from "../src/memory/layout";
import type { Cell, Memory as Stream } from "../src/model";
import { HOSTILE, range } from "./chance";
import { isInside, rises } from "./inside";
import "./page";

/** Values [writer][token] of one layer's heads, or of its MLP. */
function row(layer: number, values: number[][], kind = "head"): Row {
  const tokens = range(values[0]?.length ?? 0);
  return { label: `L${layer}`, layer, writers: values.map((_, head) => (kind === "head" ? `L${layer}.H${head}` : `L${layer}.${kind}`)), kinds: values.map(() => kind), values, squares: tokens.map(() => 1), sums: tokens.map(() => 1) };
}

function memory(rows: Row[], measure: Memory["measure"] = "stored"): Memory {
  return { measure, meaning: "m", first: 0, rows };
}

function roles(...named: [string, string[]][]): Roles {
  return { groups: named.map(([role, heads]) => ({ role, title: role, meaning: "", heads })), badges: Object.fromEntries(named.flatMap(([role, heads]) => heads.map((head) => [head, [role]]))), rule: "" };
}

const MAP = memory([row(0, [[1, 0, 2], [3, 0, 2]]), row(1, [[1, 1, 1], [0, 0, 0], [1, 1, 7]])]);
const LINES = linesOf(MAP, new Set(["L0.H1", "L1.H2"]), roles(["previous", ["L0.H1"]]), null);
const LABELS = ["␣the·0", "␣cat·1", "␣sat·2"];

function stream(rows: number, columns: number): Stream {
  const values = range(rows).map(() => range(columns).map((column): Cell => column / columns));
  return { schema: "loadstore/memory@1", title: "t", rows: { name: "token", labels: range(rows).map((each) => HOSTILE[each % HOSTILE.length] as string) }, columns: { name: "direction", labels: range(columns).map((each) => `d${each}`) }, values, scale: { kind: "diverging", low: -1, high: 1, label: "x" }, weights: { label: "attention", values: range(rows).map(() => 1 / rows) }, hatched: null };
}

test("rows are named heads, then what is left of their layer; every writer is in one of them", () => {
  assert.deepEqual(LINES.map(({ name, said, writers }) => [name, said, writers.length]), [["L0.H1", "previous", 1], ["L0.H0", "", 1], ["L1.H2", "", 1], ["L1", "2 more heads", 2]]);
  const rows = range(30).flatMap((layer) => [row(layer, range(9).map(() => [1])), row(layer, [[1]], "mlp")]);
  const long = memory([{ ...row(-1, [[1]], "embed"), writers: ["embed"] }, ...rows]);
  assert.deepEqual(bandsOf(long), [[0, 4], [5, 9], [10, 14], [15, 19], [20, 24], [25, 29]]);
  for (const open of [null, 0, 25]) {
    const lines = linesOf(long, new Set(["L7.H3"]), null, open);
    assert.deepEqual(lines.flatMap(({ writers }) => writers.map(({ name }) => name)).sort(), long.rows.flatMap(({ writers }) => writers).sort());
    assert.equal(lines.length, open === null ? 14 : 12 + 50);
  }
  const folded = linesOf(long, new Set(["L7.H3"]), null, null).slice(0, 6);
  assert.deepEqual(folded.map(({ name, said }) => `${name} ${said}`), ["embed ", "L0–L4 45 heads", "L0–L4 5 MLPs", "L7.H3 ", "L5–L9 44 more heads", "L5–L9 5 MLPs"]);
  assert.deepEqual([...ownRows(roles(["first", ["L0.H0"]], ["induction", ["L1.H1"]]), "L2.H2")], ["L1.H1", "L2.H2"]);
});

test("colours are norms up to a round number, on decades only where half of the cells are below a tenth of it", () => {
  const lines = (...values: number[]) => [{ name: "", said: "", band: 0, writers: [{ name: "", values }] }];
  assert.equal(sizeOf(MAP, LINES[0] as Line, 2), Math.sqrt(2));
  assert.deepEqual([0.9, 1, 1.1, 3, 7, 300].map(rounded), [1, 1, 2, 5, 10, 500]);
  const loaded = (...values: number[]) => scaleOf(memory([], "loaded"), lines(...values), values.length);
  assert.deepEqual([loaded(0.5, 4), loaded(0.49, 4)].map(({ high, transform }) => [high, transform]), [[5, undefined], [5, "log"]]);
  assert.equal(loaded(...range(19).map(() => 2), 1e9).high, 2);
  assert.equal(loaded(0, -1).high, 1);
});

test("a map of any size has room for its cells, its rows and its names", () => {
  for (const width of [400, 1400]) {
    for (const [rows, tokens] of [[1, 1], [3, 11], [49, 256], [2, 0]] as const) {
      const labels = range(tokens).map((token) => `${HOSTILE[token % HOSTILE.length]}·${token}`);
      const lines = linesOf(memory(range(rows).map((each) => row(each, [range(tokens).map(() => 1)]))), new Set(), null, 0);
      const plan = planned(lines, labels, width);
      assert.ok(plan.cell >= 30 && plan.cell <= 72 && PITCH >= STRIP);
      isInside(plan, plan.left + tokens * plan.cell, (plan.tops.at(-1) ?? 0) + STRIP);
      rises(lines.map((_, each) => lineOf(plan, each)));
    }
  }
});

test("a cell is under its own pixels, its largest writer is taken, and nothing is beside the map", () => {
  const plan = planned(LINES, LABELS, 400);
  for (const at of LINES.keys()) {
    for (const token of range(3)) {
      const [x, y] = middle(plan, { row: at, writer: 0, token });
      isInside(plan, x, y);
      assert.deepEqual(spotAt(x, y, LINES, 3, plan), { row: at, writer: largest(LINES, at, token), token });
    }
  }
  const beyond = [[plan.left - 1, plan.top + 1], [plan.left + 3 * plan.cell, plan.top + 1], [plan.left + 1, plan.top - 1], [plan.left + 1, (plan.tops.at(-1) ?? 0) + PITCH]];
  for (const [x, y] of beyond as [number, number][]) assert.equal(spotAt(x, y, LINES, 3, plan), null);
  assert.deepEqual([largest(LINES, 3, 0), largest(LINES, 3, 2), largest(LINES, 9, 0)], [0, 0, 0]);
});

test("keys go from cell to cell, along the writers of a row, and never out of the map", () => {
  const from = { row: 3, writer: 0, token: 0 };
  assert.deepEqual(moved(LINES, 3, from, "ArrowUp"), { row: 2, token: 0, writer: 0 });
  assert.deepEqual(moved(LINES, 3, from, "ArrowRight"), { row: 3, token: 1, writer: 0 });
  assert.deepEqual([moved(LINES, 3, from, "End")?.token, moved(LINES, 3, from, ".")?.writer, moved(LINES, 3, from, ",")?.writer, moved(LINES, 3, { ...from, writer: 1 }, ".")?.writer], [2, 1, 0, 1]);
  assert.deepEqual([moved(LINES, 3, from, "a"), moved(LINES, 3, from, "Enter")], [null, null]);
});

test("the address names a store by its writer and token, and others are none", () => {
  assert.deepEqual(spotOf(LINES, "L1.H1", 1, 3), { row: 3, writer: 1, token: 1 });
  for (const [writer, token] of [[undefined, 0], ["L1.H2", -1], ["L1.H2", 3], ["L1.H2", 0.5], ["L1.H2", NaN], ["L9.H9", 0], ["__proto__", 0]] as const) assert.equal(spotOf(LINES, writer, token, 3), null);
});

test("loads of a store are a comb: a trunk a side, teeth in lanes that never meet, as wide as the root of their size", () => {
  const plan = planned(LINES, LABELS, 400);
  const load = (more: Partial<Load>): Load => ({ head: "L1.H2", layer: 1, side: "K", query: 2, token: "", share: 0.4, traffic: 1, ...more });
  const lanes = (by: Store["by"], ...lit: Load[]) => lanesOf(LINES, plan, { row: 0, writer: 0, token: 0 }, { by, lit } as Store, 0, 3);
  const [found] = lanes("share", load({}), load({ share: -0.1, head: "L1.H0" }), load({ query: 3 }), load({ head: "L5.H0" }));
  assert.deepEqual(found?.ends.map(({ width, against }) => [width, against]), [[4, false], [2.5, true]]);
  assert.equal(found?.trunk.to, found?.ends[1]?.y);
  const both = lanes("share", load({ head: "L1.H0" }), load({ head: "L1.H1" }));
  assert.equal(both[0]?.ends.length, 1);
  assert.deepEqual(lanes("traffic", load({ traffic: 4 }), load({ traffic: 1, query: 1 }), load({ side: "Q", traffic: 100, query: 0 })).map(({ side, ends }) => [side, ends.map(({ width }) => width)]), [["Q", [4]], ["K", [4, 2.5]]]);
  const every = lanes("share", ...(["Q", "K", "V"] as const).flatMap((side) => range(3).flatMap((query) => ["L0.H0", "L1.H2", "L1.H0"].map((head) => load({ side, query, head })))));
  for (const { trunk, ends } of every) for (const { x, y } of [...ends, { x: trunk.x, y: trunk.to }]) isInside(plan, x, y);
  assert.equal(new Set(every.map(({ trunk }) => trunk.x)).size, 3);
  assert.equal(new Set(every.flatMap(({ ends }) => ends.map(({ y }) => y))).size, 9);
  assert.equal(every.flatMap(({ ends }) => ends.filter(({ named }) => named)).length, 14);
  assert.deepEqual(lanes("share"), []);
});

test("bars of shares begin at zero and have room, whatever their signs", () => {
  for (const shares of [[0.5, 0.3], [-0.5, -0.1], [1.4, -0.4], [0, 0], [1e-12], [1e12, -1e12], []]) {
    const scale = barScale(shares);
    for (const share of shares) {
      const { zero, x, width } = barOf(share, scale);
      assert.ok(x >= -1e-9 && width >= 0 && x + width <= 100 + 1e-9 && Math.abs((share < 0 ? x + width : x) - zero) < 1e-9);
      assert.ok(Math.abs(width - (100 * Math.abs(share)) / (scale.high - scale.low)) < 1e-9);
    }
  }
  assert.deepEqual(barScale([]), { low: 0, high: 0.01 });
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
