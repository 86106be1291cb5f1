/** The numbers behind a heatmap: one table per panel and per detail. */
import { Fragment } from "preact";
import { exact, free, say } from "../format";
import type { Cell, Heatmap } from "../model";
import type { Place } from "../place";

/** All tables of `view`. */
export function HeatmapTables({ view, place }: { view: Heatmap; place: Place }) {
  return (
    <>
      {view.panels.map((panel, index) => (
        <Fragment key={index}>
          <Grid view={view} place={place} title={panel.title} values={panel.values} text={(cell) => say(cell, view.digits)} />
          {panel.marks && <Grid view={view} place={place} title={panel.title} detail="mark" values={panel.marks} text={(mark) => String(mark)} />}
          {Object.entries(panel.details ?? {}).map(([name, values]) => (
            <Grid key={name} view={view} place={place} title={panel.title} detail={name} values={values} text={free} />
          ))}
        </Fragment>
      ))}
    </>
  );
}

interface Props {
  view: Heatmap;
  place: Place;
  title: string;
  detail?: string;
  values: (Cell | string)[][];
  text: (cell: Cell | string) => string;
}

function Grid({ view, place, title, detail, values, text }: Props) {
  return (
    <table class="data" data-figure={place.figure} data-view={place.view} data-panel={title} data-detail={detail}>
      <caption>
        {title} <span class="axis">{detail ?? view.scale.label}</span>
      </caption>
      <thead>
        <tr>
          <td class="corner">
            {view.rows.name} \ {view.columns.name}
          </td>
          {view.columns.labels.map((label, column) => (
            <th key={column} scope="col">
              {label}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {view.rows.labels.map((label, row) => (
          <tr key={row}>
            <th scope="row">{label}</th>
            {values[row]?.map((cell, column) => (
              <td key={column} data-value={exact(cell)}>
                {text(cell)}
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}
