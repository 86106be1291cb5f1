/** The numbers behind a walk. */
import { DataTable, field } from "../datatable";
import { say } from "../format";
import type { Cell, Walk } from "../model";
import type { Place } from "../place";
import type { Sum } from "../waterfall/steps";
import { SumTable } from "../waterfall/table";
import { SIDES } from "./pairs";

/** The number of cells in the tables. */
export function cells(view: Walk): number {
  return SIDES.reduce((sum, side) => sum + 2 * (view.sides[side]?.writers.length ?? 0), view.parts.flat().length + 24);
}

/** Shares of every side, the parts of the score, their sum, and the weight that it makes. */
export function Tables({ view, sum, place }: { view: Walk; sum: Sum; place: Place }) {
  const labels = (side: "Q" | "K") => view.sides[side]?.writers.map(({ label }) => label) ?? [];
  const columns = labels("K");
  return (
    <>
      {SIDES.map((side) => {
        const load = view.sides[side];
        return (
          load && (
            <DataTable
              key={side}
              place={place}
              panel={side}
              caption={`${side} of ${view.head}`}
              axis={load.place}
              corner="writer"
              list
              columns={["share", "text"]}
              rows={load.writers.map(({ label, share, text }) => ({ head: label, cells: [share, text] }))}
              total={{ head: "remainder", cells: [load.remainder, ""] }}
            />
          )
        );
      })}
      <DataTable
        place={place}
        panel="parts"
        caption={view.score.label}
        axis="writer of Q by writer of K"
        corner="Q \\ K"
        columns={columns}
        rows={labels("Q").map((head, row) => ({ head, cells: columns.map((_, column) => view.parts[row]?.[column] ?? null) }))}
        text={(cell) => say(cell, 3, true)}
      />
      <SumTable view={sum} place={place} panel="score" />
      <DataTable place={place} panel="weight" caption={view.head} corner="head" list columns={["weight", "stores"]} rows={[{ head: view.head, cells: [view.weight, view.stores] }]} />
    </>
  );
}

/** All of it as records: which table, its row and column, the number, the text. */
export function records(view: Walk): string[][] {
  const line = (panel: string, row: string, column: string, value: Cell, text = "") => [panel, row, column, field(value), text];
  const shares = SIDES.flatMap((side) => {
    const load = view.sides[side];
    return load ? [...load.writers.map(({ label, share, text }) => line(side, label, "share", share, text)), line(side, "remainder", "share", load.remainder, load.place)] : [];
  });
  const parts = view.parts.flatMap((row, q) => row.map((part, k) => line("parts", view.sides.Q?.writers[q]?.label ?? "", view.sides.K?.writers[k]?.label ?? "", part)));
  const { label, value, remainder } = view.score;
  const rest = [line("score", label, "total", value), line("score", label, "remainder", remainder), line("weight", view.head, "weight", view.weight, view.stores)];
  return [["panel", "row", "column", "value", "text"], ...shares, ...parts, ...rest];
}
