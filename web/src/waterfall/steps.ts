/** Steps of a sum: the running sum after each, and their bars. */
import type { Chart } from "../bars/layout";
import type { Cell, Waterfall } from "../model";

/** The data of a waterfall: steps and their total. */
export type Sum = Omit<Waterfall, "schema">;

export interface Entry {
  label: string;
  value: Cell;
  /** The sum of the steps so far. */
  sum: Cell;
  text: string;
}

/** A sum of rounded numbers, rounded as they are. */
function seven(value: number): number {
  return Number(value.toPrecision(7));
}

/** The steps in order; a step that is NaN does not change the sum. */
export function entries(view: Sum): Entry[] {
  let at = 0;
  return view.rows.map(({ label, value, text }) => {
    if (typeof value === "number") at += value;
    return { label, value, sum: seven(at), text };
  });
}

/** The same as bars, each starting at the end of the last. */
export function asChart(view: Sum): Chart {
  const steps = entries(view);
  const sizes = steps.map(({ value }) => (typeof value === "number" ? Math.abs(value) : 0));
  return {
    ...view,
    kind: "signed",
    rows: steps.map(({ label, value, text }, index) => ({ label, value, text, strong: false, from: Number(steps[index - 1]?.sum ?? 0) })),
    rules: [],
    tied: true,
    reach: Math.max(0, ...sizes),
  };
}

/** Every line of the table: the steps, the remainder, and the total. */
export function lines(view: Sum): Entry[] {
  const steps = entries(view);
  const last = Number(steps.at(-1)?.sum ?? 0);
  const sum = typeof view.remainder === "number" ? seven(last + view.remainder) : view.remainder;
  return [...steps, { label: "remainder", value: view.remainder, sum, text: "total minus the steps" }, { ...view.total, sum: null, text: "total" }];
}
