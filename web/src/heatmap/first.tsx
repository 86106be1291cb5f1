/** Attention without the first token's column, which dominates the patterns of many heads. */
import type { Signal } from "@preact/signals";
import type { Heatmap } from "../model";
import { splitToken } from "../text";

/** Whether `view` is attention of tokens on the same tokens, with more than the first of them. */
export function isAttention({ rows, columns, scale }: Pick<Heatmap, "rows" | "columns" | "scale">): boolean {
  return scale.kind === "sequential" && rows.name === "query" && columns.name === "key" && columns.labels.length > 1 && rows.labels[0] === columns.labels[0];
}

/** The same picture without its first column. */
export function withoutFirst(view: Heatmap): Heatmap {
  const panels = view.panels.map((panel) => ({
    ...panel,
    values: panel.values.map((cells) => cells.slice(1)),
    details: Object.fromEntries(Object.entries(panel.details ?? {}).map(([name, values]) => [name, values.map((cells) => cells.slice(1))])),
    outlined: (panel.outlined ?? []).filter(([, column]) => column > 0).map(([row, column]): [number, number] => [row, column - 1]),
  }));
  return { ...view, columns: { ...view.columns, labels: view.columns.labels.slice(1) }, panels };
}

const BEGINNING = "\u22a2";

/** The switch that hides the column of `token`. */
export function FirstSwitch({ token, hidden, change }: { token: string; hidden: Signal<boolean>; change?: () => void }) {
  const [text] = splitToken(token);
  const turn = (checked: boolean) => {
    hidden.value = checked;
    change?.();
  };
  return (
    <label>
      <input type="checkbox" checked={hidden.value} onChange={(event) => turn(event.currentTarget.checked)} /> without {text === BEGINNING ? text : token}, not renormalised
    </label>
  );
}

/** The note under a picture without its first column. */
export function firstNote(token: string | undefined): string {
  return `The column of ${token} is hidden; the other weights are unchanged and not renormalised.`;
}
