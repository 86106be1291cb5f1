/** Formats numbers, and the words for values that are not numbers, consistently. */
import type { Cell } from "./model";

const MINUS = "\u2212";

/** Real minus signs in place of hyphens. */
function signed(text: string): string {
  return text.replaceAll("-", MINUS);
}

/** A finite number with `digits` decimals; a power of ten if these show only zeros or too many figures. */
export function number(value: number, digits: number): string {
  const size = Math.abs(value);
  if (size !== 0 && (size < 0.5 * 10 ** -digits || size >= 1e7)) {
    const [mantissa, power] = value.toExponential(1).split("e");
    return signed(`${mantissa?.replace(".0", "")}e${Number(power)}`);
  }
  return bare(signed(value.toFixed(digits)));
}

/** A fraction without the zero before its point, as sentences have it: `.78`. */
export function bare(text: string): string {
  return text.replace(/^(\u2212?)0\./, "$1.");
}

/** The same, short enough for a cell: no leading zero, and the sign if signs carry meaning. */
export function short(value: number, digits: number, plus: boolean): string {
  const fixed = Math.abs(value).toFixed(Math.abs(value) >= 9.95 ? 0 : Math.min(digits, 2));
  const sign = value < 0 ? MINUS : plus && value > 0 ? "+" : "";
  if (Number(fixed) === 0) return "0";
  return sign + fixed.replace(/^0\./, ".");
}

/** The text of a cell in a table or a readout. */
export function say(cell: Cell | string | undefined, digits: number, plus = false): string {
  if (typeof cell === "number") return (plus && cell > 0 ? "+" : "") + number(cell, digits);
  if (cell === null || cell === undefined) return "n/a";
  return { nan: "NaN", inf: "\u221e", "-inf": `${MINUS}\u221e` }[cell] ?? cell;
}

/** The same for one column: numbers that round to zero are `.00` beside others that do not. */
export function inColumn(cells: (Cell | undefined)[], digits: number, plus = false): (cell: Cell | undefined) => string {
  const visible = (cell: Cell | undefined) => typeof cell === "number" && Math.abs(cell) >= 0.5 * 10 ** -digits;
  const some = cells.some(visible);
  return (cell) => (some && typeof cell === "number" && !visible(cell) ? number(0, digits) : say(cell, digits, plus));
}

/** The exact value of a cell: the shortest decimal that parses to the same number, or its word. */
export function exact(cell: Cell | string | undefined): string {
  return cell === undefined ? "null" : String(cell);
}

/** A number without fixed decimals: an integer as it is, else four significant figures. */
export function free(cell: Cell | string | undefined): string {
  if (typeof cell !== "number") return say(cell, 0);
  if (Number.isInteger(cell) && Math.abs(cell) < 1e7) return signed(String(cell));
  const size = Math.abs(cell);
  if (size >= 1e-3 && size < 1e6) return bare(signed(String(Number(cell.toPrecision(4)))));
  return number(cell, 0);
}

/** The same with separated thousands. */
export function grouped(value: number): string {
  return Number.isInteger(value) && Math.abs(value) < 1e15 ? signed(String(value).replace(/\B(?=(\d{3})+$)/g, ",")) : free(value);
}

/** A share as a percentage. */
export function percent(share: number): string {
  return `${free(Math.round(share * 1000) / 10)} %`;
}
