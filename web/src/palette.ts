/** Two colour scales for light and dark pages: even steps in OKLab between a few anchors, zero near the background. */
import type { Scale } from "./model";

/** What the page is made of. */
export type Ground = "light" | "dark";
type Three = [number, number, number];

const STEPS = 128;

/** Anchors from zero to the end as lightness, chroma and hue of OKLCh, for the unsigned scale and for either sign. */
const ANCHORS: Record<Ground, { size: Three[]; minus: Three[]; plus: Three[] }> = {
  light: {
    size: [[0.962, 0.012, 210], [0.66, 0.115, 215], [0.3, 0.13, 275]],
    minus: [[0.962, 0.004, 60], [0.715, 0.12, 300], [0.455, 0.185, 293]],
    plus: [[0.962, 0.004, 60], [0.745, 0.13, 63], [0.465, 0.12, 48]],
  },
  dark: {
    size: [[0.245, 0.025, 260], [0.58, 0.115, 230], [0.93, 0.09, 160]],
    minus: [[0.245, 0.012, 270], [0.5, 0.145, 294], [0.79, 0.12, 301]],
    plus: [[0.245, 0.012, 270], [0.51, 0.105, 52], [0.785, 0.135, 65]],
  },
};

const made = new Map<string, string>();

/** Colour at a position from 0 to 1 on a page; of a diverging scale .5 is zero, below it is purple, above it orange. */
export function swatch(ground: Ground, kind: Scale["kind"], at: number): string {
  const step = Math.round(at * STEPS);
  const key = `${ground} ${kind} ${step}`;
  const known = made.get(key) ?? mixed(ground, kind, step / STEPS);
  made.set(key, known);
  return known;
}

function mixed(ground: Ground, kind: Scale["kind"], at: number): string {
  const { size, minus, plus } = ANCHORS[ground];
  return kind === "sequential" ? along(size, at) : along(at < 0.5 ? minus : plus, Math.abs(2 * at - 1));
}

/** The colour at a fraction of the path through `anchors`, with lengths measured in OKLab. */
function along(anchors: Three[], at: number): string {
  const places = anchors.map(([lightness, chroma, hue]): Three => [lightness, chroma * Math.cos((hue * Math.PI) / 180), chroma * Math.sin((hue * Math.PI) / 180)]);
  const lengths = places.slice(1).map((to, index) => Math.hypot(...to.map((part, axis) => part - (places[index] as Three)[axis]!)));
  let left = at * lengths.reduce((sum, length) => sum + length, 0);
  const leg = lengths.findIndex((length, index) => left <= length || index === lengths.length - 1 || ((left -= length), false));
  const [from, to] = [places[leg] as Three, places[leg + 1] as Three];
  return hexOf(from.map((part, axis) => part + ((to[axis]! - part) * left) / lengths[leg]!) as Three);
}

/** sRGB of a place in OKLab (Ottosson 2020). */
function hexOf([lightness, a, b]: Three): string {
  const long = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const middle = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const short = (lightness - 0.0894841775 * a - 1.291485548 * b) ** 3;
  const linear = [
    4.0767416621 * long - 3.3077115913 * middle + 0.2309699292 * short,
    -1.2684380046 * long + 2.6097574011 * middle - 0.3413193965 * short,
    -0.0041960863 * long - 0.7034186147 * middle + 1.707614701 * short,
  ];
  return `#${linear.map((part) => byteOf(part).toString(16).padStart(2, "0")).join("")}`;
}

function byteOf(linear: number): number {
  const part = Math.min(1, Math.max(0, linear));
  return Math.round(255 * (part <= 0.0031308 ? 12.92 * part : 1.055 * part ** (1 / 2.4) - 0.055));
}
