/** The composition graph: which wires are edges, and where these and their ends stand. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { comfortable, cut, edgesOf, type Graph, placeOf } from "../src/explorer/wires/edges";
import { curve, halfOf, largestOf, layout, portOf, type Shape, step, widthOf } from "../src/explorer/wires/layout";
import { chance, range } from "./chance";
import { corners, isInside, rises, runsInside } from "./inside";

const SHAPE: Shape = { layers: 2, heads: 4, mlps: false, biases: false, pos: true };

/** Wires of one group, strongest first. */
function graph(values: number[], power = 1): Graph {
  const mass = values.reduce((sum, value) => sum + value ** power, 0);
  const readers = values.map((_, index) => `L1.H${index % 4}.${"QKV"[index % 3]}`);
  return { name: "alignment", label: "alignment", sum: "all alignment", power, details: ["z", "q"], groups: [{ name: "heads", unit: "nats", exist: values.length, count: values.length, sent: values.length, held: 1, mass }], writers: values.map((_, index) => `L0.H${index % 4}`), readers, wires: values.map((value, index) => [index, index, 0, value, null, null]), rule: "" };
}

function kept(values: number[], percent: number): number {
  const one = graph(values);
  return cut(one, edgesOf(one), percent).edges.length;
}

test("the parts of all edges are all mass, whatever the power", () => {
  for (const power of [1, 2]) {
    const parts = edgesOf(graph([5, 3, 2, 1e-12], power)).map(({ part }) => part);
    assert.ok(Math.abs(parts.reduce((sum, part) => sum + part, 0) - 1) < 1e-12);
    rises(parts.toReversed());
  }
});

test("an edge knows its reader, and the side by which it arrives", () => {
  const one = { ...graph([1, 1, 1]), readers: ["L1.H4.V", "L0.mlp", "unembed"] };
  assert.deepEqual(edgesOf(one).map(({ to, port }) => [to, port]), [["L1.H4", "V"], ["L0.mlp", "in"], ["unembed", "in"]]);
  assert.deepEqual(["L1.H4", "L12.mlp", "embed", "unembed"].map(placeOf), [{ layer: 1, part: "H4" }, { layer: 12, part: "mlp" }, { layer: null, part: "embed" }, { layer: null, part: "unembed" }]);
});

test("a cut keeps the fewest of the strongest edges that hold its share", () => {
  assert.deepEqual([1, 49, 50, 51, 79, 80, 81, 100].map((percent) => kept([5, 3, 2], percent)), [1, 1, 1, 2, 2, 2, 3, 3]);
  assert.deepEqual([kept([], 50), kept([1], 50), kept([0, 0], 50)], [0, 1, 2]);
  const next = chance(10);
  const values = range(500).map(() => next()).sort((a, b) => b - a);
  const total = values.reduce((sum, value) => sum + value, 0);
  rises(range(100).map((percent) => kept(values, percent + 1)), false);
  for (const percent of [3, 50, 97]) {
    const count = kept(values, percent);
    const held = (many: number) => values.slice(0, many).reduce((sum, value) => sum + value, 0) / total;
    assert.ok(held(count) >= percent / 100 - 1e-9 && held(count - 1) < percent / 100);
  }
});

test("at most sixty edges are shown to begin with, of at most half of all mass", () => {
  const begin = (count: number) => {
    const one = graph(range(count).map(() => 1));
    const percent = comfortable(one, edgesOf(one));
    return [percent, cut(one, edgesOf(one), percent).edges.length];
  };
  assert.deepEqual([begin(2), begin(120), begin(122), begin(10_000)], [[50, 1], [50, 60], [49, 60], [1, 100]]);
});

