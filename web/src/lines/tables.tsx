/** The numbers behind a line plot, and the same as records. */
import { DataTable } from "../datatable";
import type { Lines } from "../model";
import type { Place } from "../place";

/** One table: series, x, y. */
export function LinesTable({ view, place }: { view: Lines; place: Place }) {
  const rows = view.series.flatMap(({ name, x, y }) => x.map((value, index) => ({ head: name, cells: [value, y[index] ?? null] })));
  return <DataTable place={place} caption={view.title} corner="series" list columns={[view.x.label, view.y.label]} rows={rows} />;
}

/** Header and lines: series, x, y. */
export function linesRecords(view: Lines): string[][] {
  const text = (value: unknown) => (value === null || value === undefined ? "" : String(value));
  const lines = view.series.flatMap(({ name, x, y }) => x.map((value, index) => [name, text(value), text(y[index])]));
  return [["series", view.x.name, view.y.name], ...lines];
}
