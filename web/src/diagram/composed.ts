/** Wires of a diagram: from what one step stores, along the stream, to what a later one loads. */
import { fit } from "../measure";
import type { Diagram } from "../model";

export interface Composed {
  d: string;
  /** The end of the wire, like that of an arrow. */
  tip: [number, number, number];
  label: string;
  /** The start of its label; null if there is no room beside the stream. */
  at: [number, number] | null;
}

/** Where a step's store leaves it and its loads from the stream arrive, along the stream. */
export interface Ports {
  store: number | null;
  loads: Map<string, number>;
}

/** The distance of a wire from the stream, and the size of its label. */
const [BESIDE, LABEL] = [11, 12];

/** The ends of every wire of `view` that has both. */
function ends(view: Diagram, ports: Map<string, Ports>): { from: number; to: number; label: string }[] {
  return (view.wires ?? []).flatMap(({ writer, reader, side, label }) => {
    const [from, to] = [ports.get(writer)?.store, ports.get(reader)?.loads.get(side)];
    return from === undefined || from === null || to === undefined ? [] : [{ from, to, label }];
  });
}

/** Wires above a stream that runs to the right at `bus`, to boxes whose tops are at `top`. */
export function above(view: Diagram, ports: Map<string, Ports>, bus: number, top: number, width: number): Composed[] {
  return ends(view, ports).map(({ from, to, label }) => ({
    d: `M${from} ${top}V${bus - BESIDE}H${to}V${top - 7}`,
    tip: [to, top, 90],
    label: fit(label, width - from - 4, LABEL, "sans", "600"),
    at: [from, bus - BESIDE - 7],
  }));
}

/** Wires left of a stream that runs down at `bus`, to boxes whose left sides are at `left`. */
export function leftOf(view: Diagram, ports: Map<string, Ports>, bus: number, left: number): Composed[] {
  return ends(view, ports).map(({ from, to, label }) => ({ d: `M${left} ${from}H${bus - BESIDE}V${to}H${left - 7}`, tip: [left, to, 0], label, at: null }));
}
