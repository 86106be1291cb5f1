/** Records as CSV (RFC 4180). */

/** Lines of fields, quoted where they need it. */
export function csv(records: string[][]): string {
  return records.map((fields) => fields.map(quote).join(",") + "\r\n").join("");
}

function quote(field: string): string {
  return /[",\r\n]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field;
}
