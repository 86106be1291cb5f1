/** Formula layout: symbols, scripts, and the shape of every matrix beneath it. */
import { type Face, fit, textWidth } from "../measure";
import type { Term } from "../model";

export const SIZE = 23;
export const SCRIPT = 14;
export const SHAPE = 11;
export const ASCENT = 34;
export const LINE = 72;
const GAP = 5;
const AROUND = 9;
/** A formula up to this factor wider than its room is scaled to one line; wider ones break. */
const SHRINK = 1.25;

export interface Piece {
  term: Term;
  text: string;
  shape: string;
  index: number;
  x: number;
  y: number;
  width: number;
  /** The start of the symbol, and its width without scripts. */
  from: number;
  symbol: number;
  face: Face;
  style: string;
  size: number;
}

export interface Line {
  pieces: Piece[];
  width: number;
  height: number;
}

/** `terms` on one line, scaled down by up to a fifth if that suffices. */
export function typeset(terms: Term[], width: number): Line {
  const whole = broken(terms, Infinity);
  return whole.width <= SHRINK * width ? whole : broken(terms, width);
}

/** `terms` on as many lines as `width` needs; a line breaks before an operator. */
function broken(terms: Term[], width: number): Line {
  const sizes = terms.map((term, index) => piece(term, index, width - 40));
  const groups: Piece[][] = [];
  for (const each of sizes) {
    const open = groups.at(-1);
    if (!open || each.term.kind === "operator") groups.push([each]);
    else open.push(each);
  }
  const pieces: Piece[] = [];
  let [x, y, most] = [0, ASCENT, 0];
  for (const group of groups) {
    const long = group.reduce((sum, { width: wide }) => sum + wide + GAP, 0);
    if (x > 0 && x + long > width) [x, y] = [14, y + LINE];
    for (const each of group) {
      if (x > 14 && x + each.width > width) [x, y] = [28, y + LINE];
      pieces.push({ ...each, x, y, from: x + (each.width - each.from) / 2 });
      x += each.width + GAP;
      most = Math.max(most, x);
    }
  }
  return { pieces, width: Math.max(1, Math.ceil(most)), height: y + (pieces.some((each) => each.y === y && each.shape) ? LINE - ASCENT + 2 : 14) };
}

/** A term without a position; `from` holds the width of its symbol and scripts together. */
function piece(term: Term, index: number, room: number): Piece {
  const face: Face = term.kind === "word" ? "sans" : "serif";
  const style = term.kind === "matrix" && /^\p{L}/u.test(term.text) ? "italic" : "";
  const size = term.kind === "word" ? 15 : SIZE;
  const text = fit(term.text, room, size, face, style);
  const symbol = textWidth(text, size, face, style);
  const scripts = Math.max(scriptWidth(term.sub), scriptWidth(term.sup));
  const whole = symbol + scripts + (scripts ? 2 : 0);
  const shape = term.shape ? fit(term.shape, room, SHAPE) : "";
  const width = Math.max(whole + (term.kind === "operator" ? AROUND : 0), shape ? textWidth(shape, SHAPE, "mono") + 8 : 0);
  return { term, text, shape, index, x: 0, y: 0, width, from: whole, symbol, face, style, size };
}

function scriptWidth(text: string | null | undefined): number {
  return text ? textWidth(text, SCRIPT, "serif", "italic") : 0;
}

/** The formula as it is read aloud. */
export function spoken(terms: Term[]): string {
  return terms
    .map(({ text, sub, sup, shape }) => {
      const raised = sup && (/^[T\u1d40\u22a4]$/.test(sup) ? " transposed" : ` to the ${sup}`);
      return text + (sub ? ` sub ${sub}` : "") + (raised || "") + (shape ? `, ${shape.replaceAll("\u00d7", "by")},` : "");
    })
    .join(" ");
}

/** A term as one line of text. */
export function written({ text, sub, sup }: Term): string {
  return text + (sub ? `_${sub}` : "") + (sup ? `^${sup}` : "");
}
