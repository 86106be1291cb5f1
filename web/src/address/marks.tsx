/** The parts of a sentence with weights: words, bars, outlines, and their legend. */
import type { ReadonlySignal } from "@preact/signals";
import { colourAt, inkOn } from "../colour";
import { percent } from "../format";
import { Hatch } from "../heatmap/panel";
import type { Address, Cell } from "../model";
import { barOf, isParallel } from "./bar";
import { BAR, type Sentence, SIZE, type Word } from "./layout";

interface Props {
  view: Address;
  row: Address["rows"][number];
  plan: Sentence;
  hatch: string;
  point: (token: number) => void;
}

/** All words of one address. */
export function Words({ row, plan, hatch, point }: Props) {
  const outlined = new Set(row.outlined);
  const parallel = isParallel(row);
  return (
    <>
      <Hatch id={hatch} step={5} />
      {plan.lines.map(({ y, end }) => (
        <g key={y}>
          <path class="grid" d={`M${plan.gutter} ${y}H${end}M${plan.gutter} ${y + BAR}H${end}`} />
          <text class="tick" x={plan.gutter - 6} y={y} text-anchor="end" dominant-baseline="central">
            1
          </text>
          <text class="tick" x={plan.gutter - 6} y={y + BAR} text-anchor="end" dominant-baseline="central">
            0
          </text>
        </g>
      ))}
      {plan.words.map((word, token) => (
        <g key={token} onPointerMove={() => point(token)} onPointerDown={() => point(token)}>
          <rect class="hits" x={word.x - 2} y={word.y} width={word.width + 4} height={BAR + 32} fill="none" pointer-events="all" />
          <Bar word={word} weight={row.weights[token] ?? null} parallel={parallel} hatch={hatch} />
          <Token word={word} outlined={outlined.has(token)} possible={row.weights[token] !== null} />
        </g>
      ))}
    </>
  );
}

function Bar({ word, weight, parallel, hatch }: { word: Word; weight: Cell; parallel: boolean; hatch: string }) {
  const foot = word.y + BAR;
  const middle = word.x + word.width / 2;
  if (weight === null) return <rect x={word.x} y={foot - 9} width={word.width} height={9} fill={`url(#${hatch})`} />;
  if (typeof weight !== "number") {
    return weight === "nan" ? (
      <path class="odd" d={`M${middle - 4} ${foot - 12}l8 8m0 -8l-8 8`} />
    ) : (
      <text x={middle} y={foot - 6} text-anchor="middle" font-size={14}>
        {weight === "inf" ? "\u221e" : "\u2212\u221e"}
      </text>
    );
  }
  if (parallel) return weight > 0 ? <path class="base" d={wholeOf(word.x, foot, word.width)} /> : null;
  const { height, drawn, text, inside } = barOf(word, weight);
  const fill = fillOf(weight);
  return (
    <g>
      {drawn && <rect class="bar" x={word.x} y={foot - height} width={word.width} height={height} fill={fill} />}
      {text && (
        <text x={middle} y={inside ? foot - height + 11 : foot - height - 4} text-anchor="middle" font-size={10} fill={inside ? inkOn(fill) : undefined}>
          {text}
        </text>
      )}
    </g>
  );
}

function Token({ word, outlined, possible }: { word: Word; outlined: boolean; possible: boolean }) {
  const y = word.y + BAR + 19;
  return (
    <g class={possible ? undefined : "soft"}>
      {outlined && <rect class="set" x={word.x + 0.75} y={word.y + BAR + 5} width={word.width - 1.5} height={21} rx={4} />}
      <text x={word.x + 5} y={y} font-size={SIZE} font-weight={outlined ? 700 : 400}>
        {word.text}
      </text>
      <text class="index" x={word.at} y={y + 3} font-size={9}>
        {word.index}
      </text>
    </g>
  );
}

/** Darker for higher bars, but never so pale that a low bar is invisible. */
function fillOf(weight: number): string {
  return colourAt("sequential", 0.35 + 0.45 * Math.min(1, Math.max(0, weight)));
}

/** A bracket over a token that is read whole. */
function wholeOf(x: number, foot: number, width: number): string {
  return `M${x + 1} ${foot}v-6h${width - 2}v6`;
}

/** The active word and the pinned one. */
export function Marks({ plan, here }: { plan: Sentence; here: ReadonlySignal<string> }) {
  return (
    <g class="marks">
      {here.value.split(" ").map((token, index) => {
        const word = plan.words[Number(token)];
        if (!word) return null;
        return <rect key={index} class={index === 0 ? "pin" : "ring"} x={word.x - 2} y={word.y - 1} width={word.width + 4} height={BAR + 30} rx={4} />;
      })}
    </g>
  );
}

/** Legend of the bars, the outline and the hatching; only marks that occur. */
export function Key({ view }: { view: Address }) {
  const items: [string, preact.JSX.Element][] = [["height of the bar: attention, 0 to 1", <rect class="bar" x={4} y={3} width={8} height={13} fill={fillOf(0.75)} />]];
  if (view.rows.some(isParallel)) items.push(["read whole, each alone", <path class="base" d={wholeOf(0, 12, 16)} />]);
  if (view.rows.some(({ outlined }) => outlined.length)) {
    items.push([`the fewest tokens that hold ${percent(view.mass)}`, <rect class="set" x={1} y={2} width={14} height={12} rx={3} />]);
  }
  if (view.rows.some(({ weights }) => weights.includes(null))) {
    items.push([
      "cannot be addressed",
      <>
        <Hatch id="address-key" step={5} />
        <rect y={3} width={16} height={10} fill="url(#address-key)" />
      </>,
    ]);
  }
  return (
    <div class="legend">
      <ul>
        {items.map(([text, mark]) => (
          <li key={text}>
            <svg class="chart" width={16} height={16} viewBox="0 0 16 16" aria-hidden="true">
              {mark}
            </svg>{" "}
            <span data-export>{text}</span>
          </li>
        ))}
      </ul>
    </div>
  );
}
