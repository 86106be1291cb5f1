/** The map: cells as pixels, and above them the chosen store and its loads. */
import { useLayoutEffect, useMemo, useRef } from "preact/hooks";
import { beyond, colourOf } from "../../colour";
import type { Scale } from "../../model";
import { pointed } from "../../pointer";
import { clip } from "../../text";
import { useTheme } from "../../theme";
import { Gutter } from "./gutter";
import { lanesOf } from "./lanes";
import { GAP, lineOf, type Plan, sizeOf, STRIP } from "./layout";
import { spotAt } from "./spot";
import type { Line, Memory, Region, Spot, Store } from "./types";

interface Props {
  memory: Memory;
  lines: Line[];
  labels: string[];
  plan: Plan;
  scale: Scale;
  active: Spot | null;
  chosen: Spot | null;
  store: Store | null;
  region: Region | null;
  pick: (spot: Spot, choose: boolean) => void;
}

/** The map of `memory`. */
export function Map({ memory, lines, labels, plan, scale, active, chosen, store, region, pick }: Props) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const theme = useTheme();
  useLayoutEffect(() => {
    if (canvas.current) draw(canvas.current, memory, lines, labels.length, plan, scale);
  }, [lines, plan, theme]);
  const under = (event: MouseEvent, choose: boolean) => {
    const spot = spotAt(...pointed(event, plan.width), lines, labels.length, plan);
    if (spot) pick(spot, choose);
  };
  const names = useMemo(() => <Names lines={lines} plan={plan} region={region} />, [lines, plan, region]);
  const label = `Memory map: ${labels.length} tokens by ${lines.length} rows of writers, ${memory.meaning}. The numbers are in the table below.`;
  return (
    <div class="memory-map" style={{ width: `${plan.width}px`, height: `${plan.height}px` }}>
      <canvas ref={canvas} role="img" aria-label={label} style={{ width: `${plan.width}px`, height: `${plan.height}px` }} />
      <svg viewBox={`0 0 ${plan.width} ${plan.height}`} width={plan.width} height={plan.height} aria-hidden="true" onPointerMove={(event) => under(event, false)} onClick={(event) => under(event, true)}>
        <g class="labels" font-size={11}>
          {labels.map((label, token) => (
            <text key={token} transform={`translate(${plan.left + (token + 0.5) * plan.cell} ${plan.top - 6}) rotate(-62)`}>
              {clip(label)}
            </text>
          ))}
        </g>
        {chosen && store && <Lit memory={memory} lines={lines} plan={plan} chosen={chosen} store={store} tokens={labels.length} />}
        {active && <Mark plan={plan} spot={active} kind="ring" />}
        {chosen && <Mark plan={plan} spot={chosen} kind="pin" />}
      </svg>
      {names}
    </div>
  );
}

function draw(canvas: HTMLCanvasElement, memory: Memory, lines: Line[], tokens: number, plan: Plan, scale: Scale): void {
  const ratio = Math.min(window.devicePixelRatio || 1, 2);
  [canvas.width, canvas.height] = [plan.width * ratio, plan.height * ratio];
  const pen = canvas.getContext("2d");
  if (!pen) return;
  const paper = getComputedStyle(document.documentElement).getPropertyValue("--paper").trim();
  pen.scale(ratio, ratio);
  for (const [row, line] of lines.entries()) {
    const y = plan.tops[row] ?? 0;
    for (let token = 0; token < tokens; token++) {
      const [x, room, size] = [plan.left + token * plan.cell, plan.cell - GAP, sizeOf(memory, line, token)];
      pen.fillStyle = colourOf(scale, size);
      pen.fillRect(x, y, room, STRIP);
      if (beyond(scale, size) !== 1) continue;
      pen.fillStyle = paper;
      for (const back of [4, 8]) pen.fillRect(x + room - back, y, 1.5, STRIP);
    }
  }
}

/** The names of the rows, which stay visible while the map scrolls. */
function Names({ lines, plan, region }: { lines: Line[]; plan: Plan; region: Region | null }) {
  return (
    <svg class="row-names" width={plan.left - 4} height={plan.height} aria-hidden="true" font-size={11}>
      <rect width={plan.left - 4} height={plan.height} />
      {lines.map(({ name, said, writers }, row) => (
        <text key={row} x={2} y={lineOf(plan, row)} dominant-baseline="central">
          <tspan class={writers.length > 1 ? undefined : "row-name"}>{name}</tspan> <tspan class="row-said">{said}</tspan>
        </text>
      ))}
      {region && <Gutter lines={lines} plan={plan} region={region} />}
    </svg>
  );
}

function Mark({ plan, spot, kind }: { plan: Plan; spot: Spot; kind: "ring" | "pin" }) {
  const box = { x: plan.left + spot.token * plan.cell - 1.5, y: (plan.tops[spot.row] ?? 0) - 1.5, width: plan.cell - GAP + 3, height: STRIP + 3 };
  return (
    <g class="marks">
      <rect {...box} class="halo" />
      <rect {...box} class={kind} />
    </g>
  );
}

/** A comb from the chosen store to the heads that loaded it; a tooth is as wide as the root of its load. */
function Lit({ memory, lines, plan, chosen, store, tokens }: { memory: Memory; lines: Line[]; plan: Plan; chosen: Spot; store: Store; tokens: number }) {
  const lanes = lanesOf(lines, plan, chosen, store, memory.first, tokens);
  return (
    <g class="lit-loads">
      {lanes.map(({ side, trunk, ends }) => (
        <g key={side} class={`side-${side}`}>
          <path class="under" d={`M${trunk.x} ${trunk.from}V${trunk.to}`} stroke-width={4} />
          <path d={`M${trunk.x} ${trunk.from}V${trunk.to}`} stroke-width={1.5} />
          {ends.map(({ x, y, width, against }, index) => (
            <g key={index} class="load">
              <path class="under" d={`M${trunk.x} ${y}H${x}`} stroke-width={width + 2} />
              <path d={`M${trunk.x} ${y}H${x}`} stroke-width={width} stroke-dasharray={against ? "4 3" : undefined} />
              <circle cx={x} cy={y} r={width / 2 + 1.5} />
            </g>
          ))}
        </g>
      ))}
      {lanes.flatMap(({ side, ends }) =>
        ends.filter(({ named }) => named).map(({ x, y, against }) => (
          <text key={`${side}${x}-${y}`} class={`side-${side}`} x={x} y={y} dominant-baseline="central" font-size={11}>
            {against ? "\u2212" : ""}
            {side}
          </text>
        )),
      )}
    </g>
  );
}
