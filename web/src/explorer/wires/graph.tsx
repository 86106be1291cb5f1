/** The composition graph: fixed columns of layers, the strongest wires between them. */
import { useMemo } from "preact/hooks";
import { type Cursor, useCursor } from "../../cursor";
import { DataTable, field } from "../../datatable";
import { free } from "../../format";
import { ViewFrame } from "../../frame";
import { Readout } from "../../readout";
import { Stop } from "../../stop";
import { type Cut, type Edge, type Graph, MOST, placeOf, type Port } from "./edges";
import { said } from "./list";
import { curve, halfOf, largestOf, type Layout, layout, portOf, type Shape, step, widthOf } from "./layout";

/** The item under the cursor: a node, or the index of an edge. */
type Point = { node: string } | { edge: number };

interface Props {
  graph: Graph;
  some: Cut;
  shape: Shape;
  node: string | null;
  wire: { writer: string; reader: string } | null;
  chooseNode: (node: string | null) => void;
  chooseWire: (writer: string, reader: string) => void;
}

const PLACE = { figure: "graph", view: 0 };
const PORTS: Port[] = ["Q", "K", "V", "in"];

/** The graph with its readout, its legend and its table. */
export function GraphView({ graph, some, shape, node, wire, chooseNode, chooseWire }: Props) {
  const cursor = useCursor<Point>();
  const drawn = useMemo(() => some.edges.slice(0, MOST), [some]);
  const used = useMemo(() => new Set([...drawn.flatMap(({ writer, to }) => [writer, to]), ...(node ? [node] : [])]), [drawn, node]);
  const keys = (event: KeyboardEvent) => {
    const at = cursor.active.value;
    if ((event.key === "Enter" || event.key === " ") && at && "node" in at) chooseNode(at.node === node ? null : at.node);
    else if (event.key === "Escape" && node) chooseNode(null);
    else return false;
    return true;
  };
  const nodes = useMemo(() => [...layout(shape, 0, used).nodes.values()], [shape, used]);
  const start = (): Point | null => {
    const first = node ?? nodes.reduce((best, one) => (!best || one.x < best.x || (one.x === best.x && one.y < best.y) ? one : best), nodes[0])?.name;
    return first === undefined ? null : { node: first };
  };
  const move = (from: Point, key: string): Point | null => {
    const here = nodes.find(({ name }) => name === ("node" in from ? from.node : drawn[from.edge]?.to));
    return here ? { node: step(nodes, here, key).name } : start();
  };
  const ports = PORTS.filter((port) => drawn.some((edge) => edge.port === port));
  return (
    <ViewFrame view={{ title: "Composition graph" }} place={PLACE} records={() => records(graph, some.edges)} cells={drawn.length * 4} about={some} table={() => <Table graph={graph} edges={drawn} />}>
      <ul class="names">
        {ports.map((port) => (
          <li key={port}>
            <svg width={30} height={10} viewBox="0 0 30 10" class="chart" aria-hidden="true">
              <path class={`edge ${port}`} d="M0 5h30" stroke-width={2.5} />
            </svg>{" "}
            <span data-export>into {port === "in" ? `${shape.mlps ? "an MLP or " : ""}the unembedding` : port}</span>
          </li>
        ))}
        {shape.mlps && <li data-export>M or mlp: the MLP of a layer</li>}
        {shape.biases && <li data-export>b or bias: what a layer stores at every token</li>}
      </ul>
      <Stop
        cursor={cursor}
        start={start}
        move={move}
        first={keys}
        kind="graph"
        label={`Composition graph: ${drawn.length} wires between ${used.size} parts. Left and right go from layer to layer, up and down within one, Enter chooses a part, Escape lets go.`}
      >
        {(width) => <Picture all={layout(shape, width, used)} drawn={drawn} cursor={cursor} node={node} wire={wire} chooseNode={chooseNode} chooseWire={chooseWire} />}
      </Stop>
      <Readout
        cursor={cursor}
       
        hint={
          <>
            Point at a part or a wire, or press Tab and use the arrow keys. <kbd>Enter</kbd> or a click chooses a part, and its wires are listed; a click on a wire shows its channels.
          </>
        }
        describe={(point) => ("node" in point ? <About node={point.node} edges={drawn} /> : <Wire graph={graph} edge={drawn[point.edge]} />)}
      />
    </ViewFrame>
  );
}

interface PictureProps {
  all: Layout;
  drawn: Edge[];
  cursor: Cursor<Point>;
  node: string | null;
  wire: Props["wire"];
  chooseNode: Props["chooseNode"];
  chooseWire: Props["chooseWire"];
}

