/** Heatmaps: the size of their cells, what is under the pointer, and what a cell says. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { isAttention, withoutFirst } from "../src/heatmap/first";
import { corner, printed } from "../src/heatmap/glyph";
import { under } from "../src/heatmap/hit";
import { bare, crowded, labelled, type Layout } from "../src/heatmap/layout";
import { pixelled, pixelsOf } from "../src/heatmap/pixelled";
import { move, start } from "../src/heatmap/point";
import { verdict } from "../src/heatmap/readout";
import { heatmapRecords } from "../src/heatmap/records";
import { panelOf } from "../src/heatmap/made";
import { drawnOutlines, outlinesNote, signedSpots } from "../src/heatmap/strong";
import type { Cell, Heatmap, Panel } from "../src/model";
import { pointed } from "../src/pointer";
import { range } from "./chance";
import { isInside } from "./inside";

function heatmap(rows: number, columns: number, panels = 1, more: Partial<Heatmap> = {}): Heatmap {
  const values = range(rows).map((row) => range(columns).map((column): Cell => row - column));
  return {
    schema: "loadstore/heatmap@1",
    title: "t",
    rows: { name: "query", labels: range(rows).map((row) => `␣row·${row}`) },
    columns: { name: "key", labels: range(columns).map((column) => `␣column·${column}`) },
    scale: { kind: "diverging", low: -2, high: 2, label: "x" },
    panels: range(panels).map((panel) => panelOf(`P${panel}`, values)),
    hatched: "the mask forbids it",
    outline_label: null,
    digits: 2,
    ...more,
  };
}

test("cells, labels and the space for them make up the picture", () => {
  for (const width of [400, 1400]) {
    for (const [rows, columns] of [[1, 1], [11, 11], [3, 200], [200, 3], [0, 0]] as const) {
      const view = heatmap(rows, columns);
      const plan = labelled(view, width);
      assert.ok(plan.cell >= 6 && plan.cell <= 38, `${plan.cell} of ${rows} × ${columns} in ${width}`);
      isInside(plan, plan.left + columns * plan.cell, plan.top + rows * plan.cell);
      assert.equal(plan.width, plan.left + columns * plan.cell + plan.right);
      assert.ok(plan.every.every((each) => each >= 1 && each * plan.cell >= 11));
    }
  }
});

test("what can be drawn within the width is, and what cannot has the smallest cells", () => {
  for (const width of [400, 1400]) {
    for (const size of [2, 11, 24, 25, 40, 200, 1000]) {
      const plan = labelled(heatmap(size, size), width);
      const least = size > 24 ? 6 : 12;
      assert.ok(plan.cell >= least && (plan.width <= width || plan.cell === least), `${size} in ${width}: ${plan.width}, cells of ${plan.cell}`);
    }
  }
});

test("panels stand side by side where there is room, with cells that can be seen", () => {
  const [narrow, wide] = [labelled(heatmap(11, 11, 3), 400), labelled(heatmap(11, 11, 3), 1400)];
  assert.ok(3 * wide.width + 2 * 28 <= 1400);
  assert.ok(2 * narrow.width > 400 && narrow.width <= 400);
});

test("six panels are drawn large, seven as thumbnails", () => {
  assert.deepEqual([6, 7].map((count) => crowded(heatmap(1, 1, count))), [false, true]);
});

test("a thousand cells are drawn as shapes, and more as pixels", () => {
  const drawn = (rows: number, columns: number, panels: number) => pixelled(heatmap(rows, columns, panels), labelled(heatmap(rows, columns, panels), 1400));
  assert.deepEqual([drawn(40, 25, 1), drawn(1001, 1, 1), drawn(20, 25, 2), drawn(26, 20, 2), drawn(20, 20, 7)], [false, true, false, true, false]);
  assert.equal(pixelled(heatmap(1, 1), bare(heatmap(1, 1))), true);
  assert.deepEqual([0, 1, 24, 384, 10_000].map((columns) => pixelsOf(heatmap(1, columns), bare(heatmap(1, columns)))), [10, 10, 8, 1, 1]);
  assert.deepEqual([7, 8].map((cell) => pixelsOf(heatmap(1, 1), { ...bare(heatmap(1, 1)), bare: false, cell })), [7, 16]);
});

test("every cell is under its own pixels, from its first to its last", () => {
  for (const width of [400, 1400]) {
    const view = heatmap(9, 13);
    for (const plan of [labelled(view, width), bare(view)]) {
      for (const row of range(9)) {
        for (const column of range(13)) {
          const [x, y] = [plan.left + column * plan.cell, plan.top + row * plan.cell];
          for (const at of [0, plan.cell / 2, plan.cell - 0.01]) assert.deepEqual(under(x + at, y + at, plan, 9, 13), { row, column });
        }
      }
    }
  }
});

test("the pointer is found in a picture of any size, in the units of the picture", () => {
  const currentTarget = { getBoundingClientRect: () => ({ left: 10, top: 20, width: 200 }) };
  const event = { currentTarget, clientX: 110, clientY: 70 } as unknown as MouseEvent;
  assert.deepEqual([200, 400, 100].map((width) => pointed(event, width)), [[100, 50], [200, 100], [50, 25]]);
});

test("beside the cells are labels, and beyond them nothing", () => {
  const plan: Layout = { cell: 10, left: 50, top: 40, right: 0, slanted: false, bare: false, every: [1, 1], width: 80, height: 60 };
  const at = (x: number, y: number) => under(x, y, plan, 2, 3);
  const none = { row: null, column: null };
  assert.deepEqual(at(49.9, 45), { row: 0, column: null });
  assert.deepEqual(at(55, 39.9), { row: null, column: 0 });
  assert.deepEqual([at(80, 45), at(79.9, 60), at(49, 60), at(49, 39), at(80, 39)], [none, none, none, none, none]);
  assert.deepEqual(under(55, 45, plan, 0, 0), none);
});

test("a slanted label belongs to the column below its foot", () => {
  const plan = { ...labelled(heatmap(2, 30), 400), slanted: true };
  const slope = Math.tan((62 * Math.PI) / 180);
  for (const column of [0, 7, 29]) {
    const foot = plan.left + (column + 0.5) * plan.cell;
    for (const up of [1, 20, 60]) assert.deepEqual(under(foot + up / slope, plan.top - up, plan, 2, 30), { row: null, column });
  }
});

test("a cell has its number from 26 pixels on, a sign from 8 where it is one of those with signs, and near zero nothing", () => {
  const view = heatmap(1, 1);
  assert.deepEqual([25.9, 26].map((size) => printed(view, -0.5, size, true)), ["\u2212", "\u2212.50"]);
  assert.deepEqual([7.9, 8].map((size) => printed(view, 0.5, size, true)), ["", "+"]);
  assert.deepEqual([8, 26].map((size) => printed(view, 0.5, size, false)), ["", "+.50"]);
  assert.deepEqual([0, -0.199, 0.2].map((value) => printed(view, value, 26, false)), ["", "", "+.20"]);
});

test("the twelve strongest cells of a panel have a sign, from a third of the scale's end on", () => {
  const spots = (values: Cell[][], kind: "diverging" | "sequential" = "diverging") => {
    const panel = panelOf("", values);
    return [...signedSpots(heatmap(values.length, values[0]!.length, 1, { panels: [panel], scale: { kind, low: -3, high: 3, label: "x" } }), panel)];
  };
  assert.deepEqual(spots([[0.99, -1, null], ["nan", 2, "inf"]]), [4, 1]);
  assert.deepEqual(spots([range(14).map((value) => -1 - value / 10)]), range(12).map((index) => 13 - index));
  assert.deepEqual(spots([[3]], "sequential"), []);
  const panel = { ...panelOf("", [range(14).map((value) => -1 - value / 10), [0.5]]), outlined: [[1, 0]] as [number, number][] };
  assert.deepEqual([...signedSpots(heatmap(2, 14), panel)].slice(0, 3), [14, 13, 12], "what is outlined comes first");
});

test("outlines are drawn at the strongest cell and at those half as strong, six at most, and the legend counts them", () => {
  const outlined = range(9).map((column): [number, number] => [0, column]);
  const panel = { ...panelOf("", [range(9).map((value) => value - 6)]), outlined };
  assert.deepEqual(drawnOutlines(panel).map(([, column]) => column - 6), [-6, -5, -4, -3]);
  assert.equal(drawnOutlines({ ...panel, values: [range(9).map((value) => 9 + value)] }).length, 6);
  const told = (...panels: Panel[]) => outlinesNote({ panels, outline_label: "beyond chance" });
  assert.equal(told(panel), "beyond chance: 4 of 9 outlined, at most 6 per panel, none below half of its strongest");
  assert.equal(told(panel, { ...panel, outlined: [[0, 0]] }), "beyond chance: 5 of 10 outlined, at most 6 per panel, none below half of its strongest");
  assert.deepEqual([told({ ...panel, outlined: [[0, 0]] }), told(panelOf("", []))], ["beyond chance", "no cell is outlined: beyond chance"]);
  assert.equal(outlinesNote({ panels: [panelOf("", [])], outline_label: null }), null);
});

test("without its first column a picture of attention keeps every other number, and its outlines move along", () => {
  const labels = ["\u22a2\u00b70", "the\u00b71"];
  const panels = [{ title: "", values: [[1, null], [0.7, 0.3]] as Cell[][], details: { d: [[1, 2], [3, 4]] }, outlined: [[1, 0], [1, 1]] as [number, number][] }];
  const scale = { kind: "sequential", low: 0, high: 1, label: "attention" } as const;
  const view = heatmap(2, 2, 1, { panels, scale, rows: { name: "query", labels }, columns: { name: "key", labels } });
  const { columns, panels: [panel] } = withoutFirst(view);
  assert.deepEqual([columns.labels, panel], [["the\u00b71"], { title: "", values: [[null], [0.3]], details: { d: [[2], [4]] }, outlined: [[1, 0]] }]);
  assert.deepEqual([view, { ...view, columns: { name: "key", labels: ["x", "y"] } }, { ...view, columns: { name: "head", labels } }].map(isAttention), [true, false, false]);
});

test("the mark of a cell beyond the scale is a triangle at its right, within it", () => {
  assert.deepEqual([corner(1, 0, 0, 20), corner(-1, 0, 0, 20)], ["M14 0h6v6z", "M14 20h6v-6z"]);
  assert.equal(corner(1, 0, 0, 5), "M1 0h4v4z");
});

test("the readout says what a cell is, also where that is no number", () => {
  const view = heatmap(1, 1);
  const said = ([null, undefined, "nan", "inf", "-inf", 2, -2, 2.01, -1e12] as const).map((cell) => verdict(view, cell));
  const none = "impossible: the mask forbids it";
  assert.deepEqual(said.slice(0, 7), [none, none, "NaN: not a number", "\u221e: infinite", "\u2212\u221e: infinite", "+2.00", "\u22122.00"]);
  assert.deepEqual(said.slice(7), ["+2.01 (off the scale, which ends at 2.00)", "\u22121e12 (off the scale, which ends at \u22122.00)"]);
  assert.equal(verdict({ ...view, hatched: null }, null), "impossible");
});

test("the keyboard begins at the first cell that is possible", () => {
  const values: Cell[][] = [[null, null], [null, 0.5]];
  assert.deepEqual(start(heatmap(2, 2, 1, { panels: [panelOf("", [[null]]), panelOf("", values)] })), { panel: 1, row: 1, column: 1 });
  assert.equal(start(heatmap(0, 0)), null);
  assert.equal(start(heatmap(1, 1, 1, { panels: [panelOf("", [[null]])] })), null);
});

test("keys stay within the panels, and run on from one into the next", () => {
  const view = heatmap(2, 3, 2);
  const last = { panel: 0, row: 0, column: 2 };
  assert.deepEqual(move(view, last, "ArrowRight", false), { panel: 1, row: 0, column: 0 });
  assert.deepEqual(move(view, { panel: 1, row: 1, column: 0 }, "ArrowLeft", false), { panel: 0, row: 1, column: 2 });
  for (const key of ["ArrowUp", "ArrowDown", "ArrowLeft", "ArrowRight", "PageUp", "PageDown", "Home", "End"]) {
    for (const from of [{ panel: 0, row: 0, column: 0 }, { panel: 1, row: 1, column: 2 }]) {
      for (const control of [false, true]) {
        const to = move(view, from, key, control);
        assert.ok(to.panel in view.panels && to.row >= 0 && to.row < 2 && to.column >= 0 && to.column < 3, key);
      }
    }
  }
});

test("records have a line a cell; what is impossible is empty", () => {
  const view = heatmap(2, 2, 1, { panels: [{ title: "P", values: [[1, null], ["nan", 1e-12]], details: { wire: [["a", null], ["b", "c"]] }, outlined: [[0, 0]] }] });
  const [header, ...lines] = heatmapRecords(view);
  assert.deepEqual(header, ["panel", "query", "key", "value", "wire", "outlined"]);
  assert.deepEqual(lines.map((line) => line.slice(3)), [["1", "a", "1"], ["", "", "0"], ["nan", "b", "0"], ["1e-12", "c", "0"]]);
});
