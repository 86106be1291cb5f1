/** A view as one SVG file without a style sheet: the current picture with inlined colours. */
import { pieces } from "../bidi";

const NAMESPACE = "http://www.w3.org/2000/svg";
const PAINT = ["fill", "stroke", "stroke-width", "stroke-dasharray", "stroke-opacity", "stroke-linejoin"];
const TYPE = ["font-family", "font-size", "font-weight", "font-style", "text-anchor", "dominant-baseline", "paint-order"];
const MARGIN = 16;
const TITLE = 28;

/** The pictures and marked texts under `body`, each at its position on the screen. */
export function picture(body: HTMLElement, title: string): string {
  const origin = body.getBoundingClientRect();
  const root = element("svg", {});
  let [width, height] = [0, 0];
  const place = (box: DOMRect) => {
    width = Math.max(width, box.right - origin.left);
    height = Math.max(height, box.bottom - origin.top);
    return { x: box.left - origin.left + MARGIN, y: box.top - origin.top + MARGIN + TITLE };
  };
  for (const found of body.querySelectorAll<Element>("svg, canvas, [data-export]")) {
    const box = found.getBoundingClientRect();
    if (box.width === 0 || box.height === 0) continue;
    if (found instanceof HTMLCanvasElement) root.append(pixels(found, place(box), box));
    else if (found instanceof SVGSVGElement) root.append(nested(found, place(box), box));
    else for (const [text, line] of lines(found)) if (line.bottom <= box.bottom + 4) root.append(written(text, found, place(line), line.height));
  }
  const style = getComputedStyle(document.body);
  const heading = element("text", { x: MARGIN, y: MARGIN + 14, "font-size": 15, "font-weight": 600, "font-family": style.fontFamily, fill: style.color });
  heading.append(...isolated(title));
  width = Math.max(width, title.length * 8.5);
  const size = { width: Math.ceil(width + 2 * MARGIN), height: Math.ceil(height + 2 * MARGIN + TITLE) };
  const ground = element("rect", { ...size, fill: style.backgroundColor });
  root.prepend(ground, heading);
  set(root, { xmlns: NAMESPACE, ...size, viewBox: `0 0 ${size.width} ${size.height}` });
  return `<?xml version="1.0" encoding="UTF-8"?>\n${allowed(new XMLSerializer().serializeToString(root))}\n`;
}

/** The document with U+FFFD for every character that XML 1.0 does not allow. */
function allowed(xml: string): string {
  return xml.replace(/[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, "\ufffd");
}

/** A canvas as an image element. */
function pixels(source: HTMLCanvasElement, at: { x: number; y: number }, { width, height }: DOMRect): SVGElement {
  return element("image", { ...at, width, height, href: source.toDataURL(), preserveAspectRatio: "none", "image-rendering": getComputedStyle(source).imageRendering });
}

/** A copy of a picture at its place, without the marks of the cursor. */
function nested(source: SVGSVGElement, at: { x: number; y: number }, box: DOMRect): SVGElement {
  const copy = source.cloneNode(true) as SVGSVGElement;
  inline(source, copy);
  for (const mark of copy.querySelectorAll(".marks, .hits")) mark.remove();
  const viewBox = source.getAttribute("viewBox") ?? `0 0 ${box.width} ${box.height}`;
  set(copy, { ...at, width: box.width, height: box.height, viewBox });
  for (const node of [copy, ...copy.querySelectorAll("*")]) for (const name of ["class", "style"]) node.removeAttribute(name);
  return copy;
}

/** Write the computed style of `source` and all below it into `copy`. */
function inline(source: Element, copy: Element): void {
  const style = getComputedStyle(source);
  const names = /^(text|tspan)$/.test(source.tagName) ? [...PAINT, ...TYPE] : /^(path|rect|circle)$/.test(source.tagName) ? PAINT : [];
  for (const name of names) {
    const value = style.getPropertyValue(name);
    if (!value.includes("url(")) copy.setAttribute(name, value);
  }
  for (const [index, child] of [...source.children].entries()) {
    const twin = copy.children[index];
    if (twin) inline(child, twin);
  }
}

/** The lines that a text is broken into on the screen. */
function lines(found: Element): [string, DOMRect][] {
  const walker = document.createTreeWalker(found, NodeFilter.SHOW_TEXT);
  const range = document.createRange();
  const made: [string, DOMRect][] = [];
  const add = (node: Node, from: number, to: number, text: string) => {
    range.setStart(node, from);
    range.setEnd(node, to);
    const boxes = range.getClientRects();
    const broken = boxes.length > 1 && (boxes[0]?.top ?? 0) < (boxes[boxes.length - 1]?.top ?? 0) - 3;
    if (broken && to - from > 1) {
      for (let at = from; at < to; at++) add(node, at, at + 1, text.trim()[at - from] ?? "");
      return;
    }
    const box = range.getBoundingClientRect();
    const last = made.at(-1);
    if (!last || Math.abs(last[1].top - box.top) > 3) made.push([text, box]);
    else made[made.length - 1] = [last[0] + text, new DOMRect(last[1].x, last[1].y, box.right - last[1].x, last[1].height)];
  };
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    for (const { index, 0: word } of (node.textContent ?? "").matchAll(/\s*\S+\s*/g)) {
      add(node, index + word.length - word.trimStart().length, index + word.trimEnd().length, word);
    }
  }
  return made;
}

function written(text: string, found: Element, at: { x: number; y: number }, height: number): SVGElement {
  const style = getComputedStyle(found);
  const made = element("text", {
    x: at.x,
    y: at.y + height * 0.78,
    fill: style.color,
    "font-family": style.fontFamily,
    "font-size": style.fontSize,
    "font-weight": style.fontWeight,
    "font-style": style.fontStyle,
  });
  made.append(...isolated(text.replace(/\s+/g, " ").trim()));
  return made;
}

/** A text whose right-to-left runs do not move their neighbours. */
function isolated(text: string): (string | SVGElement)[] {
  return pieces(text).map((piece, index) => {
    if (index % 2 === 0) return piece;
    const run = element("tspan", { "unicode-bidi": "isolate" });
    run.textContent = piece;
    return run;
  });
}

function element(name: string, attributes: Record<string, string | number>): SVGElement {
  const made = document.createElementNS(NAMESPACE, name);
  set(made, attributes);
  return made;
}

function set(target: Element, attributes: Record<string, string | number>): void {
  for (const [name, value] of Object.entries(attributes)) if (name !== "xmlns") target.setAttribute(name, String(value));
}