function Picture({ all, drawn, cursor, node, wire, chooseNode, chooseWire }: PictureProps) {
  const active = cursor.active.value;
  const lit = active && "node" in active ? active.node : node;
  const largest = useMemo(() => largestOf(drawn), [drawn]);
  const paths = useMemo(() => drawn.map((edge) => curve(edge, all)), [drawn, all.width, all.height, all.roomy, all.nodes.size]);
  const on = (edge: Edge, index: number) => (active && "edge" in active ? active.edge === index : lit !== null && (edge.writer === lit || edge.to === lit));
  const chosen = (edge: Edge) => edge.writer === wire?.writer && edge.reader === wire.reader;
  const faint = active !== null || node !== null;
  return (
    <svg class="chart wide wires-graph" width={all.width} height={all.height} viewBox={`0 0 ${all.width} ${all.height}`} role="img" aria-label="Wires from left to right, layer by layer; they are in the table below." onPointerLeave={() => (cursor.active.value = null)}>
      <g class="labels">
        {all.heads.map(({ text, x }) => (
          <text key={text} x={x} y={16} font-size={11} text-anchor="middle">
            {text}
          </text>
        ))}
      </g>
      {drawn.map((edge, index) => {
        const bright = on(edge, index) || chosen(edge);
        return <path key={`${edge.writer} ${edge.reader}`} class={`edge ${edge.port}${bright ? " lit" : faint ? " faint" : ""}${chosen(edge) ? " chosen" : ""}`} d={paths[index]} stroke-width={widthOf(edge, largest)} />;
      })}
      {drawn.map((edge, index) => (
        <path key={`${edge.writer} ${edge.reader}`} class="reach" d={paths[index]} onPointerEnter={() => (cursor.active.value = { edge: index })} onClick={() => chooseWire(edge.writer, edge.reader)} />
      ))}
      {[...all.nodes.values()].map(({ name, text, x, y }) => {
        const place = placeOf(name);
        const half = halfOf(place, all);
        const ports = new Set(drawn.filter(({ to }) => to === name).map(({ port }) => port));
        const sided = all.roomy && place.layer !== null && !ports.has("in");
        return (
          <g key={name} class={`node${lit === name ? " lit" : ""}`} onPointerEnter={() => (cursor.active.value = { node: name })} onClick={() => chooseNode(name === node ? null : name)}>
            <rect class="card" x={x - half} y={y - all.size[1] / 2} width={2 * half} height={all.size[1]} rx={3} />
            {sided && (
              <g class="ports" font-size={7.5}>
                {[...ports].map((port) => (
                  <text key={port} x={x - half + 3} y={y + portOf(port, all)} dominant-baseline="central">
                    {port}
                  </text>
                ))}
              </g>
            )}
            <text x={sided ? x + 4 : x} y={y} font-size={all.roomy || place.layer === null ? 11 : 9.5} text-anchor="middle" dominant-baseline="central">
              {text}
            </text>
            {name === node && <rect class="pin" x={x - half - 2} y={y - all.size[1] / 2 - 2} width={2 * half + 4} height={all.size[1] + 4} rx={4} fill="none" />}
          </g>
        );
      })}
    </svg>
  );
}

function About({ node, edges }: { node: string; edges: Edge[] }) {
  const [ins, outs] = [edges.filter(({ to }) => to === node), edges.filter(({ writer }) => writer === node)];
  const listed = (some: Edge[], name: (edge: Edge) => string) => some.slice(0, 4).map(name).join(", ") + (some.length > 4 ? ` and ${some.length - 4} more` : "");
  return (
    <>
      <b>{node}</b>{" "}
      <span class="said">
        {ins.length ? `loads ${listed(ins, ({ port, writer }) => (port === "in" ? writer : `${port} from ${writer}`))}` : "no wire into it is drawn"}; {outs.length ? `is loaded by ${listed(outs, ({ reader }) => reader)}` : "none out of it is"}
      </span>
    </>
  );
}

function Wire({ graph, edge }: { graph: Graph; edge: Edge | undefined }) {
  if (!edge) return null;
  return (
    <>
      <span class="where">
        <code>{edge.writer}</code> {"\u2192"} <code>{edge.reader}</code>
      </span>{" "}
      <span class="axis">{graph.label}</span> <b class="figure-value">{free(edge.value)}</b>
      {graph.details.map((name, index) => (
        <span key={name} class="detail">
          {" "}
          <span class="axis">{name}</span> {said(name, edge.details[index] ?? null)}
        </span>
      ))}
    </>
  );
}

function Table({ graph, edges }: { graph: Graph; edges: Edge[] }) {
  const rows = edges.map(({ writer, reader, value, details }) => ({ head: writer, cells: [reader, value, ...details] }));
  return <DataTable place={PLACE} caption="Composition graph" corner="writer" list columns={["reader", graph.label, ...graph.details]} rows={rows} />;
}

function records(graph: Graph, edges: Edge[]): string[][] {
  return [["writer", "reader", graph.name, ...graph.details], ...edges.map(({ writer, reader, value, details }) => [writer, reader, ...[value, ...details].map(field)])];
}
