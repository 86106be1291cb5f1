/** A figure: its claim, a remark, and its views. */
import { useSignal } from "@preact/signals";
import { BarsView } from "./bars/view";
import { AddressView } from "./address/view";
import { placed } from "./breadth";
import { MemoryView } from "./memory/view";
import { DiagramView } from "./diagram/view";
import { DotsView } from "./dots/view";
import { FormulaView } from "./formula/view";
import { PatternsView } from "./patterns/view";
import { GraphView } from "./graph/view";
import { Guard, UnknownSchema } from "./guard";
import { HeatmapView } from "./heatmap/view";
import { LayersView } from "./layers/view";
import { Linked, type Spot } from "./lines/linked";
import { LinesView } from "./lines/view";
import type { Figure, View } from "./model";
import type { Place } from "./place";
import { ProgramView } from "./program/view";
import { SwitchView } from "./switch/view";
import { TableView } from "./table";
import { WalkView } from "./walk/view";
import { WaterfallView } from "./waterfall/view";

/** One `loadstore/figure@1`, or the message that it is not one. */
export function FigureBlock({ figure }: { figure: Figure }) {
  const linked = useSignal<Spot | null>(null);
  if (figure.schema !== "loadstore/figure@1") return <UnknownSchema what="figure" schema={(figure as { schema?: unknown }).schema} />;
  const places = placed(figure.views);
  return (
    <article class="figure" id={figure.id} aria-labelledby={`${figure.id}-title`}>
      <h3 id={`${figure.id}-title`}>
        <a class="number" href={`#${figure.id}`}>
          {/^\d/.test(figure.number) ? `Figure ${figure.number}` : figure.number}
        </a>{" "}
        {figure.title}
      </h3>
      <div class="plates">
        <div class={places.beside ? "words half" : "words broad"}>
          <p class="claim">{figure.claim}</p>
          {figure.note && <Remark note={figure.note} />}
        </div>
        <Linked.Provider value={linked}>
          {figure.views.map((view, index) => (
            <div key={index} class={`plate ${places.views[index]}`}>
              {guarded(view, { figure: figure.id, view: index })}
            </div>
          ))}
        </Linked.Provider>
      </div>
    </article>
  );
}

/** How a figure is read or differs from the article, folded away. */
function Remark({ note }: { note: NonNullable<Figure["note"]> }) {
  return (
    <details class={`note ${note.kind}`}>
      <summary>{note.label}</summary>
      <p>{note.text}</p>
    </details>
  );
}

/** A view, or the reason why it cannot be drawn. */
function guarded(view: View, place: Place) {
  return (
    <Guard what="view">
      <AnyView view={view} place={place} />
    </Guard>
  );
}

/** Any view, by its schema. */
export function AnyView({ view, place }: { view: View; place: Place }) {
  switch (view.schema) {
    case "loadstore/heatmap@1":
      return <HeatmapView view={view} place={place} />;
    case "loadstore/lines@1":
      return <LinesView view={view} place={place} />;
    case "loadstore/table@1":
      return <TableView view={view} place={place} />;
    case "loadstore/bars@1":
      return <BarsView view={view} place={place} />;
    case "loadstore/address@1":
      return <AddressView view={view} place={place} />;
    case "loadstore/memory@1":
      return <MemoryView view={view} place={place} />;
    case "loadstore/diagram@1":
      return <DiagramView view={view} place={place} />;
    case "loadstore/formula@1":
      return <FormulaView view={view} place={place} />;
    case "loadstore/patterns@1":
      return <PatternsView view={view} place={place} />;
    case "loadstore/layers@1":
      return <LayersView view={view} place={place} />;
    case "loadstore/waterfall@1":
      return <WaterfallView view={view} place={place} />;
    case "loadstore/walk@1":
      return <WalkView view={view} place={place} />;
    case "loadstore/program@1":
      return <ProgramView view={view} place={place} />;
    case "loadstore/picture@1":
      return <GraphView view={view} place={place} />;
    case "loadstore/dots@1":
      return <DotsView view={view} place={place} />;
    case "loadstore/switch@1":
      return <SwitchView view={view} place={place} draw={guarded} />;
    default:
      return <UnknownSchema what="view" schema={(view as { schema?: unknown }).schema} />;
  }
}
