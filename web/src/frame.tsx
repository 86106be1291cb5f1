/** The frame of every view: a title, exports, and the table behind it. */
import type { ComponentChildren, VNode } from "preact";
import { useMemo, useRef, useState } from "preact/hooks";
import { csv } from "./export/csv";
import { png } from "./export/png";
import { offer, save } from "./export/save";
import { picture } from "./export/svg";
import type { View } from "./model";
import type { Place } from "./place";

/** Tables with more cells than this exist only while they are open. */
const MANY = 5000;

interface Props {
  view: Pick<View, "title">;
  place: Place;
  records: () => Iterable<string[]>;
  /** The tables behind a picture; a view that is a table has none. */
  table: (() => VNode) | null;
  /** The number of cells in the tables; Infinity if they are always made on opening. */
  cells: number;
  /** Other inputs of the tables: they are made again when this changes. */
  about?: unknown;
  children: ComponentChildren;
}

/** A view with its frame. */
export function ViewFrame({ view, place, records, table, cells, about, children }: Props) {
  const body = useRef<HTMLDivElement>(null);
  const name = `${place.figure}-${place.view}`;
  const drawn = () => (body.current ? picture(body.current, view.title) : "");
  const exports: [string, () => void][] = [
    ["CSV", () => save(`${name}.csv`, "text/csv", csv(records()))],
    ["SVG", () => save(`${name}.svg`, "image/svg+xml", [drawn()])],
    ["PNG", () => void png(drawn()).then((file) => offer(`${name}.png`, file))],
  ];
  return (
    <section class="view" aria-label={view.title}>
      <header>
        <h4>{view.title}</h4>
      </header>
      <div class="body" ref={body}>
        {children}
      </div>
      {table && <Numbers title={view.title} table={table} cells={cells} about={about ?? view} />}
      <details class="exports">
        <summary aria-label={`Export ${view.title}`}>Export</summary>
        {exports.map(([kind, act]) => (
          <button key={kind} type="button" aria-label={`${kind} of ${view.title}`} onClick={act}>
            {kind}
          </button>
        ))}
      </details>
    </section>
  );
}

/** The tables, folded away. */
function Numbers({ title, table, cells, about }: { title: string; table: () => VNode; cells: number; about: unknown }) {
  const [opened, setOpened] = useState(false);
  const open = opened || cells <= MANY;
  const made = useMemo(() => (open ? table() : null), [open, about]);
  return (
    <details class="numbers" onToggle={(event) => setOpened(event.currentTarget.open)}>
      <summary>Table</summary>
      <div class="scroll tables" role="region" aria-label={`Numbers of ${title}`} tabIndex={0}>
        {made}
      </div>
    </details>
  );
}
