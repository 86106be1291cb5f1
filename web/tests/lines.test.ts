/** Line plots: axes and their numbers, paths with gaps, marks, names, and the point under the pointer. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { endsOf, pathOf, type Spot, spaced } from "../src/lines/curve";
import { drawable, geometry, ruleLevels, ticks, whole } from "../src/lines/geometry";
import { markOf, spotOf } from "../src/lines/linked";
import { move, nearest, start } from "../src/lines/point";
import { ruleSpot, topDown } from "../src/lines/spot";
import { linesRecords } from "../src/lines/tables";
import type { Cell, Lines } from "../src/model";
import { widthOf } from "../src/text";
import { chance, range } from "./chance";
import { isInside, rises, runsInside } from "./inside";

type Kind = "linear" | "log";

function plot(series: [Cell[], Cell[]][], x: Kind = "linear", y: Kind = "linear", rules: Lines["rules"] = []): Lines {
  const axis = (name: string, scale: Kind) => ({ name, label: name, scale });
  return { schema: "loadstore/lines@1", title: "t", x: axis("x", x), y: axis("y", y), series: series.map(([xs, ys], index) => ({ name: `series ${index}`, x: xs, y: ys, dashed: false })), rules };
}

const RANGES: [number, number][] = [[0, 1], [-3, 7], [-5, -2], [1e-12, 3e-12], [-1e12, 1e12], [0.999, 1.001], [2, 3], [1, 9], [1, 10], [1e-12, 1e12], [3, 4e4], [5, 5]];

/** Significant figures, to seven. */
function figures(value: number): number {
  return Number(value.toPrecision(7)).toExponential().replace(/e.*|[-.]/g, "").length;
}

test("ticks are round numbers that rise within the axis and reach over most of it", () => {
  for (const kind of ["linear", "log"] as const) {
    for (const [low, high] of RANGES.filter(([low]) => kind === "linear" || low > 0)) {
      const view = plot([[[low, high], [1, 2]]], kind);
      for (const count of [3, 6, 12]) {
        const { x } = geometry(view, 1400);
        const found = ticks(x, view.x, count);
        const [from = 0, to = 1] = x.domain();
        rises(found);
        const slack = 1e-9 * Math.max(Math.abs(from), Math.abs(to));
        assert.ok(found.length >= 2 && found.length <= 2 * count + 3, `${found.length} of ${count} from ${low} to ${high} ${kind}`);
        for (const value of found) assert.ok(value >= from - slack && value <= to + slack && figures(value) <= 5, `${value} on ${low} to ${high}`);
        const reach = (x(found.at(-1) as number) - x(found[0] as number)) / (x(to) - x(from));
        assert.ok(reach >= 0.5 - 1e-9, `${found} from ${low} to ${high} ${kind}`);
      }
    }
  }
});

test("numbers of a logarithmic axis are 1, 2 and 5, then 1 alone, then some powers", () => {
  const on = (low: number, high: number, count: number) => ticks(geometry(plot([[[low, high], [1, 2]]], "log"), 1400).x, { name: "x", label: "x", scale: "log" }, count);
  assert.deepEqual(on(1, 100, 6), [1, 2, 5, 10, 20, 50, 100]);
  assert.deepEqual(on(1, 1e6, 6), [1, 10, 100, 1e3, 1e4, 1e5, 1e6]);
  assert.ok(on(1e-12, 1e12, 6).every((value) => Math.abs(Math.log10(value) % 1) < 1e-9));
});

test("places rise with values, and every point is in the plot", () => {
  const next = chance(5);
  for (const width of [400, 619, 620, 1400]) {
    for (const kind of ["linear", "log"] as const) {
      const xs = range(50).map(() => 10 ** (24 * next() - 12)).sort((a, b) => a - b);
      const view = plot([[xs, range(50).map(() => (kind === "log" ? next() + 1e-12 : 2e12 * next() - 1e12))]], kind, kind, [{ axis: "y", value: 1, label: "one" }]);
      const box = geometry(view, width);
      rises(xs.map((x) => box.x(x)), false);
      for (const [index, x] of xs.entries()) {
        const [px, py] = [box.x(x), box.y(view.series[0]?.y[index] as number)];
        isInside(box, px, py);
        assert.ok(px >= box.left - 1e-6 && px <= box.right + 1e-6 && py >= box.top - 1e-6 && py <= box.bottom + 1e-6);
      }
      assert.ok(box.y(box.y.domain()[1] as number) < box.y(box.y.domain()[0] as number));
    }
  }
});

