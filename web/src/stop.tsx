/** The only Tab stop of a picture, which measures its width. */
import type { ComponentChildren } from "preact";
import { type Cursor, tabStop } from "./cursor";
import { useWidth } from "./width";

interface Props<P extends object> {
  cursor: Cursor<P>;
  start: () => P | null;
  move: (from: P, key: string, control: boolean) => P | null;
  /** The kind of picture, as a screen reader announces it. */
  kind: string;
  label: string;
  /** A key handler of this picture that runs before the cursor's; true if it handled the key. */
  first?: (event: KeyboardEvent) => boolean;
  children: (width: number) => ComponentChildren;
}

/** A focusable picture that passes its keys to the cursor. */
export function Stop<P extends object>({ cursor, start, move, kind, label, first, children }: Props<P>) {
  const [ref, width] = useWidth<HTMLDivElement>();
  return (
    <div ref={ref} class="stop scroll" role="application" aria-roledescription={kind} aria-label={label} {...tabStop(cursor, start, move, first)}>
      {width > 0 && children(width)}
    </div>
  );
}
