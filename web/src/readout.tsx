/** The frame of every readout: the active item, the pinned item, and the hint of the view, if any. */
import type { ComponentChildren } from "preact";
import type { Cursor } from "./cursor";

interface Props<P> {
  cursor: Cursor<P>;
  describe: (point: P) => ComponentChildren;
  /** A hint for interactions other than pointing and pinning. */
  hint?: ComponentChildren;
}

/** At most two lines; announced politely, without moving the content below. */
export function Readout<P>({ cursor, describe, hint }: Props<P>) {
  const active = cursor.active.value;
  const pinned = cursor.pinned.value;
  const same = active !== null && JSON.stringify(active) === JSON.stringify(pinned);
  return (
    <div class="readout" role="status" aria-live="polite">
      {active && (
        <p>
          {same && <span class="tag">pinned</span>}
          {describe(active)}
        </p>
      )}
      {pinned && !same && (
        <p>
          <span class="tag">pinned</span>
          {describe(pinned)}
        </p>
      )}
      {!active && !pinned && hint && <p class="hint">{hint}</p>}
    </div>
  );
}

/** The interactions of every view, stated once per page. */
export function Hint({ layered = false }: { layered?: boolean }) {
  return (
    <p class="hint once">
      Point at any part of a figure, or press Tab and use the arrow keys, for its numbers. <kbd>Enter</kbd> pins them, <kbd>Esc</kbd> clears.
      {layered && " In a map by layers, a click opens a cell."}
    </p>
  );
}
