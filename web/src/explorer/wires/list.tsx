/** Wires as links to their channels: those of the chosen part, else the strongest. */
import { free } from "../../format";
import type { Cell } from "../../model";
import type { ScreenProps } from "../screen";
import type { Edge, Graph } from "./edges";

/** The number listed of one kind. */
const LISTED = 24;
const STRONGEST = 12;

interface Props extends Pick<ScreenProps, "link"> {
  graph: Graph;
  edges: Edge[];
  node: string | null;
  wire: { writer: string; reader: string } | null;
}

/** The list beside the graph. */
export function WireList({ graph, edges, node, wire, link }: Props) {
  if (node === null) return <Some title="The strongest wires" {...{ graph, wire, link }} edges={edges} most={STRONGEST} />;
  return (
    <>
      <Some title={`What ${node} loads`} {...{ graph, wire, link }} edges={edges.filter(({ to }) => to === node)} most={LISTED} />
      <Some title={`Who loads ${node}`} {...{ graph, wire, link }} edges={edges.filter(({ writer }) => writer === node)} most={LISTED} />
    </>
  );
}

/** A detail; a q of 0 is too small for a double. */
export function said(name: string | undefined, cell: Cell): string {
  return name === "q" && cell === 0 ? "< 1e\u2212300" : free(cell);
}

function Some({ title, graph, edges, most, wire, link }: Omit<Props, "node"> & { title: string; most: number }) {
  const shown = edges.slice(0, most);
  return (
    <section class="wire-list" aria-label={title}>
      <h3>{title}</h3>
      {!shown.length && <p class="missing">No such wire is among those that hold this share.</p>}
      {shown.length > 0 && (
        <div class="scroll">
          <table class="data plain">
            <thead>
              <tr>
                <th scope="col">wire</th>
                {[graph.label, ...graph.details].map((label) => (
                  <th key={label} scope="col" class="number">
                    {label}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {shown.map(({ writer, reader, value, details }) => (
                <tr key={`${writer} ${reader}`}>
                  <th scope="row">
                    <a href={link({ writer, reader })} aria-current={wire?.writer === writer && wire.reader === reader ? "true" : undefined}>
                      {writer} {"\u2192"} {reader}
                    </a>
                  </th>
                  <td class="number">{free(value)}</td>
                  {details.map((cell, index) => (
                    <td key={index} class="number">
                      {said(graph.details[index], cell)}
                    </td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {edges.length > shown.length && <p class="missing">{(edges.length - shown.length).toLocaleString("en")} more at this share.</p>}
    </section>
  );
}