test("no series, one value, equal values and no numbers have an axis", () => {
  for (const kind of ["linear", "log"] as const) {
    for (const series of [[], [[[], []]], [[[1], [1]]], [[[1, 2], [0, 0]]], [[["nan", null], ["inf", "-inf"]]], [[[-1, -2], [-3, -4]]]] as [Cell[], Cell[]][][]) {
      const { x, y } = geometry(plot(series, kind, kind), 400);
      for (const [low = 0, high = 0] of [x.domain(), y.domain()]) assert.ok(Number.isFinite(low) && low < high, `${low} to ${high}`);
    }
  }
});

test("a logarithmic axis draws what is above zero only", () => {
  const log = { name: "x", label: "x", scale: "log" } as const;
  assert.deepEqual([1e-300, 0, -1, "nan", "inf", null, undefined].map((value) => drawable(log, value as Cell)), [true, false, false, false, false, false, false]);
  assert.ok(drawable({ ...log, scale: "linear" }, -1));
});

test("a line is broken at every gap, and goes through every place in order", () => {
  assert.equal(pathOf([[0, 1], [2, 3], null, [4, 5]]), "M0.00 1.00L2.00 3.00M4.00 5.00");
  assert.deepEqual([pathOf([]), pathOf([null, null]), pathOf([null, [1, 2]])], ["", "", "M1.00 2.00"]);
  runsInside({ width: 10_000, height: 1 }, pathOf(range(10_000).map((x): Spot => [x, x % 2])));
});

test("marks along a line are as far apart as they must be, and begin at different places", () => {
  const points = range(1000).map((x): Spot => [x, 0]);
  for (const gap of [0, 1, 99.5, 100]) {
    const found = spaced(points, gap, 0).map(([x]) => x);
    for (const [index, x] of found.entries()) assert.ok(index === 0 || x - (found[index - 1] as number) >= gap);
  }
  assert.deepEqual(range(5).map((series) => spaced(points, 100, series)[0]?.[0]), [0, 25, 50, 75, 0]);
  assert.deepEqual(spaced([null, [3, 3], null], 100, 1), []);
  assert.deepEqual(spaced([null, [3, 3], null], 0, 1), [[3, 3]]);
});

test("names at the ends of lines do not overlap, and stay in the plot", () => {
  for (const ys of [[1, 1, 1, 1, 1, 1, 1, 1], [0, 0.01, 0.02, 5, 5.01, 9.99, 10, 10], [0, 0, 0, 0, 0, 10, 10, 10]]) {
    const view = plot(ys.map((y) => [[0, 1], [5, y]]));
    const box = geometry(view, 1400);
    const ends = endsOf(view, box);
    assert.equal(new Set(ends.map(({ index }) => index)).size, ys.length);
    for (const [index, { y }] of ends.entries()) {
      assert.ok(y >= box.top - 8 && y <= box.bottom + 4 + 1e-9, String(y));
      assert.ok(index === 0 || y - (ends[index - 1]?.y as number) >= 15 - 1e-9);
    }
  }
  assert.equal(endsOf(plot([[[0], ["nan"]]]), { y: geometry(plot([]), 1400).y, bottom: 200 })[0]?.y, 200);
});

test("names of eight series stand at their ends where there is room, and no more", () => {
  const direct = (count: number, width: number) => geometry(plot(range(count).map(() => [[0, 1], [0, 1]])), width).direct;
  assert.deepEqual([direct(8, 620), direct(9, 620), direct(8, 619)], [true, false, false]);
});

test("a rule beyond the data is on the axis, and labels of upright rules on one level do not overlap", () => {
  for (const width of [400, 1400]) {
    const rules = range(10).map((index) => ({ axis: "x" as const, value: (index * 3) % 10, label: `rule ${index}` }));
    const view = plot([[[5, 10], [0, 1]]], "linear", "linear", rules);
    const [levels, { x }] = [ruleLevels(view, width), geometry(view, width)];
    assert.deepEqual(x.domain(), [0, 10]);
    const placed = rules.map(({ value, label }, index) => ({ level: levels.get(index), from: x(value) + 5, to: x(value) + 5 + widthOf(label, 11) }));
    for (const one of placed) for (const two of placed) assert.ok(one.level !== two.level || one.from >= two.from || one.to < two.from, `${one.to} and ${two.from} in ${width}`);
    assert.equal(levels.size, 10);
  }
});

