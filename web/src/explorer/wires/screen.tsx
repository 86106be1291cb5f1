/** The whole model's wires: panels by alignment or traffic, the graph of the strongest, and the channels of one. */
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { type Choose, Chosen } from "../../chosen";
import { FigureBlock } from "../../figure";
import { free } from "../../format";
import { useWork } from "../ask";
import { type Measure, type ModelFacts, quoted, type Screen, type ScreenProps } from "../screen";
import { Working } from "../states";
import { Channel } from "./channel";
import { comfortable, cut, type Cut, type Edge, edgesOf, type Graph, MOST, type Wires } from "./edges";
import { GraphView } from "./graph";
import type { Shape } from "./layout";
import { said, WireList } from "./list";

export const screen: Screen = { id: "wires", title: "Wires", key: "w", Body, python };

/** Models with at most this many heads have their wires measured automatically. */
const FEW = 64;
/** A graph of more layers takes the whole width. */
const DEEP = 8;

/** Alignment misleads if there are MLPs between heads: then traffic is shown first. */
function measureOf({ model, place }: Pick<ScreenProps, "model" | "place">): Measure {
  const asked = model.measures.find(({ name }) => name === place.by);
  if (asked) return asked.name;
  return model.writers.some((name) => name.endsWith(".mlp")) ? "traffic" : "alignment";
}

function python({ model, place }: ScreenProps): string {
  const lines = ["import loadstore as ls", "", `model = ls.load(${quoted(model.name)})`];
  lines.push(measureOf({ model, place }) === "traffic" ? "ls.show(ls.traffic(model))" : "ls.show(ls.subspace_scores(model))");
  if (place.writer && place.reader) {
    const wire = `model, ${quoted(place.writer)}, ${quoted(place.reader)}`;
    const offset = place.offset && /^\d+$/.test(place.offset) ? `, offset=${place.offset}` : "";
    lines.push(`scores = ls.vocabulary.channels(${wire}${offset})`, "best = int(scores.carried.isel(reader=0).idxmax())", `print(ls.vocabulary.channel_tokens(${wire}, best${offset}).text)`);
  }
  return lines.join("\n");
}

/** Measurements made while the page is open. */
const known = new Map<string, Wires>();

function Body(props: ScreenProps) {
  const { model, go } = props;
  const measure = measureOf(props);
  const key = `${model.name} ${model.wires} ${measure}`;
  const kept = known.get(key) ?? null;
  const work = useWork<Wires>("wires", { measure });
  const fresh = work.data?.measure === measure ? work.data : null;
  if (fresh) known.set(key, fresh);
  useEffect(() => {
    if (!kept && model.heads.length <= FEW) work.start();
  }, [key]);
  const data = kept ?? fresh;
  const wires = `${model.wires.toLocaleString("en")} wires`;
  return (
    <>
      <fieldset class="controls switch">
        <legend>Colour by</legend>
        {model.measures.map(({ name, label }) => (
          <label key={name}>
            <input type="radio" name="by" checked={name === measure} onChange={() => go({ by: name, mass: null })} />
            {label}
          </label>
        ))}
      </fieldset>
      {data ? (
        <Whole key={measure} {...props} data={data} />
      ) : (
        <Working work={work} what={`${measure} of ${wires}`} begin={`Measure the ${measure} of all ${wires}`}>
          {() => null}
        </Working>
      )}
      {!data && <Wire {...props} fresh={false} />}
    </>
  );
}

