/** The map itself: strips as pixels, and above them what is chosen and the loads that it lights. */
import { useLayoutEffect, useMemo, useRef } from "preact/hooks";
import { colourAt } from "../../colour";
import { pointed } from "../../pointer";
import { clip } from "../../text";
import { useTheme } from "../../theme";
import { edgesOf } from "./edges";
import { fullest, GAP, GUTTER, isCut, lineOf, middle, type Plan, STRIP, strip } from "./layout";
import { spotAt } from "./spot";
import type { Memory, Spot, Store } from "./types";

interface Props {
  memory: Memory;
  labels: string[];
  plan: Plan;
  active: Spot | null;
  chosen: Spot | null;
  store: Store | null;
  pick: (spot: Spot, choose: boolean) => void;
}

/** Colour of a writer in its row. */
export function colourOf(writer: number, writers: number): string {
  return colourAt("sequential", writers < 2 ? 0.5 : 0.15 + (0.65 * writer) / (writers - 1));
}

/** The map of `memory`. */
export function Map({ memory, labels, plan, active, chosen, store, pick }: Props) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const theme = useTheme();
  useLayoutEffect(() => {
    if (canvas.current) draw(canvas.current, memory, labels.length, plan);
  }, [memory, plan, theme]);
  const still = useMemo(() => <Frame memory={memory} labels={labels} plan={plan} />, [memory, labels, plan]);
  const under = (event: MouseEvent, choose: boolean) => {
    const spot = spotAt(...pointed(event, plan.width), memory, labels.length, plan);
    if (spot) pick(spot, choose);
  };
  const label = `Memory map: ${labels.length} tokens by ${memory.rows.length} rows of depth, ${memory.meaning}. The numbers are in the table below.`;
  return (
    <div class="memory-map" style={{ width: `${plan.width}px`, height: `${plan.height}px` }}>
      <canvas ref={canvas} role="img" aria-label={label} style={{ width: `${plan.width}px`, height: `${plan.height}px` }} />
      <svg viewBox={`0 0 ${plan.width} ${plan.height}`} width={plan.width} height={plan.height} aria-hidden="true" onPointerMove={(event) => under(event, false)} onClick={(event) => under(event, true)}>
        {still}
        {chosen && store && <Lit memory={memory} plan={plan} chosen={chosen} store={store} tokens={labels.length} />}
        {active && <Mark memory={memory} plan={plan} spot={active} kind="ring" />}
        {chosen && <Mark memory={memory} plan={plan} spot={chosen} kind="pin" />}
      </svg>
    </div>
  );
}

function draw(canvas: HTMLCanvasElement, memory: Memory, tokens: number, plan: Plan): void {
  const ratio = Math.min(window.devicePixelRatio || 1, 2);
  [canvas.width, canvas.height] = [plan.width * ratio, plan.height * ratio];
  const pen = canvas.getContext("2d");
  if (!pen) return;
  const style = getComputedStyle(document.documentElement);
  const [ground, ink] = ["--raised", "--ink"].map((name) => style.getPropertyValue(name).trim());
  pen.scale(ratio, ratio);
  for (const [index, row] of memory.rows.entries()) {
    const [y, most] = [plan.top + index * plan.pitch, fullest(row)];
    for (let token = 0; token < tokens; token++) {
      const [x, room] = [plan.left + token * plan.cell + 1, plan.cell - GAP];
      pen.fillStyle = ground ?? "";
      pen.fillRect(x, y, room, STRIP);
      for (const { writer, from, to } of strip(row, token, most)) {
        if (to <= from) continue;
        pen.fillStyle = colourOf(writer, row.writers.length);
        pen.fillRect(x + from * room, y, Math.max(0.6, (to - from) * room), STRIP);
      }
      if (isCut(row, token, most)) {
        pen.fillStyle = ground ?? "";
        for (const back of [5, 9]) pen.fillRect(x + room - back, y, 2, STRIP);
      }
      if (memory.measure !== "stored" || row.writers.length < 2) continue;
      const net = Math.min(1, (row.sums[token] ?? 0) / most);
      pen.fillStyle = ink ?? "";
      pen.fillRect(x + net * room - 1, y - 2, 2, STRIP + 4);
    }
  }
}

/** Names of tokens and rows. */
function Frame({ memory, labels, plan }: { memory: Memory; labels: string[]; plan: Plan }) {
  return (
    <g class="labels" font-size={11}>
      {labels.map((label, token) => (
        <text key={token} transform={`translate(${plan.left + (token + 0.5) * plan.cell} ${plan.top - 6}) rotate(-62)`}>
          {clip(label)}
        </text>
      ))}
      {memory.rows.map(({ label, writers }, row) => (
        <g key={row}>
          <text x={4} y={lineOf(plan, row)} dominant-baseline="central" class="row-name">
            {label}
          </text>
          <text x={GUTTER - 8} y={lineOf(plan, row)} dominant-baseline="central" text-anchor="end">
            {writers.length} {writers.length === 1 ? "writer" : "writers"}
          </text>
        </g>
      ))}
    </g>
  );
}

function Mark({ memory, plan, spot, kind }: { memory: Memory; plan: Plan; spot: Spot; kind: "ring" | "pin" }) {
  const [x, y] = middle(memory, plan, spot);
  const box = { x: plan.left + spot.token * plan.cell, y: plan.top + spot.row * plan.pitch - 2, width: plan.cell - 1, height: STRIP + 4 };
  return (
    <g class="marks">
      <rect {...box} class="halo" />
      <rect {...box} class={kind} />
      <path d={`M${x} ${y - 9}v18`} class="halo" />
      <path d={`M${x} ${y - 7}v14`} class={kind} />
    </g>
  );
}

/** Edges from the chosen store to the heads that loaded it, as wide as the root of what they took. */
function Lit({ memory, plan, chosen, store, tokens }: { memory: Memory; plan: Plan; chosen: Spot; store: Store; tokens: number }) {
  return (
    <g class="lit-loads">
      {edgesOf(memory, plan, chosen, store, tokens).map(({ load, d, width, to, named }, index) => (
        <g key={index} class={`load side-${load.side}`}>
          <path d={d} stroke-width={width} stroke-dasharray={load.share < 0 ? "4 3" : undefined} />
          {named && (
            <text x={to[0]} y={to[1] - 2} font-size={11}>
              {load.share < 0 ? "\u2212" : ""}
              {load.side}
            </text>
          )}
        </g>
      ))}
    </g>
  );
}
