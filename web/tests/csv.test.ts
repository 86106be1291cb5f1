/** CSV: every record can be read back, and no spreadsheet computes what was a text. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { csv } from "../src/export/csv";
import { field } from "../src/datatable";
import { HOSTILE, range } from "./chance";

/** The records of a CSV text (RFC 4180). */
function read(text: string): string[][] {
  const records: string[][] = [[]];
  for (const [, quoted, plain = "", end] of text.matchAll(/(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n)/g)) {
    records.at(-1)?.push(quoted === undefined ? plain : quoted.replaceAll('""', '"'));
    if (end === "\r\n") records.push([]);
  }
  return records.slice(0, -1);
}

test("every record reads back as it was written", () => {
  const records = [HOSTILE.filter((text) => !text.startsWith("+") && text.length < 100), ["a", "", "c"], ['"', ",", "a\r\n", "1e-12"]];
  assert.deepEqual(read(csv(records).join("")), records);
});

test("a text that a spreadsheet would compute has an apostrophe; a number and a sign alone have none", () => {
  const written = (text: string) => read(csv([[text]]).join(""))[0]?.[0];
  for (const text of ["=1+1", "+A1", "-A1", "@x", "\tx", "\uff1dx", "-1-1", "+1x"]) assert.equal(written(text), `'${text}`);
  for (const text of ["-1", "+1.5", "-1e-12", "-inf", "+", "-", "=", "a=1", ".5", "-.5"]) assert.equal(written(text), text);
});

test("a field of nothing is empty, and a word stays", () => {
  assert.deepEqual(([null, undefined, "nan", "inf", 0, 1e-12, "text"] as const).map((cell) => field(cell)), ["", "", "nan", "inf", "0", "1e-12", "text"]);
});

test("a long file comes in pieces that are whole lines", () => {
  for (const [lines, count] of [[0, 1], [19_999, 1], [20_000, 2], [50_000, 3]] as const) {
    const pieces = csv(range(lines).map((line) => [String(line)]));
    assert.equal(pieces.length, count);
    assert.ok(pieces.every((piece) => piece === "" || piece.endsWith("\r\n")));
    assert.equal(pieces.join("").split("\r\n").length, lines + 1);
  }
});
