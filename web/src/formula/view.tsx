/** Formulas with the shape of every matrix, and their explanation. */
import { useComputed } from "@preact/signals";
import { useMemo } from "preact/hooks";
import { type Cursor, useCursor } from "../cursor";
import { DataTable } from "../datatable";
import { ViewFrame } from "../frame";
import type { Formula } from "../model";
import type { Place } from "../place";
import { Readout } from "../readout";
import { Sheet, takes } from "../sheet";
import { stepped } from "../stepped";
import { Stop } from "../stop";
import { type Line, type Piece, SCRIPT, SHAPE, spoken, typeset, written } from "./layout";

/** A formula's room, and the space to the next. */
const [LEAST, SHORT, GAP] = [320, 230, 22];

interface Point {
  row: number;
  term: number;
}

/** The view of a `loadstore/formula@1`. */
export function FormulaView({ view, place }: { view: Formula; place: Place }) {
  const cursor = useCursor<Point>();
  const lines = view.rows.flatMap(({ name, terms }) => terms.map((term) => ({ head: name, cells: [written(term), term.shape ?? ""] })));
  return (
    <ViewFrame
      view={view}
      place={place}
      records={() => [["formula", "term", "shape"], ...lines.map(({ head, cells }) => [head, ...cells])]}
      cells={lines.length * 2}
      table={() => <DataTable place={place} caption={view.title} corner="formula" list columns={["term", "shape"]} rows={lines} />}
    >
      <Stop
        cursor={cursor}
        start={() => (view.rows[0]?.terms.length ? { row: 0, term: 0 } : null)}
        move={(from, key, control) => move(view, from, key, control)}
        kind="formulas"
        label={`${view.title}: ${view.rows.length} formulas. Left and right move along a formula, up and down from one to the next.`}
      >
        {(width) => (
          <div class="formulas" style={{ gridTemplateColumns: `repeat(${abreast(view, width)}, minmax(0, 1fr))` }}>
            {view.rows.map((row, index) => (
              <div key={index}>
                <p class="formula-name" data-export>
                  {row.name}
                </p>
                <Picture view={view} index={index} cursor={cursor} width={(width - (abreast(view, width) - 1) * GAP) / abreast(view, width)} />
                <p class="meaning" data-export>
                  {row.meaning}
                </p>
              </div>
            ))}
          </div>
        )}
      </Stop>
      <Readout cursor={cursor} describe={(point) => <Said view={view} point={point} />} />
    </ViewFrame>
  );
}

/** The number of formulas side by side. */
function abreast(view: Formula, width: number): number {
  const least = view.rows.every(({ terms }) => terms.length < 5) ? SHORT : LEAST;
  return Math.max(1, Math.min(view.rows.length, Math.floor((width + GAP) / (least + GAP))));
}

function move(view: Formula, from: Point, key: string, control: boolean): Point {
  if (key === "ArrowUp" || key === "ArrowDown" || key.startsWith("Page") || control) {
    const row = stepped(from.row, key, view.rows.length);
    return { row, term: Math.min(from.term, (view.rows[row]?.terms.length ?? 1) - 1) };
  }
  return { ...from, term: stepped(from.term, key, view.rows[from.row]?.terms.length ?? 1) };
}

function Picture({ view, index, cursor, width }: { view: Formula; index: number; cursor: Cursor<Point>; width: number }) {
  const row = view.rows[index];
  const line = useMemo(() => typeset(row?.terms ?? [], width - 2), [row, width]);
  const here = useComputed(() => [cursor.pinned.value, cursor.active.value].map((point) => (point?.row === index ? point.term : -1)).join(" "));
  const still = useMemo(
    () =>
      line.pieces.map((piece) => (
        <g key={piece.index} {...takes(cursor, { row: index, term: piece.index })}>
          <rect class="hits" x={piece.x} y={piece.y - 26} width={piece.width} height={54} fill="none" pointer-events="all" />
          <Set piece={piece} />
        </g>
      )),
    [line],
  );
  return (
    <Sheet cursor={cursor} plan={line} label={`${row?.name}: ${spoken(row?.terms ?? [])}`}>
      {still}
      <Marks line={line} here={here} />
    </Sheet>
  );
}

/** One term: its symbol, its scripts, and a bracket with its shape. */
function Set({ piece: { term, text, shape, x, y, width, from, symbol, face, style, size } }: { piece: Piece }) {
  const script = { x: from + symbol + 2, "font-size": SCRIPT, "font-style": "italic", class: "serif" };
  return (
    <g>
      <text class={face} x={from} y={y} font-size={size} font-style={style || "normal"}>
        {text}
      </text>
      {term.sub && (
        <text {...script} y={y + 7}>
          {term.sub}
        </text>
      )}
      {term.sup && (
        <text {...script} y={y - 10}>
          {term.sup}
        </text>
      )}
      {shape && (
        <>
          <path class="bracket" d={`M${x + 3} ${y + 11}v4H${x + width - 3}v-4`} />
          <text class="soft" x={x + width / 2} y={y + 28} font-size={SHAPE} text-anchor="middle">
            {shape}
          </text>
        </>
      )}
    </g>
  );
}

function Marks({ line, here }: { line: Line; here: { value: string } }) {
  return (
    <g class="marks">
      {here.value.split(" ").map((term, index) => {
        const piece = line.pieces[Number(term)];
        return piece && <rect key={index} class={index === 0 ? "pin" : "ring thin"} x={piece.x - 1} y={piece.y - 27} width={piece.width + 2} height={59} rx={4} />;
      })}
    </g>
  );
}

function Said({ view, point }: { view: Formula; point: Point }) {
  const row = view.rows[point.row];
  const term = row?.terms[point.term];
  return (
    <>
      <span class="where">
        <span class="axis">{row?.name}</span> <code>{term && written(term)}</code>
      </span>{" "}
      {term?.shape && <b class="figure-value">{term.shape}</b>} <span class="said">{row?.meaning}</span>
    </>
  );
}
