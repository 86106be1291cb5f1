/** Tokens by depth: the stores, and for one store the later loads. */
import { useEffect, useMemo, useState } from "preact/hooks";
import { beyond, colourAt } from "../../colour";
import { ViewFrame } from "../../frame";
import { free, number } from "../../format";
import { Item, Ramp } from "../../heatmap/legend";
import type { Scale } from "../../model";
import { useWidth } from "../../width";
import { DataTable } from "../../datatable";
import { useAsk } from "../ask";
import { useMeasuring, useRoles } from "../roles";
import { opening, type Screen, type ScreenProps, tokenAt, tokenOf } from "../screen";
import { Answer, capital } from "../states";
import { GutterKey, RegionFacts, useRegion } from "./gutter";
import { Inspect } from "./inspect";
import { planned, scaleOf, sizeOf } from "./layout";
import { Map } from "./map";
import { bandName, bandsOf, linesOf, ownRows, totalOf } from "./rows";
import { moved, spotOf } from "./spot";
import type { Line, Memory, Region, Spot, Store } from "./types";

export const screen: Screen = { id: "memory", title: "Memory", key: "m", Body, python };
const PLACE = { figure: "memory", view: 0 };

function python(props: ScreenProps): string {
  const { from } = props.place;
  const lines = from
    ? [`loads = ls.parts.store_loads(trace, "${from}", ${tokenOf(props)})`, "print(loads.share.to_series().dropna().sort_values(key=abs))"]
    : ["totals = ls.parts.load_totals(trace)  # how many loads each store makes up", "for writer in totals.writer.values:", "    print(writer, trace.written(writer).square().sum(-1))"];
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
        <Unfold {...props} memory={asked.data} />
      </div>
      <Answer asked={asked} what="the memory map">
        {(memory) => <Shown {...props} memory={memory} by={by} />}
      </Answer>
    </>
  );
}

/** The band of layers whose writers have a row each. */
function Unfold({ place, go, memory }: ScreenProps & { memory: Memory | null }) {
  const bands = memory ? bandsOf(memory) : [];
  return (
    <label>
      A row for every writer of{" "}
      <select value={place.open ?? ""} onChange={(event) => go({ open: event.currentTarget.value || null })}>
        <option value="">no layer</option>
        {bands.map(([from, to]) => (
          <option key={from} value={String(from)} selected={place.open === String(from)}>
            {bandName(from, to)}
          </option>
        ))}
      </select>
    </label>
  );
}

function Shown(props: ScreenProps & { memory: Memory; by: "share" | "traffic" }) {
  const { run, place, go, link, question, memory, by } = props;
  const roles = useRoles();
  const measuring = useMeasuring();
  const labels = useMemo(() => run.labels.slice(memory.first, memory.first + run.window), [run, memory]);
  const fits = memory.rows[0]?.squares.length === labels.length;
  const main = question.data?.head;
  const open = place.open === undefined ? null : Number(place.open);
  const lines = useMemo(() => linesOf(memory, ownRows(roles, main), roles, open), [memory, roles, main, open]);
  const scale = useMemo(() => scaleOf(memory, lines, labels.length), [memory, lines, labels]);
  const [active, setActive] = useState<Spot | null>(null);
  const chosen = spotOf(lines, place.from, tokenOf(props) - memory.first, labels.length);
  const at = chosen ? chosen.token + memory.first : 0;
  const asked = useAsk<Store>("store", chosen && place.from !== undefined ? { run: run.run, writer: place.from, at, by, ...(at === question.data?.at && !question.waiting ? { predict: question.data.predict.id } : {}) } : null);
  const store = asked.data && chosen && asked.data.writer === place.from && asked.data.at === at && asked.data.by === by ? asked.data : null;
  const work = useRegion(memory, chosen ? place.from : undefined);
  const region = work?.data ?? null;
  useEffect(() => setActive(null), [lines]);
  if (!fits) return null;
  const choose = (spot: Spot | null) => go(spot ? { from: lines[spot.row]?.writers[spot.writer]?.name ?? null, token: spot.token + memory.first } : { from: null, token: null });
  return (
    <div class="memory-and-store">
      <div>
        <ViewFrame view={{ title: "Memory map" }} place={PLACE} records={() => records(memory, labels)} cells={Infinity} about={memory} table={() => <Tables memory={memory} labels={labels} />}>
          <Legend memory={memory} scale={scale} lines={lines} tokens={labels.length} lit={store !== null} region={region} />
          <Picture memory={memory} lines={lines} scale={scale} labels={labels} active={active} chosen={chosen} store={store} region={region} setActive={setActive} choose={choose} />
          <p class="readout" role="status" aria-live="polite">
            {active ? said(memory, lines, labels, active) : chosen ? said(memory, lines, labels, chosen) : "Point at a cell, or press Tab: arrows go from cell to cell, comma and period from writer to writer in a row of several, Enter chooses, Esc lets go."}
          </p>
          <p class="missing">
            {capital(memory.meaning)}. {roles ? "Heads with a role and the head that adds most have separate rows; a row of several writers adds them up." : measuring}
            {memory.measure === "stored" && " Colours are norms, the table has their squares."}
            {memory.measure === "loaded" && " Sums below zero are as pale as zero; the table has them."}
          </p>
        </ViewFrame>
      </div>
      <div>
        {chosen ? (
          <>
            <Answer asked={asked} what="this store">
              {(found) => <Inspect {...props} store={found} />}
            </Answer>
            <h4 class="region">Its region</h4>
            <RegionFacts writer={place.from ?? ""} work={work} />
          </>
        ) : (
          <div class="said">
            <p>Choose a cell: what was stored there is decoded here, and the loads that used it later are lit.</p>
            {main && question.data && (
              <p>
                For example, <a href={link({ from: main, token: question.data.at }, "memory")}>what {main} stored at {run.labels[question.data.at]}</a>, which adds most to the prediction.
              </p>
            )}
          </div>
        )}
      </div>
    </div>
  );
}

