/** Wires of a whole model: unpacking, blocks of them, opening these, and their legend. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { placed } from "../src/breadth";
import { blockOf, membersOf, opens, wiresIn } from "../src/layers/block";
import { marks } from "../src/layers/legend";
import { layersRecords } from "../src/layers/records";
import { cellOf, unpack } from "../src/layers/unpack";
import { landing, named, opened } from "../src/layers/zoom";
import type { Cell, Layers, LayersPanel, Members } from "../src/model";
import { chance, range } from "./chance";

const ALL = { row: null, column: null };

function axis(name: string, groups: number, each: number): Members {
  return { name, groups: range(groups).map((group) => ({ label: `L${group}`, members: range(each).map((member) => `L${group}.H${member}`) })) };
}

function layers(values: LayersPanel["values"], rows: Members, columns: Members, more: Partial<Layers> = {}): Layers {
  return { schema: "loadstore/layers@1", title: "t", rows, columns, scale: { kind: "diverging", low: -1, high: 1, label: "x" }, panels: [{ title: "K", values, details: {} }], strongest: "magnitude", note: "", reference: null, digits: 2, resolution: [], ...more };
}

/** Bytes of numbers as text. */
function text(numbers: ArrayBufferView): string {
  return Buffer.from(numbers.buffer, numbers.byteOffset, numbers.byteLength).toString("base64");
}

function values(view: Layers): number[] {
  return [...(unpack(view)[0]?.values ?? [])];
}

const [ROWS, COLUMNS] = [axis("writer", 2, 2), axis("reader", 1, 2)];

test("cells and packed numbers of all three formats say the same", () => {
  const cells: Cell[][] = [[0.5, -1], ["inf", "-inf"], ["nan", 0], [1, 0.25]];
  const plain = values(layers(cells, ROWS, COLUMNS));
  assert.deepEqual(plain, [0.5, -1, Infinity, -Infinity, NaN, 0, 1, 0.25]);
  assert.deepEqual(values(layers({ format: "float32", data: text(Float32Array.from(plain)) }, ROWS, COLUMNS)), plain);
  const halves = Uint16Array.of(0x3800, 0xbc00, 0x7c00, 0xfc00, 0x7e00, 0, 0x3c00, 0x3400);
  assert.deepEqual(values(layers({ format: "float16", unit: 1, data: text(halves) }, ROWS, COLUMNS)), plain);
  const levels = Uint8Array.of(150, 0, 254, 253, 255, 100, 200, 125);
  assert.deepEqual(values(layers({ format: "uint8", low: -1, step: 0.01, data: text(levels) }, ROWS, COLUMNS)).map((value) => Number(value.toFixed(9))), plain);
});

test("half precision is read to its last bit: the largest, the smallest, those below it, and its unit", () => {
  const read = (bits: number, unit = 1) => values(layers({ format: "float16", unit, data: text(Uint16Array.of(bits)) }, axis("r", 1, 1), axis("c", 1, 1)))[0];
  assert.deepEqual([0x7bff, 0x0400, 0x0001, 0x03ff, 0x8001, 0x3555].map((bits) => read(bits)), [65504, 2 ** -14, 2 ** -24, 2 ** -14 - 2 ** -24, -(2 ** -24), 0.333251953125]);
  assert.equal(read(0x3c00, 1e12), 1e12);
});

test("a bit a cell says which wires exist, and the others are no number", () => {
  const next = chance(6);
  const [rows, columns] = [axis("r", 3, 3), axis("c", 2, 5)];
  const there = range(90).map(() => next() < 0.4);
  const bits = new Uint8Array(Math.ceil(90 / 8));
  for (const [index, bit] of there.entries()) if (bit) bits[index >> 3] = (bits[index >> 3] as number) | (1 << (index & 7));
  const wires = Float32Array.from(there.flatMap((bit, index) => (bit ? [index] : [])));
  const view = layers([], rows, columns, { panels: [{ title: "K", wires: text(bits), values: { format: "float32", data: text(wires) }, details: {} }] });
  assert.deepEqual(values(view), there.map((bit, index) => (bit ? index : NaN)));
  for (const wrong of [wires.subarray(1), Float32Array.of(...wires, 1)]) {
    view.panels[0]!.values = { format: "float32", data: text(Float32Array.from(wrong)) };
    assert.throws(() => unpack(view), /need as many numbers/);
  }
  assert.throws(() => values(layers({ format: "int4", data: "" } as never, rows, columns)), /int4, which this page cannot read/);
});

test("a cell keeps seven digits, and the word of what is no number", () => {
  assert.deepEqual([0.123456789, 1e-12, 1e12, 0, NaN, Infinity, -Infinity].map(cellOf), [0.1234568, 1e-12, 1e12, 0, "nan", "inf", "-inf"]);
});

test("a block shows the strongest of its wires by every rank, and counts them", () => {
  const numbers = [[0.5, -0.9], [0.1, "nan"], [-0.2, -0.3], [0.2, 0.1]] as Cell[][];
  const view = layers(numbers, ROWS, COLUMNS);
  const shown = (rank: Layers["strongest"]) => blockOf(view, unpack(view), ALL, rank).heatmap.panels[0]?.values;
  assert.deepEqual([shown("magnitude"), shown("highest"), shown("lowest")], [[[-0.9], [-0.3]], [[0.5], [0.2]], [[-0.9], [-0.3]]]);
  const block = blockOf(view, unpack(view), ALL, "magnitude");
  assert.deepEqual([...block.strongest[0]!.count], [3, 4]);
  assert.equal(wiresIn(block), 7);
});

