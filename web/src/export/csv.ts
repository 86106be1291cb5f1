/** Records as CSV (RFC 4180). */

/** Lines per piece of a long file: millions of lines do not fit in one string. */
const PIECE = 20_000;

/** Lines of fields, quoted where they need it, in pieces. */
export function csv(records: Iterable<string[]>): string[] {
  const pieces: string[] = [];
  let lines: string[] = [];
  for (const fields of records) {
    lines.push(fields.map(quote).join(",") + "\r\n");
    if (lines.length < PIECE) continue;
    pieces.push(lines.join(""));
    lines = [];
  }
  return [...pieces, lines.join("")];
}

/** Texts that a spreadsheet would evaluate (OWASP, CSV injection); some also accept full-width signs. */
const FORMULA = /^[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]./s;
const NUMBER = /^[+-]?(?:(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?|inf|nan)$/i;

/**
 * A field with an apostrophe before a formula, and in quotation marks if needed. A number keeps its sign, and a sign
 * alone is a text.
 */
function quote(field: string): string {
  const plain = FORMULA.test(field) && !NUMBER.test(field) ? `'${field}` : field;
  return /[",\r\n]/.test(plain) ? `"${plain.replaceAll('"', '""')}"` : plain;
}
