/** Deep links, what is typed into them, and answers that are kept. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { bandOf, byLayer, byRole, type Group, shownOf } from "../src/explorer/heads/groups";
import { idsOf, targetOf } from "../src/explorer/ids";
import { Kept } from "../src/explorer/kept";
import { hashOf, parsed } from "../src/explorer/link";
import { type ModelFacts, quoted, type Run, tokenAt } from "../src/explorer/screen";
import { slug } from "../src/switch/slug";
import { gridStepped, stepped } from "../src/stepped";
import { HOSTILE, range } from "./chance";

test("a link leads back to what it was made of, whatever the texts", () => {
  for (const value of HOSTILE) {
    for (const name of HOSTILE) {
      const place = Object.fromEntries([["run", "ab12"], [name, value]]);
      assert.deepEqual(parsed(hashOf({ screen: "heads", place }, {})), { screen: "heads", place });
    }
    assert.deepEqual(parsed(hashOf({ screen: "heads", place: {} }, { head: value })).place, { head: value });
  }
});

test("a link changes what it is told to, removes what is null, and keeps the rest", () => {
  const from = { screen: "heads", place: { run: "ab", at: "3", head: "L0.H1" } };
  assert.equal(hashOf(from, { at: 0, head: null, side: "K" }), "#/heads?run=ab&at=0&side=K");
  assert.equal(hashOf(from, {}, "listing"), "#/listing?run=ab&at=3&head=L0.H1");
  assert.equal(hashOf({ screen: "heads", place: {} }, { at: null }), "#/heads");
  assert.deepEqual(from.place, { run: "ab", at: "3", head: "L0.H1" });
});

test("addresses that nobody made are read as far as they go", () => {
  const read = (hash: string) => parsed(hash);
  assert.deepEqual([read(""), read("#"), read("#/"), read("#/heads"), read("heads")], [
    { screen: "", place: {} },
    { screen: "", place: {} },
    { screen: "", place: {} },
    { screen: "heads", place: {} },
    { screen: "heads", place: {} },
  ]);
  assert.deepEqual(read("#/heads?predict=why?&at=2").place, { predict: "why?", at: "2" });
  assert.deepEqual(read("#/heads?at=%&=1&at=3").place, { at: "3", "": "1" });
  assert.deepEqual(Object.keys(read("#/heads?__proto__=x").place), ["__proto__"]);
});

test("token ids are whole numbers of up to nine digits, between commas or spaces", () => {
  assert.deepEqual([idsOf("0, 17,4"), idsOf(" 1\n2 "), idsOf(""), idsOf(" , ")], [[0, 17, 4], [1, 2], [], []]);
  assert.deepEqual(["1.5", "-1", "1e3", "0x1", "1234567890", "a", "1;2"].map(idsOf), range(7).map(() => null));
  assert.deepEqual(idsOf("123456789"), [123456789]);
  assert.equal(idsOf("1 ".repeat(10_000))?.length, 10_000);
});

test("a prediction is named by its id where that is a number, else by its text", () => {
  assert.deepEqual(["12", "1234567890", " 12", "-1", "", "1.0"].map(targetOf), [12, "1234567890", " 12", "-1", "", "1.0"]);
});

test("a token that a link names is one of the run, or the usual one", () => {
  const run = { labels: ["a", "b", "c"] } as Run;
  assert.deepEqual(["0", "2", "3", "-1", "1.5", "x", "NaN", undefined].map((value) => tokenAt(run, value, 9)), [0, 2, 9, 9, 9, 9, 9, 9]);
});

test("Python reads a quoted text as it was, with hidden characters as escapes", () => {
  for (const text of HOSTILE) assert.equal(JSON.parse(quoted(text)), text);
  assert.equal(quoted('a "b" \u202e\u200b\u0085'), '"a \\"b\\" \\u202e\\u200b\\u0085"');
  assert.equal(quoted("猫 ␣ é"), '"猫 ␣ é"');
});

test("the place of a choice is its name, or its index where that says nothing or stands for two", () => {
  const slugs = (...names: string[]) => names.map((_, index) => slug(names, index));
  assert.deepEqual(slugs("By traffic!", "Ünïcode 猫", "--", "a b", "A-B"), ["by-traffic", "ünïcode-猫", "2", "3", "4"]);
  assert.equal(slug(["x".repeat(50)], 0).length, 40);
  assert.equal(slug([], 0), "0");
});

test("heads stand in groups, each in one of them, and what would be endless is folded", () => {
  const model = (layers: number, across: number) => ({ layers, heads_per_layer: across, heads: range(layers * across).map((at) => `L${Math.floor(at / across)}.H${at % across}`) }) as unknown as ModelFacts;
  const roles = { groups: [{ role: "previous", title: "previous: 1 head", meaning: "looks back", heads: ["L0.H1"] }, { role: "first", title: "first: 2 heads", meaning: "", heads: ["L1.H0", "L0.H0"] }], badges: {}, rule: "" };
  const [small, large] = [model(2, 2), model(30, 9)];
  assert.deepEqual(byRole(small, roles).map(({ title, heads, few }) => [title, heads, few]), [["previous: 1 head", [1], 1], ["first: 2 heads", [2, 0], 2], ["no role: 1 head", [3], 1]]);
  assert.deepEqual(byLayer(small).map(({ heads }) => heads), [[0, 1, 2, 3]]);
  for (const groups of [byRole(large, roles), byLayer(large)]) assert.deepEqual(groups.flatMap(({ heads }) => heads).sort((a, b) => a - b), range(270));
  assert.deepEqual(byLayer(large).map(({ title, few }) => [title, few]), [0, 5, 10, 15, 20, 25].map((from) => [`layers ${from} to ${from + 4}: 45 heads`, from ? 0 : 45]));
  const rest = byRole(large, roles).at(-1) as Group;
  assert.deepEqual([rest.title, shownOf(rest, false).length, shownOf(rest, true).length], ["no role: 267 heads", 0, 267]);
  assert.deepEqual([bandOf(8), bandOf(9), bandOf(12), bandOf(30)], [1, 2, 2, 5]);
});

test("keys step within a list and a grid, never out of them", () => {
  assert.deepEqual(["ArrowDown", "ArrowUp", "PageDown", "PageUp", "Home", "End", "x"].map((key) => stepped(5, key, 30)), [6, 4, 15, 0, 0, 29, 5]);
  assert.deepEqual([stepped(29, "ArrowRight", 30), stepped(0, "ArrowLeft", 30), stepped(0, "End", 1)], [29, 0, 0]);
  const at = (key: string, control = false) => gridStepped({ row: 2, column: 3 }, key, control, 5, 9);
  assert.deepEqual([at("ArrowUp"), at("ArrowRight"), at("End"), at("End", true), at("Home", true)], [
    { row: 1, column: 3 },
    { row: 2, column: 4 },
    { row: 2, column: 8 },
    { row: 4, column: 8 },
    { row: 0, column: 0 },
  ]);
});

test("answers are kept until there is no room, and those used last stay", () => {
  const kept = new Kept(10);
  for (const name of ["a", "b", "c"]) kept.put(name, name.toUpperCase(), 3);
  assert.deepEqual(["a", "b", "c", "d"].map((name) => kept.get(name)), ["A", "B", "C", undefined]);
  kept.get("a");
  kept.put("d", "D", 4);
  assert.deepEqual(["a", "b", "c", "d"].map((name) => kept.get(name)), ["A", undefined, "C", "D"]);
});

test("what is larger than all room is not kept, what fills it is, and what is kept anew takes its new size", () => {
  const kept = new Kept(10);
  kept.put("a", 1, 10);
  assert.equal(kept.get("a"), 1);
  kept.put("a", 2, 4);
  kept.put("b", 3, 6);
  assert.deepEqual([kept.get("a"), kept.get("b")], [2, 3]);
  kept.put("a", 4, 11);
  assert.deepEqual([kept.get("a"), kept.get("b")], [undefined, 3]);
  kept.put("c", 5, 4);
  assert.deepEqual([kept.get("b"), kept.get("c")], [3, 5]);
  kept.clear();
  assert.deepEqual([kept.get("b"), kept.get("c")], [undefined, undefined]);
  kept.put("a", 1, 10);
  assert.equal(kept.get("a"), 1);
});