test("the strongest of many blocks is that of a plain search", () => {
  const next = chance(7);
  const [rows, columns] = [axis("r", 5, 4), axis("c", 4, 3)];
  const cells = range(20).map(() => range(12).map((): Cell => (next() < 0.2 ? "nan" : Math.round(2000 * next() - 1000) / 1000)));
  const view = layers(cells, rows, columns);
  const block = blockOf(view, unpack(view), ALL, "magnitude");
  for (const row of range(5)) {
    for (const column of range(4)) {
      const all = range(12).map((index) => cells[4 * row + Math.floor(index / 3)]?.[3 * column + (index % 3)]).filter((cell) => typeof cell === "number");
      assert.equal(Math.abs(Number(block.heatmap.panels[0]?.values[row]?.[column])), Math.max(...all.map(Math.abs)));
    }
  }
});

test("a cell opens into the members that it stands for, an axis at a time, and then no further", () => {
  const view = layers(range(4).map((row) => range(2).map((column): Cell => (row === 2 && column === 1 ? 9 : 0.1 * row))), ROWS, COLUMNS);
  const all = blockOf(view, unpack(view), ALL, "magnitude");
  assert.deepEqual(opened(view, all, { row: 1, column: 0 }, "both"), { row: 1, column: 0 });
  assert.deepEqual(opened(view, all, { row: 1, column: 0 }, "row"), { row: 1, column: null });
  assert.deepEqual(opened(view, all, { row: 1, column: 0 }, "column"), { row: null, column: 0 });
  const inner = blockOf(view, unpack(view), { row: 1, column: 0 }, "magnitude");
  assert.deepEqual(inner.heatmap.rows.labels, ["L1.H0", "L1.H1"]);
  assert.deepEqual(inner.heatmap.panels[0]?.values, [[0.2, 9], [0.3, 0.3]]);
  assert.equal(opened(view, inner, { row: 0, column: 0 }, "both"), null);
  assert.deepEqual(landing(inner, 0), { panel: 0, row: 0, column: 1 });
  assert.equal(named(view, { row: 1, column: 0 }), "writer L1 \u2192 reader L0");
  assert.equal(named(view, ALL), "all layers");
});

test("groups of one member each have nothing to open", () => {
  assert.deepEqual([opens(axis("r", 3, 1), null), opens(axis("r", 1, 2), null), opens(axis("r", 2, 2), 0), opens(axis("r", 0, 0), null)], [false, true, false, false]);
  assert.deepEqual(membersOf(ROWS), ["L0.H0", "L0.H1", "L1.H0", "L1.H1"]);
});

test("a block without a wire is empty, and the cursor lands on its first cell", () => {
  const view = layers(range(4).map(() => ["nan", "nan"] as Cell[]), ROWS, COLUMNS);
  const block = blockOf(view, unpack(view), ALL, "highest");
  assert.deepEqual(block.heatmap.panels[0]?.values, [[null], [null]]);
  assert.deepEqual([landing(block, 0), wiresIn(block)], [{ panel: 0, row: 0, column: 0 }, 0]);
});

test("the legend lists what occurs, and only that", () => {
  const of = (...numbers: number[]) => marks(layers([], ROWS, COLUMNS), [{ values: Float64Array.from(numbers) }]).panels[0]?.values[0];
  assert.deepEqual([of(), of(-1, 0, 1), of(NaN), of(1.01), of(-1.01), of(Infinity), of(-Infinity)], [[], [], [null], [2], [-2], ["inf"], ["-inf"]]);
  assert.equal(of(NaN, 2, -2, Infinity, -Infinity)?.length, 5);
});

test("records have every wire that exists, with the groups of its ends", () => {
  const view = layers([[1, "nan"], [2, 3], [4, 5], [6, 7]], ROWS, COLUMNS);
  const lines = [...layersRecords(view, unpack(view))];
  assert.deepEqual(lines[0], ["panel", "writer group", "writer", "reader group", "reader", "value"]);
  assert.equal(lines.length, 1 + 7);
  assert.deepEqual(lines.at(-1), ["K", "L1", "L1.H1", "L0", "L0.H1", "7"]);
});

test("two panels and one share a row if they fit in it", () => {
  const [both, alone] = [["Q", "K"], ["V"]].map((titles) => (columns: number): Layers => {
    const panels = titles.map((title) => ({ title, values: [], details: {} }));
    return layers([], axis("writer", 30, 10), axis("head", columns, 1), { panels });
  }) as [(columns: number) => Layers, (columns: number) => Layers];
  const breadths = (columns: number) => placed([both(columns), alone(columns)]).views;
  assert.deepEqual(breadths(14), ["two-thirds", "third"]);
  assert.deepEqual(breadths(22), ["broad", "broad"]);
  assert.deepEqual(placed([alone(14), both(14)]).views, ["broad", "broad"]);
});
