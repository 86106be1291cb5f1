/** Text from right to left is isolated in what is drawn, and nothing else is touched. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type ComponentChildren, Fragment, h, type VNode } from "preact";
import { isolateText, pieces } from "../src/bidi";
import { HOSTILE } from "./chance";

isolateText();

const HEBREW = "\u05e9\u05dc\u05d5\u05dd";
const ARABIC = "\u0643\u062a\u0627\u0628";

/** What an element holds, flat: texts, and elements as their name and text. */
function held(vnode: VNode): unknown[] {
  const list = (children: ComponentChildren): unknown[] => (Array.isArray(children) ? children.flatMap(list) : [children]);
  return list(vnode.props.children).filter((child) => child !== "").map((child) => (child && typeof child === "object" ? [(child as VNode).type, (child as VNode<{ "unicode-bidi"?: string }>).props["unicode-bidi"] ?? "", ...held(child as VNode)] : child));
}

test("a text is cut where its direction changes, and its pieces are the text", () => {
  assert.deepEqual(pieces(`␣${HEBREW}·3: L0.H7 .71`), ["␣", HEBREW, "·3: L0.H7 .71"]);
  assert.deepEqual([pieces(""), pieces("a"), pieces(HEBREW), pieces(`${HEBREW}a${ARABIC}`)], [[""], ["a"], ["", HEBREW, ""], ["", HEBREW, "a", ARABIC, ""]]);
  for (const text of [...HOSTILE, `${HEBREW} ${ARABIC}, ${HEBREW}·1 | ${ARABIC}·2`, `a${HEBREW}b${ARABIC}`]) assert.equal(pieces(text).join(""), text);
});

test("words of one phrase stay together, and tokens with anything else between them do not", () => {
  assert.equal(pieces(`${HEBREW}␣${ARABIC} ${HEBREW}`).length, 3);
  assert.deepEqual(pieces(`${HEBREW}, ${HEBREW}`), ["", HEBREW, ", ", HEBREW, ""]);
  assert.deepEqual(pieces(`${HEBREW}1${HEBREW}`), ["", HEBREW, "1", HEBREW, ""]);
  assert.deepEqual(pieces(` ${HEBREW} `), [" ", HEBREW, " "]);
});

test("marks and joiners stay with their letters, and a cut text is one run", () => {
  for (const text of ["\u05e9\u05bc\u05c1", "\u0628\u064e", "\u05d0\u0301", "\u0645\u06cc\u200c\u062e", `${HEBREW}\u2026${HEBREW}`]) assert.deepEqual(pieces(text), ["", text, ""]);
});

test("every right-to-left block counts, astral ones too, and no other", () => {
  for (const letter of ["\u05d0", "\u0627", "\u0710", "\u0780", "\u07ca", "\u08a0", "\ufb2a", "\ufefb", "\u{10840}", "\u{1e900}"]) assert.deepEqual(pieces(letter), ["", letter, ""]);
  for (const letter of ["a", "α", "я", "猫", "あ", "\u0e01", "\u0905", "\u{1f600}", "·", "␣", "−"]) assert.deepEqual(pieces(letter), [letter]);
});

test("a long run takes no long time", () => {
  const text = `${"\u05b0".repeat(20_000)}${`${HEBREW}  \u0301`.repeat(5000)}x`;
  assert.equal(pieces(text).join("").length, text.length);
});

test("an element that is drawn holds its runs in elements of their own", () => {
  assert.deepEqual(held(h("td", null, `${HEBREW}·3 .71`)), [["bdi", "", HEBREW], "·3 .71"]);
  assert.deepEqual(held(h("text", null, `␣${HEBREW}·3`)), ["␣", ["tspan", "isolate", HEBREW], "·3"]);
  assert.deepEqual(held(h("p", null, "after ", HEBREW, 3)), ["after ", ["bdi", "", HEBREW], 3]);
  assert.deepEqual(held(h(Fragment, null, HEBREW)), [["bdi", "", HEBREW]]);
  assert.deepEqual(held(h("p", null, [[HEBREW]])), [["bdi", "", HEBREW]]);
});

test("where no element can stand, characters isolate", () => {
  assert.deepEqual(held(h("option", null, `␣${HEBREW} .31`)), [`␣\u2068${HEBREW}\u2069 .31`]);
});

test("what is written from left to right is drawn as it was", () => {
  const text = "the cat sat 猫 я −1.5";
  for (const name of ["p", "text", "option"]) assert.deepEqual(h(name, null, text).props.children, text);
  assert.deepEqual(held(h("p", null, null, 1, true)), [null, 1, true]);
  assert.equal(h("p", { title: HEBREW }).props.title, HEBREW);
});

test("texts that are no markup, and what is isolated already, stay as they are", () => {
  for (const name of ["textarea", "title", "bdi", "tspan"]) assert.deepEqual(h(name, null, HEBREW).props.children, HEBREW);
});
