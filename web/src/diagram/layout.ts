/** The positions of a diagram's steps along the stream, and the paths of their arrows. */
import { fit, textWidth, widestOf, wrap } from "../measure";
import type { Diagram, Step } from "../model";
import { above, type Composed, leftOf, type Ports } from "./composed";

export const NAME = 13;
export const DETAIL = 11.5;
export const LABEL = 12;
const LINE = 15;
/** Columns narrower than this turn the picture upright. */
const NARROWEST = 100;
/** Columns narrower than this have smaller gaps. */
const ROOMY = 132;
const TURN = 700;
const BUS = 56;
/** Distance between the arrows of a box in an upright diagram. */
const PITCH = 19;

export interface Box {
  x: number;
  y: number;
  width: number;
  height: number;
  name: string;
  lines: string[];
  more: number;
  /** Whether there is room beside the name for the number of further boxes. */
  beside: boolean;
  kind: Step["kind"];
}

export interface Arrow {
  d: string;
  /** The arrow head: its tip, and its direction in degrees. */
  tip: [number, number, number];
  label: string[];
  at: [number, number];
  anchor: "start" | "middle" | "end";
  pos: boolean;
}

export interface Drawing {
  width: number;
  height: number;
  bus: { d: string; tip: [number, number, number]; label: [number, number] };
  boxes: Box[];
  arrows: Arrow[];
  /** The line of the positions, if any site loads them. */
  lane: string;
  /** Wires from a store along the stream to a load. */
  composed: Composed[];
}

/** `view` in `width` pixels: horizontal if there is room, else vertical. */
export function drawing(view: Diagram, width: number): Drawing {
  const column = width / Math.max(1, view.steps.length);
  return width < TURN || column < NARROWEST ? upright(view, width) : along(view, width);
}

function box(step: Step, x: number, y: number, width: number, least: number): Box {
  const beside = step.more === 0 || textWidth(step.name, NAME, "mono", "700") + moreWidth(step.more) + 26 <= width;
  const lines = [...wrap(step.detail, width - 20, DETAIL), ...(beside ? [] : [`+${step.more} more`])];
  return { x, y, width, height: Math.max(least, 30 + lines.length * LINE), name: fit(step.name, width - 20, NAME, "mono", "700"), lines, more: step.more, beside, kind: step.kind };
}

/** Room beside a stacked box for the number of boxes behind it. */
function stack(step: Step): number {
  return step.more > 0 ? 10 : 0;
}

/** A label in as many lines as fit between the stream and a box. */
function few(text: string, width: number): string[] {
  const lines = wrap(text, width, LABEL, "sans", "600");
  return lines.length <= 3 ? lines : [...lines.slice(0, 2), fit(lines.slice(2).join(""), width, LABEL, "sans", "600")];
}

/** Left to right: boxes hang below the stream, positions run below the boxes. */
function along(view: Diagram, width: number): Drawing {
  const column = width / view.steps.length;
  const wide = Math.min(190, column - (column < ROOMY ? 18 : 28));
  const top = BUS + 74;
  const boxes = view.steps.map((step, index) => box(step, index * column + (column - wide) / 2, top, wide - stack(step), 58));
  const height = Math.max(...boxes.map((each) => each.height));
  const positions = view.steps.findIndex(({ kind }) => kind === "pos");
  const below = view.steps.some(({ loads }) => loads.some(({ source }) => source === "pos")) && positions >= 0;
  const lane = top + height + 62;
  const arrows: Arrow[] = [];
  const ports = new Map<string, Ports>();
  for (const [index, step] of view.steps.entries()) {
    const at = boxes[index];
    if (!at) continue;
    const stream = step.loads.filter(({ source }) => source === "stream");
    const count = stream.length + (step.stores === null ? 0 : 1);
    const port = (which: number) => at.x + (at.width * (which + 1)) / (count + 1);
    const near = at.width / (count + 1) < 20 ? 3 : 6;
    ports.set(step.name, { store: step.stores === null ? null : port(count - 1), loads: new Map(stream.map(({ label }, which) => [label, port(which)])) });
    for (const [which, load] of stream.entries()) arrows.push({ d: `M${port(which)} ${BUS}V${top - 7}`, tip: [port(which), top, 90], label: [load.label], at: [port(which) + near, top - 22], anchor: "start", pos: false });
    if (step.stores !== null) {
      const x = port(count - 1);
      arrows.push({ d: `M${x} ${top}V${BUS + 10}`, tip: [x, BUS + 3, -90], label: few(step.stores, column - (x - at.x) + 6), at: [x + 6, BUS + 22], anchor: "start", pos: false });
    }
    const high = step.loads.filter(({ source }) => source === "pos");
    for (const [which, load] of (below ? high : []).entries()) {
      const x = at.x + (at.width * (which + 1)) / (high.length + 1);
      arrows.push({ d: `M${x} ${lane}V${at.y + at.height + 7}`, tip: [x, at.y + at.height, -90], label: [load.label], at: [x + 6, at.y + at.height + 24], anchor: "start", pos: true });
    }
  }
  const last = Math.max(0, ...arrows.filter(({ pos }) => pos).map(({ tip }) => tip[0]));
  const first = boxes[positions];
  return {
    width,
    height: below ? lane + 26 : top + height + 14,
    bus: { d: `M4 ${BUS}H${width - 14}`, tip: [width - 2, BUS, 0], label: [4, BUS - 14] },
    boxes,
    arrows,
    lane: below && first ? `M${first.x + first.width / 2} ${first.y + first.height}V${lane}H${last}` : "",
    composed: above(view, ports, BUS, top, width),
  };
}

