/** How much room texts take, how they are cut, and how they break into lines. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { fit, plain, textWidth, widestOf, wrap } from "../src/measure";
import { clip, splitToken, widest, widthOf } from "../src/text";
import { chance, HOSTILE, range } from "./chance";
import { ADVANCE } from "./page";

test("a label is cut in its middle at the length that it may have, and only beyond it", () => {
  const at = (length: number) => clip("abcdefghijklmnopqrstuvwxyz".slice(0, length), 18);
  assert.equal(at(17), "abcdefghijklmnopq");
  assert.equal(at(18), "abcdefghijklmnopqr");
  assert.equal(at(19), "abcdefghijkl\u2026opqrs");
});

test("what is cut is as long as it may be, whatever that is, and begins as the text does", () => {
  for (const text of ["internationalisation·12", "\u{1f469}".repeat(30), "x".repeat(10_000)]) {
    for (const longest of range(20).slice(1)) {
      const cut = clip(text, longest);
      assert.equal([...cut].length, longest, `${cut} of ${longest}`);
      assert.ok(cut.includes("\u2026"));
      assert.ok(text.startsWith(cut.split("\u2026")[0] as string));
    }
  }
});

test("a cut label keeps the index of its token", () => {
  const cut = clip("␣internationalisation·12");
  assert.deepEqual(splitToken(cut)[1], "12");
});

test("a label is its text and its index, the last one where a text looks like a label", () => {
  assert.deepEqual(["␣sat·10", "a·b·3", "·5", "·", "sat", "a·b", "3·", "·1·2"].map(splitToken), [
    ["␣sat", "10"],
    ["a·b", "3"],
    ["·5", ""],
    ["·", ""],
    ["sat", ""],
    ["a·b", ""],
    ["3·", ""],
    ["·1", "2"],
  ]);
  for (const text of HOSTILE.filter(Boolean)) assert.deepEqual(splitToken(`${text}·7`), [text, "7"]);
});

test("wide characters count twice, and characters of two units once", () => {
  assert.equal(widthOf("猫", 10), 2 * widthOf("a", 10));
  assert.equal(widthOf("\u{1d400}", 10), widthOf("a", 10));
  assert.equal(widthOf("", 10), 0);
  assert.equal(widest([], 10), 0);
  assert.equal(widest(["a", "abc", "ab"], 10), widthOf("abc", 10));
});

test("a text that fits stays, and one that does not is no wider than it may be", () => {
  assert.equal(textWidth("abcde", 10), 5 * 10 * ADVANCE);
  assert.equal(fit("abcde", 30, 10), "abcde");
  assert.equal(fit("abcde", 29, 10), "ab\u2026e");
  for (const text of HOSTILE) {
    for (const width of [30, 60, 400, 1400]) assert.ok(textWidth(fit(text, width, 10), 10) <= width, `${text.slice(0, 20)} in ${width}`);
  }
});

test("where there is room for nothing, three characters are left", () => {
  for (const width of [17, 1, 0, -50]) assert.equal(fit("internationalisation", width, 10), "in\u2026");
});

test("lines are no wider than they may be, and hold all that there is to say", () => {
  const next = chance(3);
  for (let count = 0; count < 50; count++) {
    const text = range(30).map(() => "abcdefghij".slice(0, Math.floor(10 * next()))).join(" ");
    const width = 20 + 200 * next();
    const lines = wrap(text, width, 10);
    for (const line of lines) assert.ok(textWidth(line, 10) <= width && !/^ | $/.test(line), `“${line}” in ${width}`);
    assert.equal(lines.join("").replaceAll(" ", ""), text.replaceAll(" ", ""));
  }
});

test("a text breaks at spaces, and a word only where it does not fit alone", () => {
  assert.deepEqual(wrap("two words", 54, 10), ["two words"]);
  assert.deepEqual(wrap("two words", 53, 10), ["two", "words"]);
  assert.deepEqual(wrap("two words", 24, 10), ["two", "word", "s"]);
  assert.deepEqual(wrap("two", 0, 10), ["t", "w", "o"]);
  assert.deepEqual([wrap("", 100, 10), wrap("  \n ", 100, 10)], [[], []]);
});

test("ten thousand words break into lines in no time", () => {
  const text = "word ".repeat(10_000);
  assert.equal(wrap(text, 6 * 9, 10).length, 5000);
  assert.equal(widestOf(range(10_000).map(String), 10), 4 * 10 * ADVANCE);
});

test("control characters, which no picture may have, become spaces", () => {
  assert.equal(plain("a\u0000\u001b\tb\r\nc\u007f"), "a b c ");
});
