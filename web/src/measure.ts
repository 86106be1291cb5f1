/** Measures the width of a text in the page's fonts, and breaks it into lines. */
import { clip } from "./text";

export type Face = "sans" | "mono" | "serif";

let pen: CanvasRenderingContext2D | null = null;
const families = new Map<Face, string>();

/** Width in pixels of `text`; `style` as in a CSS font: "italic", "600". */
export function textWidth(text: string, size: number, face: Face = "sans", style = ""): number {
  pen ??= document.createElement("canvas").getContext("2d");
  if (!pen) return text.length * size * 0.6;
  let family = families.get(face);
  if (!family) {
    family = getComputedStyle(document.documentElement).getPropertyValue(`--${face}`).trim() || "sans-serif";
    families.set(face, family);
  }
  pen.font = `${style} ${size}px ${family}`;
  return pen.measureText(text).width;
}

/**
 * `text` in lines of at most `width`: broken at spaces, not within a shape such as 384 × 32, and inside a word only if
 * the word alone does not fit.
 */
export function wrap(text: string, width: number, size: number, face: Face = "sans", style = ""): string[] {
  const fits = (line: string) => textWidth(line, size, face, style) <= width;
  const lines: string[] = [];
  let line = "";
  const whole = plain(text).replaceAll(" \u00d7 ", "\u00a0\u00d7\u00a0").split(" ").filter(Boolean);
  for (const word of whole.flatMap((each) => (fits(each) ? [each] : each.split("\u00a0")))) {
    if (line && fits(`${line} ${word}`)) {
      line += ` ${word}`;
      continue;
    }
    if (line) lines.push(line);
    line = "";
    for (const character of word) {
      if (line && !fits(line + character)) {
        lines.push(line);
        line = "";
      }
      line += character;
    }
  }
  return line ? [...lines, line] : lines;
}

/** `text` shortened in its middle to at most `width`. */
export function fit(text: string, width: number, size: number, face: Face = "mono", style = ""): string {
  const whole = plain(text);
  let longest = [...whole].length;
  let cut = whole;
  while (longest > 3 && textWidth(cut, size, face, style) > width) {
    longest = Math.min(longest - 1, Math.ceil((longest * width) / textWidth(cut, size, face, style)));
    cut = clip(whole, Math.max(3, longest));
  }
  return cut;
}

/** The widest of `texts`. */
export function widestOf(texts: string[], size: number, face: Face = "mono", style = ""): number {
  return texts.reduce((most, text) => Math.max(most, textWidth(text, size, face, style)), 0);
}

/** One line of text without control characters, which SVG would not show. */
export function plain(text: string): string {
  return text.replace(/[\s\u0000-\u001f\u007f]+/g, " ");
}
