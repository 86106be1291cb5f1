/** The width of labels. They use a fixed-width font, so counting characters suffices. */

/** Width of one character of the label face, as a share of its size. */
const ADVANCE = 0.61;
const LONGEST = 18;

/** The visible length in characters; wide ones count twice. */
function columns(text: string): number {
  let count = 0;
  for (const character of text) {
    count += /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\u{1f300}-\u{1faff}]/u.test(character) ? 2 : 1;
  }
  return count;
}

/** Width in pixels of `text` at `size` pixels. */
export function widthOf(text: string, size: number): number {
  return columns(text) * size * ADVANCE;
}

/** The label, shortened in the middle if it is too long; its start and its index are kept. */
export function clip(text: string, longest = LONGEST): string {
  const characters = [...text];
  if (characters.length <= longest) return text;
  const tail = Math.floor((longest - 1) / 3);
  return `${characters.slice(0, longest - 1 - tail).join("")}\u2026${characters.slice(characters.length - tail).join("")}`;
}

/** Width of the widest of `labels` once clipped. */
export function widest(labels: string[], size: number): number {
  return labels.reduce((most, label) => Math.max(most, widthOf(clip(label), size)), 0);
}

/** `␣sat·10` as its text and its index; the index is empty if there is none. */
export function splitToken(label: string): [string, string] {
  const dot = label.lastIndexOf("\u00b7");
  return dot > 0 && /^\d+$/.test(label.slice(dot + 1)) ? [label.slice(0, dot), label.slice(dot + 1)] : [label, ""];
}
