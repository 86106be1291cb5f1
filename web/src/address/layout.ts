/** The positions of a sentence's tokens, line by line. */
import { fit, textWidth } from "../measure";
import { splitToken } from "../text";

export const SIZE = 13;
export const BAR = 44;
const INDEX = 9;
const PAD = 5;
const GAP = 5;
const GUTTER = 18;
const LINE = BAR + 42;
const LONGEST = 190;

export interface Word {
  text: string;
  index: string;
  x: number;
  y: number;
  width: number;
  /** The position of the index, right of the text. */
  at: number;
}

export interface Sentence {
  words: Word[];
  /** Where the bars of every line begin, and where its last word ends. */
  lines: { y: number; end: number }[];
  width: number;
  height: number;
  gutter: number;
}

/** `tokens` in order, with as many per line as fit in `width`. */
export function sentence(tokens: string[], width: number): Sentence {
  const words: Word[] = [];
  const lines: Sentence["lines"] = [];
  let [x, y] = [GUTTER, 14];
  for (const label of tokens) {
    const [whole, index] = splitToken(label);
    const text = fit(whole, Math.min(LONGEST, width - GUTTER - 40), SIZE);
    const long = textWidth(text, SIZE, "mono", "700");
    const wide = Math.max(26, long + (index ? 2 + textWidth(index, INDEX, "mono") : 0) + 2 * PAD);
    if (x > GUTTER && x + wide > width) [x, y] = [GUTTER, y + LINE];
    if (lines.at(-1)?.y !== y) lines.push({ y, end: x });
    lines[lines.length - 1] = { y, end: x + wide };
    words.push({ text, index, x, y, width: wide, at: x + PAD + long + 2 });
    x += wide + GAP;
  }
  return { words, lines, width, height: (lines.at(-1)?.y ?? 0) + LINE - 6, gutter: GUTTER };
}
