/** Whether what is drawn lies within its picture. */
import assert from "node:assert/strict";

interface Box {
  width: number;
  height: number;
}

/** Corners of a path of absolute M, L, H, V and C; control points count as corners. */
export function corners(path: string): [number, number][] {
  let [x, y] = [0, 0];
  const found: [number, number][] = [];
  for (const [, letter = "", rest = ""] of path.matchAll(/([A-Za-z])([^A-Za-z]*)/g)) {
    assert.ok("MLHVC".includes(letter), `${letter} in ${path}`);
    const numbers = rest.trim() ? rest.trim().split(/[\s,]+/).map(Number) : [];
    assert.ok(numbers.length > 0 && numbers.every(Number.isFinite), `numbers of ${path}`);
    if (letter === "H") found.push([(x = numbers.at(-1) as number), y]);
    else if (letter === "V") found.push([x, (y = numbers.at(-1) as number)]);
    else
      for (let at = 0; at < numbers.length; at += 2) {
        [x, y] = [numbers[at] as number, numbers[at + 1] as number];
        found.push([x, y]);
      }
  }
  return found;
}

/** Assert that `x`, `y` is in a picture, its edges included. */
export function isInside({ width, height }: Box, x: number, y: number, what = "a point"): void {
  assert.ok(x >= -1e-6 && x <= width + 1e-6 && y >= -1e-6 && y <= height + 1e-6, `${what} at ${x}, ${y} of ${width} × ${height}`);
}

/** Assert that a whole path is in a picture. */
export function runsInside(box: Box, path: string): void {
  for (const [x, y] of corners(path)) isInside(box, x, y, path);
}

/** Assert that numbers rise from each to the next. */
export function rises(values: number[], strictly = true): void {
  for (const [index, value] of values.entries()) {
    const before = values[index - 1] ?? -Infinity;
    assert.ok(strictly ? value > before : value >= before, `${before} before ${value}`);
  }
}