/** Top to bottom: the stream on the left, boxes to its right, positions on the far side. */
function upright(view: Diagram, width: number): Drawing {
  const bus = view.wires?.length ? 22 : 16;
  const below = view.steps.some(({ loads }) => loads.some(({ source }) => source === "pos")) && view.steps.some(({ kind }) => kind === "pos");
  const labels = view.steps.flatMap(({ loads, stores }) => [...loads.filter(({ source }) => source === "stream").map(({ label }) => label), stores ?? ""]);
  const room = Math.min(width * 0.36, Math.max(44, widestOf(labels, LABEL, "sans", "600") + 26));
  const left = bus + room;
  const far = below ? Math.max(34, widestOf(view.steps.flatMap(({ loads }) => loads.filter(({ source }) => source === "pos").map(({ label }) => label)), LABEL, "sans", "600") + 28) : 4;
  const lane = width - 8;
  const boxes: Box[] = [];
  const arrows: Arrow[] = [];
  const ports = new Map<string, Ports>();
  let y = 44;
  for (const step of view.steps) {
    const stream = step.loads.filter(({ source }) => source === "stream");
    const high = step.loads.filter(({ source }) => source === "pos");
    const count = stream.length + (step.stores === null ? 0 : 1);
    const wide = Math.min(340, width - left - far - 6 - stack(step));
    const at = box(step, left, y, wide, 14 + PITCH * Math.max(1, count, high.length));
    boxes.push(at);
    const port = (which: number, of: number) => at.y + (at.height * (which + 1)) / (of + 1);
    ports.set(step.name, { store: step.stores === null ? null : port(count - 1, count), loads: new Map(stream.map(({ label }, which) => [label, port(which, count)])) });
    for (const [which, load] of stream.entries()) {
      const at_ = port(which, count);
      arrows.push({ d: `M${bus} ${at_}H${left - 7}`, tip: [left, at_, 0], label: [load.label], at: [bus + 10, at_ - 5], anchor: "start", pos: false });
    }
    if (step.stores !== null) {
      const at_ = port(count - 1, count);
      arrows.push({ d: `M${left} ${at_}H${bus + 10}`, tip: [bus + 3, at_, 180], label: [fit(step.stores, room - 16, LABEL, "sans", "600")], at: [bus + 12, at_ - 5], anchor: "start", pos: false });
    }
    for (const [which, load] of (below ? high : []).entries()) {
      const at_ = port(which, high.length);
      const right = at.x + at.width + stack(step);
      arrows.push({ d: `M${lane} ${at_}H${right + 7}`, tip: [right, at_, 180], label: [load.label], at: [right + 12, at_ - 5], anchor: "start", pos: true });
    }
    y += at.height + 14 + (step.more > 0 ? 10 : 0);
  }
  const last = Math.max(0, ...arrows.filter(({ pos }) => pos).map(({ tip }) => tip[1]));
  const first = boxes[view.steps.findIndex(({ kind }) => kind === "pos")];
  return {
    width,
    height: y + 4,
    bus: { d: `M${bus} 30V${y - 12}`, tip: [bus, y, 90], label: [4, 16] },
    boxes,
    arrows,
    lane: below && first ? `M${first.x + first.width} ${first.y + first.height / 2}H${lane}V${last}` : "",
    composed: leftOf(view, ports, bus, left),
  };
}

/** The name of the stream, in the room above it. */
export function streamLabel(view: Diagram, width: number): string {
  return fit(view.stream, width - 8, 12.5, "sans", "600");
}

/** Width of the label with the number of siblings that are not drawn. */
export function moreWidth(more: number): number {
  return textWidth(`+${more}`, 11, "sans", "600");
}
