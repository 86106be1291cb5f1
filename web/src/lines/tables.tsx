/** The numbers behind a line plot, and the same as records. */
import { exact, free } from "../format";
import type { Lines, Place } from "../model";

/** One table: series, x, y. */
export function LinesTable({ view, place }: { view: Lines; place: Place }) {
  return (
    <table class="data" data-figure={place.figure} data-view={place.view}>
      <caption>{view.title}</caption>
      <thead>
        <tr>
          <th scope="col">series</th>
          <th scope="col">{view.x.label}</th>
          <th scope="col">{view.y.label}</th>
        </tr>
      </thead>
      <tbody>
        {view.series.flatMap(({ name, x, y }, series) =>
          x.map((value, index) => (
            <tr key={`${series},${index}`}>
              <th scope="row">{name}</th>
              <td data-value={exact(value)}>{free(value)}</td>
              <td data-value={exact(y[index])}>{free(y[index])}</td>
            </tr>
          )),
        )}
      </tbody>
    </table>
  );
}

/** Header and lines: series, x, y. */
export function linesRecords(view: Lines): string[][] {
  const text = (value: unknown) => (value === null || value === undefined ? "" : String(value));
  const lines = view.series.flatMap(({ name, x, y }) => x.map((value, index) => [name, text(value), text(y[index])]));
  return [["series", view.x.name, view.y.name], ...lines];
}
