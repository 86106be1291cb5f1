/** How colours look: luminance, lightness and difference, also to eyes that lack one kind of cone. */

export type Colour = readonly number[];

/** Light of red, green and blue of `#rrggbb`. */
export function lightOf(hex: string): Colour {
  return [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16) / 255).map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
}

/** Contrast of two colours (WCAG 2.2): from 1 to 21. */
export function contrast(a: string, b: string): number {
  const [low = 0, high = 0] = [a, b].map((hex) => 0.05 + times([[0.2126, 0.7152, 0.0722]], lightOf(hex))[0]!).sort((x, y) => x - y);
  return high / low;
}

/** A colour in OKLab (Ottosson 2020): lightness, green to red, blue to yellow. */
export function labOf(light: Colour): Colour {
  const cones = times([[0.4122214708, 0.5363325363, 0.0514459929], [0.2119034982, 0.6806995451, 0.1073969566], [0.0883024619, 0.2817188376, 0.6299787005]], light).map(Math.cbrt);
  return times([[0.2104542553, 0.793617785, -0.0040720468], [1.9779984951, -2.428592205, 0.4505937099], [0.0259040371, 0.7827717662, -0.808675766]], cones);
}

/** Lightness of a colour in OKLab. */
export function lightness(hex: string): number {
  return labOf(lightOf(hex))[0]!;
}

/** Difference of two colours in OKLab, as seen by `eyes`. */
export function difference(a: string, b: string, eyes: Eyes = "usual"): number {
  const [one, other] = [a, b].map((hex) => labOf(times(EYES[eyes], lightOf(hex)).map((part) => Math.max(0, part))));
  return Math.hypot(...one!.map((part, axis) => part - other![axis]!));
}

export type Eyes = keyof typeof EYES;

/** What reaches eyes without one kind of cone, in linear light (Machado, Oliveira and Fernandes 2009, severity 1). */
export const EYES = {
  usual: [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
  protanopia: [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
  deuteranopia: [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]],
  tritanopia: [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.3039]],
};

function times(matrix: number[][], vector: Colour): number[] {
  return matrix.map((row) => row.reduce((sum, entry, index) => sum + entry * (vector[index] ?? 0), 0));
}
