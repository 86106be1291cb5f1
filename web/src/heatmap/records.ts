/** A heatmap as long-form records, one cell per line. */
import { exact } from "../format";
import type { Heatmap } from "../model";

/** Header and lines: panel, row, column, value, the details, and whether the cell is outlined. */
export function heatmapRecords(view: Heatmap): string[][] {
  const names = [...new Set(view.panels.flatMap((panel) => Object.keys(panel.details ?? {})))];
  const marks = view.marks ? ["mark"] : [];
  const header = ["panel", view.rows.name, view.columns.name, "value", ...marks, ...names, "outlined"];
  const lines = view.panels.flatMap((panel) => {
    const outlined = new Set((panel.outlined ?? []).map(([row, column]) => `${row},${column}`));
    return panel.values.flatMap((cells, row) =>
      cells.map((cell, column) => [
        panel.title,
        view.rows.labels[row] ?? "",
        view.columns.labels[column] ?? "",
        blank(exact(cell)),
        ...marks.map(() => panel.marks?.[row]?.[column] ?? ""),
        ...names.map((name) => blank(exact(panel.details?.[name]?.[row]?.[column]))),
        outlined.has(`${row},${column}`) ? "1" : "0",
      ]),
    );
  });
  return [header, ...lines];
}

/** Impossible values are empty fields. */
function blank(text: string): string {
  return text === "null" ? "" : text;
}
