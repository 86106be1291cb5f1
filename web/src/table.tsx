/** A table that is itself the view. */
import { exact, inColumn, say } from "./format";
import { ViewFrame } from "./frame";
import type { Cell, Column, Table } from "./model";
import type { Place } from "./place";

/** The view of a `loadstore/table@1`. */
export function TableView({ view, place }: { view: Table; place: Place }) {
  const records = () => [
    view.columns.map(({ name }) => name),
    ...view.rows.map((row) => row.map((cell) => (cell === null ? "" : exact(cell)))),
  ];
  const written = view.columns.map(({ digits }, at) =>
    inColumn(
      view.rows.map((row) => row[at]).filter((cell) => typeof cell === "number"),
      digits,
    ),
  );
  const wordy = view.columns.length > 2 && view.columns.every(({ kind }) => kind === "text");
  return (
    <ViewFrame view={view} place={place} records={records} table={null} cells={0}>
      <div class="scroll" role="region" aria-label={`Table: ${view.title}`} tabIndex={0}>
        <table class={`data plain ${wordy ? "wordy" : ""}`} data-figure={place.figure} data-view={place.view}>
          <thead>
            <tr>
              {view.columns.map((column) => (
                <th key={column.name} scope="col" class={column.kind} data-export>
                  {column.label}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {view.rows.map((row, index) => (
              <tr key={index}>
                {view.columns.map((column, at) => (
                  <Entry key={column.name} column={column} cell={row[at]} head={at === 0} written={written[at] ?? String} />
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </ViewFrame>
  );
}

interface EntryProps {
  column: Column;
  cell: Table["rows"][number][number] | undefined;
  head: boolean;
  written: (cell: Cell | undefined) => string;
}

/** One cell; the first of a row is its heading. */
function Entry({ column, cell, head, written }: EntryProps) {
  const text = column.kind === "text" && typeof cell === "string" ? cell : typeof cell === "number" ? written(cell) : say(cell, column.digits);
  const rest = { class: column.kind, "data-value": exact(cell), "data-export": true };
  return head ? (
    <th scope="row" {...rest}>
      {text}
    </th>
  ) : (
    <td {...rest}>{text}</td>
  );
}
