/** The bar of one weight above its word. */
import { short } from "../format";
import { textWidth } from "../measure";
import type { Address } from "../model";
import { BAR, type Word } from "./layout";

export interface Weight {
  /** Bars lower than this are invisible and not drawn. */
  height: number;
  drawn: boolean;
  /** The number, if it is large enough and fits, and whether it is drawn inside the bar. */
  text: string;
  inside: boolean;
}

/** The bar of a weight, never higher than its scale. */
export function barOf(word: Pick<Word, "width">, weight: number): Weight {
  const height = BAR * Math.min(1, Math.max(0, weight));
  const text = short(weight, 2, false);
  const fits = weight >= 0.05 && textWidth(text, 10, "mono") <= word.width - 2;
  return { height, drawn: height >= 0.4, text: fits ? text : "", inside: height > BAR - 14 };
}

/** Whether weights are not a distribution: every token is read whole, so bars would be uninformative. */
export function isParallel({ weights }: Pick<Address["rows"][number], "weights">): boolean {
  return weights.reduce((sum: number, weight) => sum + (typeof weight === "number" ? weight : 0), 0) > 1.5;
}