test("the point under the pointer is the nearest that is drawn, within reach", () => {
  const view = plot([[[0, 1, 2], [0, "nan", 2]], [[1], [1]]]);
  const box = geometry(view, 1400);
  const at = (x: number, y: number, dx = 0) => nearest(view, box, box.x(x) + dx, box.y(y));
  assert.deepEqual(at(0, 0), { series: 0, index: 0 });
  assert.deepEqual(at(1, 1), { series: 1, index: 0 });
  assert.deepEqual([at(0, 0, -59.9), at(0, 0, -60)], [{ series: 0, index: 0 }, null]);
  assert.equal(nearest(plot([]), box, 0, 0), null);
});

test("keys follow a line to its ends, and change to the value nearest along the other", () => {
  const view = plot([[[0, 1, 2, 3], [0, 0, 0, 0]], [[0.4, 2.6], [1, 1]]]);
  assert.deepEqual(start(view), { series: 0, index: 0 });
  assert.deepEqual([start(plot([])), start(plot([[[], []]]))], [null, null]);
  const from = { series: 0, index: 2 };
  assert.deepEqual(["ArrowLeft", "ArrowRight", "Home", "End", "PageUp", "PageDown"].map((key) => move(view, from, key).index), [1, 3, 0, 3, 0, 3]);
  assert.deepEqual([move(view, from, "ArrowDown"), move(view, { series: 1, index: 0 }, "ArrowUp")], [{ series: 1, index: 1 }, { series: 0, index: 0 }]);
});

test("records have a line a point, and nothing where there is no number", () => {
  assert.deepEqual(linesRecords(plot([[[1, 2], ["nan", 1e-12]], [[3], [null]]])), [["series", "x", "y"], ["series 0", "1", "nan"], ["series 0", "2", "1e-12"], ["series 1", "3", ""]]);
});

test("the label of a level rule stands where no line runs: above it, else below it", () => {
  const xs = range(101);
  const flat = (y: number) => [xs, xs.map(() => y)] as [Cell[], Cell[]];
  const at = (series: [Cell[], Cell[]][]) => {
    const view = plot([...series, flat(0), flat(1)], "linear", "linear", [{ axis: "y", value: 0.5, label: "50 %" }]);
    const box = geometry(view, 500);
    const [left, base] = ruleSpot(view, box, 0.5, "50 %");
    return [left - box.left, base - box.y(0.5)] as const;
  };
  assert.deepEqual(at([]), [6, -5]);
  const [left, base] = at([[xs, xs.map((x) => (x < 30 ? 0.52 : 0))]]);
  assert.ok(left > 100 && base === -5, "a line through its first place moves it along");
  assert.deepEqual(at([flat(0.53)]), [6, 13], "a line above all of the rule moves it below");
});

test("a legend names lines from top to bottom, and those that cannot be drawn last", () => {
  const view = plot([[[0, 1], [0, 0.2]], [[0, 1], ["nan", null]], [[0, 1], [0.9, 1]]]);
  assert.deepEqual(topDown(view, geometry(view, 500)), [2, 0, 1]);
});

test("an axis of whole numbers has ticks at whole numbers", () => {
  const counted = plot([[[1, 2, 3], [0.9, 0.1, 0]]], "linear");
  assert.deepEqual(whole(counted, [1, 1.5, 2, 2.5, 3]), [1, 2, 3]);
  assert.deepEqual(whole(counted, [0.5, 1, 1.5]), [0.5, 1, 1.5]);
  assert.deepEqual(whole(plot([[[1, 2.5], [0, 1]]], "linear"), [1, 1.5, 2]), [1, 1.5, 2]);
});

test("a plot marks the place of another plot's point on the same axis, within its domain", () => {
  const view = plot([[[1, 2, 4, null], [0, 1, 2, 3]]]);
  assert.deepEqual(spotOf(view, { series: 0, index: 1 }), { axis: "x", value: 2 });
  assert.equal(spotOf(view, { series: 0, index: 3 }), null);
  const domain: [number, number] = [1, 4];
  assert.equal(markOf(view, { axis: "x", value: 4 }, domain), 4);
  assert.equal(markOf(view, { axis: "x", value: 4.01 }, domain), null);
  assert.equal(markOf(view, { axis: "step", value: 2 }, domain), null);
  assert.equal(markOf(view, null, domain), null);
});