function Whole(props: ScreenProps & { data: Wires }) {
  const { model, place, go, link, data } = props;
  const { graph } = data;
  const edges = useMemo(() => edgesOf(graph), [graph]);
  const usual = useMemo(() => comfortable(graph, edges), [graph]);
  const [dragged, setDragged] = useState<number | null>(null);
  const asked = Number(place.mass);
  const mass = dragged ?? (place.mass !== undefined && asked >= 1 && asked <= 100 ? Math.round(asked) : usual);
  useEffect(() => setDragged(null), [place.mass]);
  const some = useMemo(() => cut(graph, edges, mass), [graph, edges, mass]);
  const shape = useMemo(() => shapeOf(model), [model]);
  const node = place.node && isPart(model, place.node) ? place.node : null;
  const wire = place.writer && place.reader ? { writer: place.writer, reader: place.reader } : null;
  const moved = useRef(false);
  const choose: Choose = (row, column, panel) => {
    moved.current = true;
    go({ writer: row, reader: panel ? `${column}.${panel}` : column });
  };
  return (
    <div class="wires">
      <div class="whole">
        <Chosen.Provider value={choose}>
          <FigureBlock figure={data.figure} />
        </Chosen.Provider>
      </div>
      <div class={model.layers > DEEP ? "deep" : "two"}>
      <div>
        <h3>Composition</h3>
        <Mass graph={graph} some={some} mass={mass} drag={setDragged} settle={(to) => go({ mass: to })} />
        <GraphView graph={graph} some={some} shape={shape} node={node} wire={wire} chooseNode={(to) => go({ node: to })} chooseWire={(writer, reader) => choose(writer, reader, "")} />
        <p class="missing">{graph.rule}</p>
      </div>
      <div class="beside">
        {!wire && <p class="missing">A cell that is pinned above, a wire of the graph, or one of these leads to its channels: what is stored along each, and what is loaded with it.</p>}
        <Wire {...props} fresh={moved.current} measured={measured(graph, edges, wire)} />
        <WireList graph={graph} edges={some.edges} node={node} wire={wire} link={link} />
      </div>
      </div>
    </div>
  );
}

/** The channels of the wire that the URL names. */
function Wire({ place, go, link, fresh, measured = null }: ScreenProps & { fresh: boolean; measured?: string | null }) {
  if (!place.writer || !place.reader) return null;
  return <Channel writer={place.writer} reader={place.reader} offset={place.offset} fresh={fresh} measured={measured} go={go} link={link} />;
}

/** The panels' numbers of a wire, if it is among those that were sent. */
function measured({ label, details, groups }: Graph, edges: Edge[], wire: { writer: string; reader: string } | null): string | null {
  const edge = wire && edges.find(({ writer, reader }) => writer === wire.writer && reader === wire.reader);
  if (!edge) return null;
  const unit = groups[edge.group]?.unit;
  return `${label} ${free(edge.value)}${unit && ` ${unit}`}, ${details.map((detail, index) => `${detail} ${said(detail, edge.details[index] ?? null)}`).join(", ")}`;
}

interface MassProps {
  graph: Graph;
  some: Cut;
  mass: number;
  drag: (mass: number) => void;
  settle: (mass: number) => void;
}

/** The slider, and the number of wires. */
function Mass({ graph, some, mass, drag, settle }: MassProps) {
  const total = some.edges.length;
  const sent = graph.groups.reduce((sum, group) => sum + group.sent, 0);
  const count = graph.groups.reduce((sum, group) => sum + group.count, 0);
  return (
    <div class="mass">
      <label>
        The strongest wires that hold <b>{mass} %</b> of {graph.sum}
        <input type="range" min={1} max={100} step={1} value={mass} onInput={(event) => drag(event.currentTarget.valueAsNumber)} onChange={(event) => settle(event.currentTarget.valueAsNumber)} />
      </label>
      <p class="missing" aria-live="polite">
        {some.kept
          .map(({ count: kept, held }, index) => {
            const group = graph.groups[index];
            const into = graph.groups.length > 1 ? `Into ${group?.name} (${group?.unit}) ` : "";
            return `${into}${kept.toLocaleString("en")} of ${group?.exist.toLocaleString("en")} wires hold ${Math.round(held * 100)} %`;
          })
          .join(". ")}
        {graph.groups.length ? "." : "No wire is an edge."}
        {total > MOST && ` The ${MOST} strongest of these ${total.toLocaleString("en")} are drawn.`}
        {sent < count && ` Of ${count.toLocaleString("en")} edges the ${sent.toLocaleString("en")} strongest were sent; they hold ${graph.groups.map(({ name, held }) => `${Math.floor(held * 100)} %${graph.groups.length > 1 ? ` into ${name}` : ""}`).join(", ")}.`}
      </p>
    </div>
  );
}

function shapeOf({ layers, heads_per_layer, writers }: ModelFacts): Shape {
  const has = (end: string) => writers.some((name) => name.endsWith(end));
  return { layers, heads: heads_per_layer, mlps: has(".mlp"), biases: has(".bias"), pos: writers.includes("pos") };
}

/** True if a graph can show this part of the model. */
function isPart({ writers }: ModelFacts, node: string): boolean {
  return node === "unembed" || writers.includes(node);
}
