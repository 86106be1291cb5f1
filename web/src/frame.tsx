/** What every view has around it: a title, its exports, and the table behind it. */
import type { ComponentChildren, VNode } from "preact";
import { useRef } from "preact/hooks";
import { csv } from "./export/csv";
import { save } from "./export/save";
import { picture } from "./export/svg";
import type { Place, View } from "./model";

interface Props {
  view: View;
  place: Place;
  records: () => string[][];
  /** The tables behind a picture; a view that is a table has none. */
  table: VNode | null;
  children: ComponentChildren;
}

/** A view with its frame. */
export function ViewFrame({ view, place, records, table, children }: Props) {
  const body = useRef<HTMLDivElement>(null);
  const name = `${place.figure}-${place.view}`;
  const saveSvg = () => body.current && save(`${name}.svg`, "image/svg+xml", picture(body.current, view.title));
  return (
    <section class="view" aria-label={view.title}>
      <header>
        <h4>{view.title}</h4>
        <div class="exports">
          <button type="button" aria-label={`CSV of ${view.title}`} onClick={() => save(`${name}.csv`, "text/csv", csv(records()))}>
            CSV
          </button>
          <button type="button" aria-label={`SVG of ${view.title}`} onClick={saveSvg}>
            SVG
          </button>
        </div>
      </header>
      <div class="body" ref={body}>
        {children}
      </div>
      {table && (
        <details class="numbers">
          <summary>Table</summary>
          <div class="scroll tables" role="region" aria-label={`Numbers of ${view.title}`} tabIndex={0}>
            {table}
          </div>
        </details>
      )}
    </section>
  );
}
