/** The picture of a circuit in a narrow space: runs of tokens without loads shrink to one mark. */
import type { Picture, Token } from "../model";

/** The start of the token columns, and the width of a shrunk run. */
const [EDGE, SHRUNK] = [14, 26];
/** Letters scaled below this factor are not legible: then the picture scrolls sideways. */
export const SMALLEST = 0.66;

/** A stretch of the picture, from and to, and its position when narrowed. */
interface Stretch {
  from: number;
  to: number;
  at: number;
  wide: number;
  tokens: Token[];
  shrunk: boolean;
}

/** `view` unchanged if it fits in `width`, else with its unused tokens shrunk. */
export function narrowed(view: Picture, width: number): Picture {
  if (view.width <= width) return view;
  const stretches = stretchesOf(view.tokens);
  const last = stretches.at(-1);
  if (!last) return view;
  const x = (value: number) => placed(stretches, value);
  return {
    ...view,
    width: x(view.width),
    tokens: stretches.flatMap(({ tokens, at, wide, shrunk }): Token[] =>
      shrunk ? [{ text: "\u22ef", at: [at + wide / 2, tokens[0]?.at[1] ?? 0], folded: true, used: false }] : tokens.map((token) => ({ ...token, at: [x(token.at[0]), token.at[1]] })),
    ),
    marks: view.marks.map((mark) => {
      const [left, top, wide, high] = mark.box;
      return { ...mark, box: [x(left + wide / 2) - wide / 2, top, wide, high] };
    }),
    arcs: view.arcs.map((arc) => {
      const path = moved(arc.path, x);
      return { ...arc, path, tip: [x(arc.tip[0]), arc.tip[1], angleOf(path)], letter: [x(arc.letter[0]), arc.letter[1]] };
    }),
  };
}

/** Columns are side by side from EDGE on, each around its token; a run without loads is one stretch. */
function stretchesOf(tokens: Token[]): Stretch[] {
  const stretches: Stretch[] = [];
  let [from, at] = [EDGE, EDGE];
  for (const token of tokens) {
    const to = 2 * token.at[0] - from;
    const open = stretches.at(-1);
    if (open && !token.used && open.tokens.every(({ used }) => !used)) {
      open.tokens.push(token);
      open.to = to;
    } else stretches.push({ from, to, at: 0, wide: 0, tokens: [token], shrunk: false });
    from = to;
  }
  for (const stretch of stretches) {
    stretch.shrunk = stretch.tokens.every(({ used }) => !used) && stretch.to - stretch.from > SHRUNK;
    stretch.at = at;
    stretch.wide = stretch.shrunk ? SHRUNK : stretch.to - stretch.from;
    at += stretch.wide;
  }
  return stretches;
}

/** A horizontal position, narrowed; positions beyond all tokens keep their distance from the last. */
function placed(stretches: Stretch[], x: number): number {
  const inside = stretches.find(({ to }) => x <= to) ?? (stretches.at(-1) as Stretch);
  const share = (x - inside.from) / (inside.to - inside.from || 1);
  if (share < 0) return inside.at + (x - inside.from);
  return share > 1 ? inside.at + inside.wide + (x - inside.to) : inside.at + share * inside.wide;
}

/** A path of pairs of numbers, each first one moved. */
function moved(path: string, x: (value: number) => number): string {
  let across = false;
  return path.replace(/-?[\d.]+(?:e-?\d+)?/g, (text) => {
    across = !across;
    return across ? String(Math.round(x(Number(text)) * 10) / 10) : text;
  });
}

/** The direction in which a path arrives, in degrees. */
function angleOf(path: string): number {
  const [cx = 0, cy = 0, ex = 0, ey = 0] = (path.match(/-?[\d.]+(?:e-?\d+)?/g) ?? []).map(Number).slice(-4);
  return (Math.atan2(ey - cy, ex - cx) * 180) / Math.PI;
}
