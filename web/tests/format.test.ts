/** Numbers and the words for what is not a number. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { exact, free, grouped, inColumn, number, percent, say, short } from "../src/format";
import { chance } from "./chance";

const MINUS = "\u2212";
const SIZES = [1e-300, 1e-12, 1e-7, 0.00049, 0.0005, 0.005, 0.0999, 0.5, 1, 9.94, 9.95, 9.96, 12.5, 999.5, 9999999, 1e7, 1e12, 1e300];
const back = (text: string) => Number(text.replaceAll(MINUS, "-").replace(/^\+/, "").replaceAll(",", ""));

test("a number is within half of its last decimal, of either sign", () => {
  for (const digits of [0, 1, 2, 3, 7]) {
    for (const size of SIZES) {
      for (const value of [size, -size]) {
        const text = number(value, digits);
        const slack = /e/.test(text) ? 0.05 * 10 ** Math.floor(Math.log10(size)) * 1.01 : 0.5 * 10 ** -digits;
        assert.ok(Math.abs(back(text) - value) <= slack * (1 + 1e-9), `${value} as ${text}`);
        assert.ok(!text.includes("-"), text);
      }
    }
  }
});

test("decimals give way to a power of ten where they would show only zeros, and from ten million on", () => {
  assert.deepEqual([0.00499, 0.005, 0.00501].map((value) => number(value, 2)), ["5e\u22123", ".01", ".01"]);
  assert.deepEqual([9_999_999, 10_000_000, 10_000_001].map((value) => number(value, 0)), ["9999999", "1e7", "1e7"]);
  assert.equal(number(0, 2), ".00");
  assert.deepEqual([0.994, 0.996, -0.25].map((value) => number(value, 2)), [".99", "1.00", `${MINUS}.25`]);
  assert.equal(number(-1.25e-9, 2), `${MINUS}1.3e${MINUS}9`);
});

test("no number but zero is written as zero", () => {
  for (const size of SIZES) for (const value of [size, -size]) assert.notEqual(back(number(value, 2)), 0, String(value));
});

test("the inside of a cell has no leading zero, at most two decimals, and none from 9.95 on", () => {
  assert.deepEqual([0.5, 0.123, 1, 9.949, 9.95, 1234.5].map((value) => short(value, 3, false)), [".50", ".12", "1.00", "9.95", "10", "1235"]);
  assert.deepEqual([0.004, -0.004, 0.005, 0.006].map((value) => short(value, 2, true)), ["0", "0", "+.01", "+.01"]);
  assert.deepEqual([-1, 0, 1].map((value) => short(value, 0, true)), [`${MINUS}1`, "0", "+1"]);
});

test("what is not a number has a word, and what is impossible is not available", () => {
  assert.deepEqual((["nan", "inf", "-inf", null, undefined, "a text"] as const).map((cell) => say(cell, 2)), ["NaN", "\u221e", `${MINUS}\u221e`, "n/a", "n/a", "a text"]);
  assert.deepEqual([-0.5, 0, 0.5].map((cell) => say(cell, 1, true)), [`${MINUS}.5`, ".0", "+.5"]);
});

test("an exact number reads back as itself", () => {
  const next = chance(1);
  for (let count = 0; count < 200; count++) {
    const value = (next() - 0.5) * 10 ** (40 * next() - 20);
    assert.equal(Number(exact(value)), value);
  }
  assert.deepEqual([exact(undefined), exact(null), exact("nan")], ["null", "null", "nan"]);
});

test("a number whose decimals nobody fixed keeps four figures, and whole numbers all of theirs", () => {
  assert.deepEqual([0, -7, 9_999_999, 10_000_000, 0.12345, 12345.678, 0.0001, -0.0001].map((value) => free(value)), ["0", `${MINUS}7`, "9999999", "1e7", ".1235", "12350", `1e${MINUS}4`, `${MINUS}1e${MINUS}4`]);
  const next = chance(2);
  for (let count = 0; count < 200; count++) {
    const value = 10 ** (24 * next() - 12);
    assert.ok(Math.abs(back(free(value)) / value - 1) < 0.051, `${value} as ${free(value)}`);
  }
});

test("thousands are set apart, in whole numbers only", () => {
  assert.deepEqual([0, 999, 1000, 1234567, -1234567, 1e12, 1234.5].map(grouped), ["0", "999", "1,000", "1,234,567", `${MINUS}1,234,567`, "1,000,000,000,000", "1235"]);
  assert.deepEqual([0, 0.0005, 0.7, 0.123, 1].map(percent), ["0 %", ".1 %", "70 %", "12.3 %", "100 %"]);
});

test("numbers of one column have the same decimals, unless all of them would be zero", () => {
  const among = inColumn([0.99, 2.1e-3, -4e-4], 2, true);
  assert.deepEqual([0.99, 2.1e-3, -4e-4, 0, 0.005].map(among), ["+.99", ".00", ".00", ".00", "+.01"]);
  assert.equal(inColumn([2e-5, 1e-9], 2)(2e-5), "2e\u22125");
  assert.equal(among(null), "n/a");
});