test("layers stand from left to right, heads from above, and all of it in the picture", () => {
  for (const width of [400, 1400]) {
    for (const shape of [SHAPE, { ...SHAPE, layers: 24, heads: 16 }, { ...SHAPE, layers: 12, heads: 32, mlps: true, biases: true, pos: false }]) {
      const used = new Set(["embed", "unembed", ...(shape.pos ? ["pos"] : []), ...range(shape.layers).flatMap((layer) => [...range(shape.heads).map((head) => `L${layer}.H${head}`), ...(shape.mlps ? [`L${layer}.mlp`, `L${layer}.bias`] : [])])]);
      const all = layout(shape, width, used);
      const at = (name: string) => all.nodes.get(name) ?? { x: NaN, y: NaN };
      assert.equal(all.nodes.size, used.size);
      rises([at("embed").x, ...range(shape.layers).map((layer) => at(`L${layer}.H0`).x), at("unembed").x]);
      rises(range(shape.heads).map((head) => at(`L0.H${head}`).y));
      if (shape.mlps) rises([at("L0.H0").x, at("L0.mlp").x, at("L1.H0").x]);
      for (const { name, x, y } of all.nodes.values()) {
        const half = halfOf(placeOf(name), all);
        isInside(all, x - half, y - all.size[1] / 2, name);
        isInside(all, x + half, y + all.size[1] / 2, name);
      }
      rises(all.heads.map(({ x }) => x));
      assert.ok(all.heads.every(({ x }, index) => index === 0 || x - (all.heads[index - 1]?.x ?? 0) >= 26));
    }
  }
});

test("nodes of one layer do not overlap, and columns do not either", () => {
  for (const shape of [SHAPE, { ...SHAPE, layers: 24, heads: 17 }, { ...SHAPE, layers: 30, heads: 25, mlps: true }]) {
    const all = layout(shape, 400, new Set(range(shape.heads).flatMap((head) => [`L0.H${head}`, `L1.H${head}`])));
    const [one, two, beside] = ["L0.H0", "L0.H1", "L1.H0"].map((name) => all.nodes.get(name) ?? { x: 0, y: 0 });
    assert.ok((two?.y ?? 0) - (one?.y ?? 0) >= all.size[1] && (beside?.x ?? 0) - (one?.x ?? 0) >= all.size[0]);
  }
});

test("an edge runs from the right of its writer to the left of its reader, at the height of its side", () => {
  const edges = edgesOf(graph([3, 2, 1]));
  const all = layout(SHAPE, 1400, new Set(["L0.H0", "L0.H1", "L0.H2", "L1.H0", "L1.H1", "L1.H2"]));
  for (const edge of edges) {
    const path = curve(edge, all);
    runsInside(all, path);
    const [first, , , last] = corners(path) as [[number, number], unknown, unknown, [number, number]];
    const [from, to] = [all.nodes.get(edge.writer), all.nodes.get(edge.to)];
    assert.ok(Math.abs(first[0] - (from?.x ?? 0) - all.size[0] / 2) <= 0.1 && Math.abs(last[0] + 1 + all.size[0] / 2 - (to?.x ?? 0)) <= 0.1);
    assert.ok(Math.abs(last[1] - (to?.y ?? 0) - portOf(edge.port, all)) <= 0.1);
  }
  rises((["Q", "K", "V"] as const).map((port) => portOf(port, all)));
  assert.equal(curve({ ...(edges[0] as (typeof edges)[number]), writer: "L9.H9" }, all), "");
});

test("edges are as wide as the root of their part of the largest of their group", () => {
  const largest = largestOf([{ group: 0, part: 0.4 }, { group: 0, part: 0.1 }, { group: 1, part: 0 }] as Parameters<typeof largestOf>[0]);
  assert.deepEqual([0.4, 0.1, 0].map((part) => Number(widthOf({ part, group: 0 }, largest).toFixed(9))), [4.5, 2.65, 0.8]);
  assert.equal(widthOf({ part: 0, group: 1 }, largest), 0.8);
});

test("arrows go to the neighbours, and stay at the ends", () => {
  const all = layout(SHAPE, 1400, new Set(["embed", "L0.H0", "L0.H3", "L1.H1", "unembed"]));
  const nodes = [...all.nodes.values()];
  const after = (name: string, key: string) => step(nodes, all.nodes.get(name) as (typeof nodes)[number], key).name;
  assert.deepEqual(["ArrowDown", "ArrowUp", "ArrowRight", "ArrowLeft", "Home", "End"].map((key) => after("L0.H0", key)), ["L0.H3", "L0.H0", "L1.H1", "embed", "embed", "unembed"]);
  assert.deepEqual([after("embed", "ArrowLeft"), after("unembed", "ArrowRight"), after("L1.H1", "ArrowLeft")], ["embed", "unembed", "L0.H0"]);
});
