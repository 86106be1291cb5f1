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
