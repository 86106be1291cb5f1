/** Isolates right-to-left text, so that it never moves the indices, numbers and names beside it. */
import { type ComponentChild, type ComponentChildren, Fragment, h, options, type VNode } from "preact";

/** The blocks of Hebrew, Arabic, Syriac, Thaana, N'Ko and the other scripts that run to the left. */
const LETTER = "[\\u0590-\\u08ff\\ufb1d-\\ufdff\\ufe70-\\ufefc\\u{10800}-\\u{10fff}\\u{1e800}-\\u{1efff}]";
/** Characters allowed between two such letters in a token or phrase: spaces, marks, joiners, the ellipsis of a cut. */
const WITHIN = "[ \\u2423\\u2026\\u200c\\u200d\\p{M}]";
const RUN = new RegExp(`(${LETTER}(?:${WITHIN}*${LETTER})*\\p{M}*)`, "gu");

/** Elements whose text is unchanged. */
const KEPT = new Set<unknown>(["bdi", "tspan", "textarea", "title"]);

/** `text` cut where its direction changes: every second piece, from the second on, runs from right to left. */
export function pieces(text: string): string[] {
  return text.split(RUN);
}

/** A child of an element, its runs in elements named `tag`, or between isolating characters without a `tag`. */
function isolated(child: ComponentChild, tag: "bdi" | "tspan" | null): ComponentChildren {
  if (Array.isArray(child)) return child.map((each: ComponentChild) => isolated(each, tag));
  if (typeof child !== "string") return child;
  const all = pieces(child);
  if (all.length === 1) return child;
  if (!tag) return all.map((text, index) => (index % 2 ? `\u2068${text}\u2069` : text)).join("");
  return all.map((text, index) => (index % 2 ? h(tag, tag === "bdi" ? null : { "unicode-bidi": "isolate" }, text) : text));
}

function isolate({ type, props }: VNode): void {
  if ((typeof type !== "string" && type !== Fragment) || KEPT.has(type)) return;
  props.children = isolated(props.children as ComponentChild, type === "option" ? null : type === "text" ? "tspan" : "bdi");
}

/** Do this for every text drawn from now on, whichever component draws it. */
export function isolateText(): void {
  const before = options.vnode;
  options.vnode = (vnode) => {
    isolate(vnode);
    before?.(vnode);
  };
}