/** Legend of the colours and of the marks that occur. */
function Legend({ memory, scale, lines, tokens, lit, region }: { memory: Memory; scale: Scale; lines: Line[]; tokens: number; lit: boolean; region: Region | null }) {
  const cut = lines.some((line) => Array.from({ length: tokens }, (_, token) => sizeOf(memory, line, token)).some((size) => beyond(scale, size) === 1));
  return (
    <div class="legend">
      <Ramp scale={scale} />
      <ul>
        {cut && (
          <Item text={`above ${free(scale.high)}`}>
            <rect width={16} height={16} fill={colourAt("sequential", 1)} />
            <path d="M8.5 0v16M12.5 0v16" stroke="var(--paper)" stroke-width={1.5} />
          </Item>
        )}
        {lit &&
          (["Q", "K", "V"] as const).map((side) => (
            <li key={side} class={`lit-key side-${side}`}>
              <b>{side}</b> {SIDES[side]}
            </li>
          ))}
        {lit && <Item text="wider: more of the load; dashed: counts against it" />}
        {region && <GutterKey region={region} />}
      </ul>
    </div>
  );
}

/** The use of a store that is loaded on a side. */
const SIDES = { Q: "part of what a head looks for", K: "part of what a token is found by", V: "part of what a head takes" };

/** The map as one Tab stop. */
function Picture({ memory, lines, scale, labels, active, chosen, store, region, setActive, choose }: { memory: Memory; lines: Line[]; scale: Scale; labels: string[]; active: Spot | null; chosen: Spot | null; store: Store | null; region: Region | null; setActive: (spot: Spot | null) => void; choose: (spot: Spot | null) => void }) {
  const [ref, width] = useWidth<HTMLDivElement>();
  const plan = useMemo(() => planned(lines, labels, width), [lines, labels, width]);
  const keys = (event: KeyboardEvent & { currentTarget: HTMLElement }) => {
    if (event.altKey || event.metaKey) return;
    const from = active ?? chosen ?? { row: 0, token: 0, writer: 0 };
    const next = moved(lines, labels.length, from, event.key);
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
      {width > 0 && <Map memory={memory} lines={lines} scale={scale} labels={labels} plan={plan} active={active} chosen={chosen} store={store} region={region} pick={(spot, picks) => (picks ? choose(spot) : setActive(spot))} />}
    </div>
  );
}

function said(memory: Memory, lines: Line[], labels: string[], { row, writer, token }: Spot) {
  const line = lines[row];
  const mine = line?.writers[writer];
  if (!line || !mine) return "";
  const stored = memory.measure === "stored";
  const said = (value: number) => (stored ? `norm ${number(Math.sqrt(Math.max(0, value)), 2)}` : `${number(value, 3)} loads`);
  const place = memory.rows.find(({ writers }) => writers.includes(mine.name));
  const [squares, sum] = [place?.squares[token] ?? 0, place?.sums[token] ?? 0];
  return (
    <>
      <b>{mine.name}</b> at <code>{labels[token]}</code>: {said(mine.values[token] ?? 0)}
      {line.writers.length > 1 && ` · ${line.name}, ${line.said}: ${said(totalOf(line, token))}`}
      {place && place.writers.length > 1 && ` · all of ${place.label}: squared norms ${number(squares, 2)}, of their sum ${number(sum, 2)} (${Math.round((100 * sum) / (squares || 1))} %)`}
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
