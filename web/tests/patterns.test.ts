/** Patterns: how they are packed, pooled into thumbnails and set in rows. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { bytesOf } from "../src/bytes";
import { acrossOf } from "../src/patterns/across";
import { greatest, pooled, shapeOf } from "../src/patterns/pool";
import { cellsOf, PART, reading, unpack } from "../src/patterns/unpack";
import { chance, range } from "./chance";

/** Weights as bytes [head][query][key] and packed as they travel. */
function packed(heads: number, size: number, causal: boolean, seed = 1): { weights: number[][][]; bytes: Uint8Array } {
  const next = chance(seed);
  const weights = range(heads).map(() => range(size).map((query) => range(causal ? query + 1 : size).map(() => Math.floor(256 * next()))));
  return { weights, bytes: Uint8Array.from(weights.flat(2)) };
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("base64");
}

test("bytes are read as they were written, without and with the browser's own decoder", () => {
  const all = Uint8Array.from(range(256));
  for (const length of [0, 1, 2, 3, 256]) assert.deepEqual(bytesOf(base64(all.subarray(0, length))), all.slice(0, length));
  assert.throws(() => bytesOf("%%%"));
  Object.assign(Uint8Array, { fromBase64: (text: string) => Uint8Array.from(Buffer.from(text, "base64")) });
  assert.deepEqual(bytesOf(base64(all)), all);
  Reflect.deleteProperty(Uint8Array, "fromBase64");
});

test("unpacking gives back every weight that was packed, causal or not", () => {
  for (const causal of [true, false]) {
    for (const [heads, size] of [[1, 1], [3, 7], [24, 35]] as const) {
      const { weights, bytes } = packed(heads, size, causal);
      const read = unpack({ packed: base64(bytes), tokens: range(size).map(String), heads: range(heads).map((head) => ({ name: `${head}`, badges: [] })), causal } as unknown as Parameters<typeof unpack>[0]);
      assert.deepEqual(range(heads).map((head) => range(size).map((query) => [...read.row(head, query)])), weights);
    }
  }
});

test("bytes that are too few or too many are refused, with both numbers", () => {
  for (const [length, size, causal] of [[9, 4, true], [11, 4, true], [15, 4, false], [0, 1, true]] as const) {
    const need = causal ? (size * (size + 1)) / 2 : size * size;
    assert.throws(() => reading(new Uint8Array(length), size, 1, causal), new RegExp(`need ${need} bytes, and there are ${length}`));
  }
  assert.equal(reading(new Uint8Array(0), 0, 5, true).size, 0);
});

test("cells are weights from 0 to 1, and null where a token cannot look", () => {
  const read = reading(Uint8Array.of(255, 0, 255, 51, 102, 102), 3, 1, true);
  assert.deepEqual(cellsOf(read, 0, 0), [[1, null, null], [0, 1, null], [51 / PART, 102 / PART, 102 / PART]]);
  assert.deepEqual(cellsOf(read, 0, 1), [[null, null], [1, null], [102 / PART, 102 / PART]]);
  assert.deepEqual(cellsOf(read, 0, 3), [[], [], []]);
});

test("up to 192 tokens have a pixel each, and more share one", () => {
  assert.deepEqual([1, 191, 192, 193, 384, 385, 10_000].map(pooled), [1, 1, 1, 2, 2, 3, 53]);
  assert.deepEqual(shapeOf(193, 0), [97, 97]);
  assert.deepEqual(shapeOf(193, 1), [97, 96]);
  for (const size of [1, 192, 193, 1000, 10_000]) assert.ok(shapeOf(size, 0).every((side) => side >= 1 && side <= 192), String(size));
});

test("a pixel is the greatest of the weights that it stands for", () => {
  for (const [size, skip] of [[5, 0], [5, 1], [193, 0], [385, 1]] as const) {
    const { weights, bytes } = packed(2, size, true);
    const read = reading(bytes, size, 2, true);
    const box = pooled(size);
    const [rows, columns] = shapeOf(size, skip);
    const expected = new Int16Array(rows * columns).fill(-1);
    for (const [query, row] of (weights[1] as number[][]).entries()) {
      for (const [key, weight] of row.entries()) {
        if (key < skip) continue;
        const spot = Math.floor(query / box) * columns + Math.floor((key - skip) / box);
        expected[spot] = Math.max(expected[spot] as number, weight);
      }
    }
    assert.deepEqual(greatest(read, 1, skip), expected);
  }
});

test("thumbnails stand in rows as asked for while each has 56 pixels, else in rows of about one length", () => {
  assert.deepEqual([acrossOf(12, 24, 12 * 68), acrossOf(12, 24, 12 * 68 - 1), acrossOf(9, 27, 4 * 68), acrossOf(12, 24, 10)], [12, 6, 3, 1]);
  assert.deepEqual([acrossOf(null, 24, 1400), acrossOf(null, 1, 1400), acrossOf(null, 10, 10)], [12, 1, 1]);
  for (const count of [1, 5, 17, 384]) {
    for (const width of [60, 400, 1400]) {
      const across = acrossOf(null, count, width);
      const rows = Math.ceil(count / across);
      assert.ok(across >= 1 && across <= Math.max(1, width / 84));
      assert.ok(rows * across - count < rows, `${count} in ${width}: ${rows} rows of ${across}`);
    }
  }
});
