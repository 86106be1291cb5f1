/** Text that runs from right to left stands by itself: it never moves the indices, numbers and names beside it. */
import { type ComponentChild, type ComponentChildren, Fragment, h, options, type VNode } from "preact";

/** The blocks of Hebrew, Arabic, Syriac, Thaana, N'Ko and the other scripts that run to the left. */
const LETTER = "[\\u0590-\\u08ff\\ufb1d-\\ufdff\\ufe70-\\ufefc\\u{10800}-\\u{10fff}\\u{1e800}-\\u{1efff}]";
/** What may stand between two of their letters in one token or phrase: spaces, marks, joiners, the sign of a cut. */
const WITHIN = "[ \\u2423\\u2026\\u200c\\u200d\\p{M}]";
const ANY = new RegExp(LETTER, "u");
const RUN = new RegExp(`${LETTER}(?:${WITHIN}*${LETTER})*\\p{M}*`, "gu");

/** Elements whose text stays as it is. */
const KEPT = new Set<unknown>(["bdi", "tspan", "textarea", "title", "style", "script"]);

export interface Piece {
  text: string;
  /** Whether it runs from right to left. */
  left: boolean;
}

/** `text` cut where its direction changes. */
export function pieces(text: string): Piece[] {
  const found: Piece[] = [];
  let end = 0;
  for (const { 0: run, index } of text.matchAll(RUN)) {
    if (index > end) found.push({ text: text.slice(end, index), left: false });
    found.push({ text: run, left: true });
    end = index + run.length;
  }
  if (end < text.length) found.push({ text: text.slice(end), left: false });
  return found;
}

/** The same as one text, each run between the characters that isolate it: for where no element can. */
export function marked(text: string): string {
  return text.replace(RUN, "\u2068$&\u2069");
}

/** A child of an element, its runs in elements named `tag`, or marked where there is none. */
function isolated(child: ComponentChild, tag: "bdi" | "tspan" | null): ComponentChildren {
  if (Array.isArray(child)) return child.map((each: ComponentChild) => isolated(each, tag));
  if (typeof child !== "string" || !ANY.test(child)) return child;
  if (tag === null) return marked(child);
  const attributes = tag === "tspan" ? { "unicode-bidi": "isolate" } : {};
  return pieces(child).map(({ text, left }) => (left ? h(tag, attributes, text) : text));
}

function isolate({ type, props }: VNode): void {
  if ((typeof type !== "string" && type !== Fragment) || KEPT.has(type)) return;
  props.children = isolated(props.children as ComponentChild, type === "option" ? null : type === "text" ? "tspan" : "bdi");
}

/** Do so with every text that is drawn from now on, whoever wrote it. */
export function isolateText(): void {
  const before = options.vnode;
  options.vnode = (vnode) => {
    isolate(vnode);
    before?.(vnode);
  };
}
