/** The numbers of a sum, and a line with the remainder of its steps. */
import { DataTable, field } from "../datatable";
import { free } from "../format";
import type { Cell } from "../model";
import type { Place } from "../place";
import { lines, type Sum } from "./steps";

/** Steps, remainder and total, with the sum so far. */
export function SumTable({ view, place, panel }: { view: Sum; place: Place; panel?: string }) {
  const all = lines(view).map(({ label, value, sum, text }) => ({ head: label, cells: [value, sum, text] }));
  const total = { head: view.total.label, cells: [view.total.value, "", ""] };
  return <DataTable place={place} panel={panel} caption={view.title} corner={view.columns[0]} list columns={[view.label, "running sum", view.columns[1]]} rows={all.slice(0, -1)} total={total} />;
}

/** The same as records. */
export function records(view: Sum): string[][] {
  return [[view.columns[0], view.label, "running sum", view.columns[1]], ...lines(view).map(({ label, value, sum, text }) => [label, field(value), field(sum), text])];
}

/** The remainder of the total, always shown. */
export function Remainder({ value }: { value: Cell }) {
  return (
    <p class="missing remainder" data-export>
      remainder {free(value)}: the total minus its steps
    </p>
  );
}
