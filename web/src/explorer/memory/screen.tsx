/** Tokens by depth: what was stored where, and for one store, who loaded it later. */
import { useMemo, useState } from "preact/hooks";
import { ViewFrame } from "../../frame";
import { number } from "../../format";
import { useWidth } from "../../width";
import { DataTable } from "../../datatable";
import { useAsk } from "../ask";
import { opening, type Screen, type ScreenProps, tokenAt, tokenOf } from "../screen";
import { Answer, capital } from "../states";
import { Inspect } from "./inspect";
import { largest, planned } from "./layout";
import { Map } from "./map";
import { moved, spotOf } from "./spot";
import type { Memory, Spot, Store } from "./types";

export const screen: Screen = { id: "memory", title: "Memory", key: "m", Body, python };
const PLACE = { figure: "memory", view: 0 };

function python(props: ScreenProps): string {
  const { from } = props.place;
  const lines = from
    ? [`loads = ls.store_loads(trace, "${from}", ${tokenOf(props)})`, "print(loads.share.to_series().dropna().sort_values(key=abs))"]
    : ["totals = ls.load_totals(trace)  # how many loads each store makes up", "for writer in totals.writer.values:", "    print(writer, trace.written(writer).square().sum(-1))"];
  return [opening(props), ...lines].join("\n");
}

function Body(props: ScreenProps) {
  const { run, place, go } = props;
  const first = Math.min(tokenAt(run, place.first, 0), Math.max(0, run.labels.length - run.window));
  const measure = place.measure === "loaded" ? "loaded" : "stored";
  const by = place.by === "traffic" ? "traffic" : "share";
  const asked = useAsk<Memory>("memory", { run: run.run, first, measure });
  return (
    <>
      <p class="lead">Every token has a column of the stream; every row adds what its writers stored there. Choose a store to light the loads that used it later.</p>
      <div class="controls">
        <label>
          Show{" "}
          <select onChange={(event) => go({ measure: event.currentTarget.selectedIndex ? "loaded" : null })}>
            <option selected={measure === "stored"}>what was stored</option>
            <option selected={measure === "loaded"}>what was loaded later</option>
          </select>
        </label>
        <label>
          Light loads by{" "}
          <select onChange={(event) => go({ by: event.currentTarget.selectedIndex ? "traffic" : null })}>
            <option selected={by === "share"}>exact share</option>
            <option selected={by === "traffic"}>traffic on this prompt</option>
          </select>
        </label>
      </div>
      <Answer asked={asked} what="the memory map">
        {(memory) => <Shown {...props} memory={memory} by={by} />}
      </Answer>
    </>
  );
}

function Shown(props: ScreenProps & { memory: Memory; by: "share" | "traffic" }) {
  const { run, place, go, question, memory, by } = props;
  const labels = useMemo(() => run.labels.slice(memory.first, memory.first + run.window), [run, memory]);
  const fits = memory.rows[0]?.squares.length === labels.length;
  const [active, setActive] = useState<Spot | null>(null);
  const chosen = spotOf(memory, place.from, tokenOf(props) - memory.first, labels.length);
  const at = chosen ? chosen.token + memory.first : 0;
  const asked = useAsk<Store>("store", chosen && place.from !== undefined ? { run: run.run, writer: place.from, at, by, ...(at === question.data?.at && !question.waiting ? { predict: question.data.predict.id } : {}) } : null);
  const store = asked.data && chosen && asked.data.writer === place.from && asked.data.at === at && asked.data.by === by ? asked.data : null;
  if (!fits) return null;
  const choose = (spot: Spot | null) => go(spot ? { from: memory.rows[spot.row]?.writers[spot.writer] ?? null, token: spot.token + memory.first } : { from: null, token: null });
  return (
    <div class="memory-and-store">
      <div>
        <ViewFrame view={{ title: "Memory map" }} place={PLACE} records={() => records(memory, labels)} cells={Infinity} about={memory} table={() => <Tables memory={memory} labels={labels} />}>
          <Picture memory={memory} labels={labels} active={active} chosen={chosen} store={store} setActive={setActive} choose={choose} />
          <p class="readout" role="status" aria-live="polite">
            {active ? said(memory, labels, active) : chosen ? said(memory, labels, chosen) : "Point at a strip, or press Tab: arrows go from cell to cell, comma and period along a strip, Enter chooses, Esc lets go."}
          </p>
          <p class="missing">
            {capital(memory.meaning)}; each row is on its own scale, its fullest cell full, its writers in their order from pale to strong; a cell that dwarfs its row is cut, with a double bar at its end.
            {memory.measure === "stored"
              ? " The upright line is the squared norm of their sum: short of the strip where stores cancel, past it where they add up."
              : " Sums below zero have no length; the table has them."}{" "}
            Edges are as wide as the root of what was loaded, dashed where it counts against the choice.
          </p>
        </ViewFrame>
      </div>
      <div>
        {chosen ? (
          <Answer asked={asked} what="this store">
            {(found) => <Inspect {...props} store={found} />}
          </Answer>
        ) : (
          <p class="said">No store is chosen.</p>
        )}
      </div>
    </div>
  );
}

