/** Every wire as a record, whatever is in view. */
import { field } from "../datatable";
import type { Layers, Members } from "../model";
import { cellOf, type Matrix } from "./unpack";

/** Header and lines, one wire per line, generated lazily: there may be a million. */
export function* layersRecords(view: Layers, matrices: Matrix[]): Generator<string[]> {
  const names = [...new Set(matrices.flatMap((matrix) => matrix.names))];
  const [rows, columns] = [placed(view.rows), placed(view.columns)];
  yield ["panel", `${view.rows.name} group`, view.rows.name, `${view.columns.name} group`, view.columns.name, "value", ...names];
  for (const { title, values, detail } of matrices) {
    const details = names.map((name) => detail(name));
    for (const [row, [group, writer]] of rows.entries()) {
      for (const [column, [layer, reader]] of columns.entries()) {
        const index = row * columns.length + column;
        const value = values[index] as number;
        if (Number.isNaN(value)) continue;
        yield [title, group, writer, layer, reader, field(cellOf(value)), ...details.map((each) => field(cellOf(each[index] as number)))];
      }
    }
  }
}

/** Every member with its group. */
function placed(axis: Members): [string, string][] {
  return axis.groups.flatMap(({ label, members }) => members.map((name): [string, string] => [label, name]));
}
