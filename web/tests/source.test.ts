/** What must hold of the source as text: no circle of imports, and no long file. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { circlesOf } from "./circles";

const LONGEST = 250;
/** Written by scripts/model_types.py, however long. */
const MADE = [join("src", "model.ts")];
/** `from "./x"`, `import "./x"`, `import("./x")`, and `@import "./x"` of a style sheet; types count. */
const IMPORT = /(?:from|import)\s*\(?\s*["'](\.[^"']+)["']/g;

const files = readdirSync("src", { recursive: true, encoding: "utf8" })
  .filter((name) => /\.(tsx?|css)$/.test(name))
  .map((name) => join("src", name));

/** The file that an import of `from` names. */
function resolved(from: string, name: string): string {
  const base = join(dirname(from), name);
  const file = [base, `${base}.ts`, `${base}.tsx`, join(base, "index.ts")].find((each) => files.includes(each));
  assert.ok(file, `${from} imports ${name}, which is not a file below src`);
  return file;
}

const imports = new Map(files.map((file) => [file, [...readFileSync(file, "utf8").matchAll(IMPORT)].map(([, name = ""]) => resolved(file, name))]));

test("the imports of web/src are read", () => {
  assert.deepEqual(imports.get(join("src", "main.tsx"))?.sort(), ["bidi.ts", "embed.ts", "guard.tsx", "model.ts", "page.tsx", "styles/index.css"].map((name) => join("src", name)));
});

test("a circle is found, of two files, of three, and of one", () => {
  assert.deepEqual(circlesOf(new Map([["a", ["b"]], ["b", ["c", "d"]], ["c", ["a"]], ["d", []]])), [["a", "b", "c"]]);
  assert.deepEqual(circlesOf(new Map([["a", ["b"]], ["b", ["a"]], ["c", ["a", "c"]]])), [["a", "b"], ["c"]]);
  assert.deepEqual(circlesOf(new Map([["a", ["b", "c"]], ["b", ["d"]], ["c", ["d"]], ["d", []]])), []);
});

test("no import of web/src is part of a circle", () => {
  assert.deepEqual(circlesOf(imports), []);
});

test(`no file of web/src has more than ${LONGEST} lines`, () => {
  const lines = (file: string) => readFileSync(file, "utf8").split("\n").length - 1;
  assert.deepEqual(files.filter((file) => !MADE.includes(file) && lines(file) > LONGEST), []);
});

test("every file of web/src is part of a bundle", () => {
  const reached = new Set<string>();
  const reach = (file: string) => {
    if (reached.has(file)) return;
    reached.add(file);
    imports.get(file)?.forEach(reach);
  };
  ["main.tsx", "explore.tsx"].forEach((name) => reach(join("src", name)));
  assert.deepEqual(files.filter((file) => !reached.has(file) && !file.endsWith(".d.ts")), []);
});