/** The map as one Tab stop. */
function Picture({ memory, labels, active, chosen, store, setActive, choose }: { memory: Memory; labels: string[]; active: Spot | null; chosen: Spot | null; store: Store | null; setActive: (spot: Spot | null) => void; choose: (spot: Spot | null) => void }) {
  const [ref, width] = useWidth<HTMLDivElement>();
  const plan = useMemo(() => planned(memory, labels, width), [memory, labels, width]);
  const keys = (event: KeyboardEvent & { currentTarget: HTMLElement }) => {
    if (event.altKey || event.metaKey) return;
    const from = active ?? chosen ?? { row: 0, token: 0, writer: largest(memory, 0, 0) };
    const next = moved(memory, labels.length, from, event.key);
    if (event.key === "Escape") {
      setActive(null);
      choose(null);
    } else if (event.key === "Enter" || event.key === " ") choose(from);
    else if (next) {
      setActive(next);
      const x = plan.left + next.token * plan.cell;
      const box = event.currentTarget;
      if (x < box.scrollLeft + plan.left || x + plan.cell > box.scrollLeft + box.clientWidth) box.scrollLeft = x - box.clientWidth / 2;
    } else return;
    event.preventDefault();
  };
  return (
    <div
      ref={ref}
      class="stop scroll"
      role="application"
      aria-roledescription="memory map"
      aria-label="Memory map. Arrows go from cell to cell, comma and period from writer to writer in a cell, Enter chooses a store, Escape lets it go."
      tabIndex={0}
      onKeyDown={keys}
      onBlur={() => setActive(null)}
      onPointerLeave={() => setActive(null)}
    >
      {width > 0 && <Map memory={memory} labels={labels} plan={plan} active={active} chosen={chosen} store={store} pick={(spot, picks) => (picks ? choose(spot) : setActive(spot))} />}
    </div>
  );
}

function said(memory: Memory, labels: string[], { row, writer, token }: Spot) {
  const found = memory.rows[row];
  if (!found) return "";
  const value = found.values[writer]?.[token] ?? 0;
  const [squares, sum] = [found.squares[token] ?? 0, found.sums[token] ?? 0];
  return (
    <>
      <b>{found.writers[writer]}</b> at <code>{labels[token]}</code>: {number(value, 3)} {memory.measure === "stored" ? "squared norm" : "loads"}
      {found.writers.length > 1 && ` · row ${found.label}: ${number(squares, 2)} stored, ${number(sum, 2)} after they meet (${Math.round((100 * sum) / (squares || 1))} %)`}
    </>
  );
}

function Tables({ memory, labels }: { memory: Memory; labels: string[] }) {
  return (
    <>
      {memory.rows.map((row) => (
        <DataTable
          key={row.label}
          place={PLACE}
          panel={row.label}
          caption={row.label}
          axis={memory.measure === "stored" ? "squared norm" : "loads made up"}
          corner="writer by token"
          columns={labels}
          rows={[...row.writers.map((head, index) => ({ head, cells: row.values[index] ?? [] })), { head: "sum of stores", cells: row.sums }]}
        />
      ))}
    </>
  );
}

function records(memory: Memory, labels: string[]): string[][] {
  const lines = memory.rows.flatMap(({ label, writers, values }) => writers.flatMap((writer, index) => labels.map((token, at) => [label, writer, token, String(values[index]?.[at] ?? "")])));
  return [["row", "writer", "token", memory.measure], ...lines];
}
