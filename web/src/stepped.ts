/** Key navigation in a list and in a grid. */

/** The index after a key in a list of `count`: arrows step, Home and End jump. */
export function stepped(from: number, key: string, count: number): number {
  const step = { ArrowUp: -1, ArrowLeft: -1, ArrowDown: 1, ArrowRight: 1, PageUp: -10, PageDown: 10, Home: -count, End: count }[key] ?? 0;
  return Math.min(count - 1, Math.max(0, from + step));
}

/** The cell after a key in a grid: arrows step, Home and End run along the row, with Ctrl to the corners. */
export function gridStepped(from: { row: number; column: number }, key: string, control: boolean, rows: number, columns: number) {
  const along = key === "Home" || key === "End";
  const vertical = key === "ArrowUp" || key === "ArrowDown" || key.startsWith("Page") || (along && control);
  const horizontal = key === "ArrowLeft" || key === "ArrowRight" || along;
  return {
    row: vertical ? stepped(from.row, key, rows) : from.row,
    column: horizontal ? stepped(from.column, key, columns) : from.column,
  };
}
