/** The tables behind pictures: exact numbers in attributes, readable numbers in cells. */
import { exact, free } from "./format";
import type { Cell } from "./model";
import type { Place } from "./place";

interface Props {
  place: Place;
  /** Which of several tables of a view this is. */
  panel?: string | undefined;
  detail?: string;
  caption: string;
  axis?: string;
  /** Heading of the row names; a list shows it as a column, a matrix in its corner. */
  corner: string;
  list?: boolean;
  columns: string[];
  rows: { head: string; cells: (Cell | string)[] }[];
  text?: (cell: Cell) => string;
  /** The last line, set apart from the others. */
  total?: { head: string; cells: (Cell | string)[] } | null | undefined;
}

/** One table; a cell's `data-value` is its number exactly, or its text. */
export function DataTable({ place, panel, detail, caption, axis, corner, list, columns, rows, text = free, total }: Props) {
  const line = ({ head, cells }: Props["rows"][number], index: number) => (
    <tr key={index}>
      <th scope="row">{head}</th>
      {cells.map((cell, column) => (
        <td key={column} data-value={exact(cell)} class={isText(cell) ? "words" : undefined}>
          {isText(cell) ? cell : text(cell)}
        </td>
      ))}
    </tr>
  );
  return (
    <table class="data" data-figure={place.figure} data-view={place.view} data-panel={panel} data-detail={detail}>
      <caption>
        {caption} {axis && <span class="axis">{axis}</span>}
      </caption>
      <thead>
        <tr>
          {list ? <th scope="col">{corner}</th> : <td class="corner">{corner}</td>}
          {columns.map((label, column) => (
            <th key={column} scope="col">
              {label}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>{rows.map(line)}</tbody>
      {total && <tfoot>{line(total, 0)}</tfoot>}
    </table>
  );
}

/** True for a text, as opposed to a number or a word that stands for one. */
function isText(cell: Cell | string): cell is Exclude<string, Cell> {
  return typeof cell === "string" && cell !== "nan" && cell !== "inf" && cell !== "-inf";
}

/** A field of a record: impossible values are empty. */
export function field(cell: Cell | string | undefined): string {
  return cell === null || cell === undefined ? "" : exact(cell);
}
