/** Records as CSV (RFC 4180). */

/** Lines of one piece of a long file: a file of millions of lines is no single string. */
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

function quote(field: string): string {
  return /[",\r\n]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field;
}
