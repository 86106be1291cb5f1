/** The one Tab stop of a picture, which knows its width. */
import type { ComponentChildren } from "preact";
import { type Cursor, tabStop } from "./cursor";
import { useWidth } from "./width";

interface Props<P extends object> {
  cursor: Cursor<P>;
  start: () => P | null;
  move: (from: P, key: string, control: boolean) => P | null;
  /** What kind of picture it is, as a screen reader announces it. */
  kind: string;
  label: string;
  /** Keys that this picture takes before the cursor does; true where it took one. */
  first?: (event: KeyboardEvent) => boolean;
  children: (width: number) => ComponentChildren;
}

/** A picture that takes the focus and hands its keys to the cursor. */
export function Stop<P extends object>({ cursor, start, move, kind, label, first, children }: Props<P>) {
  const [ref, width] = useWidth<HTMLDivElement>();
  return (
    <div ref={ref} class="stop scroll" role="application" aria-roledescription={kind} aria-label={label} {...tabStop(cursor, start, move, first)}>
      {width > 0 && children(width)}
    </div>
  );
}

/** The index after a key in a list of `count`: arrows step, Home and End jump. */
export function stepped(from: number, key: string, count: number): number {
  const step = { ArrowUp: -1, ArrowLeft: -1, ArrowDown: 1, ArrowRight: 1, PageUp: -10, PageDown: 10, Home: -count, End: count }[key] ?? 0;
  return Math.min(count - 1, Math.max(0, from + step));
}

/** The cell after a key in a grid: arrows step, Home and End run along the row, with Ctrl to the corners. */
export function gridStepped(from: { row: number; column: number }, key: string, control: boolean, rows: number, columns: number) {
  const along = key === "Home" || key === "End";
  const vertical = key === "ArrowUp" || key === "ArrowDown" || key.startsWith("Page") || (along && control);
  const horizontal = key === "ArrowLeft" || key === "ArrowRight" || along;
  return {
    row: vertical ? stepped(from.row, key, rows) : from.row,
    column: horizontal ? stepped(from.column, key, columns) : from.column,
  };
}
