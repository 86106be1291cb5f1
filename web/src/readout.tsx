/** The frame of every readout: what is in hand, what is pinned, and a hint when neither is. */
import type { ComponentChildren } from "preact";
import type { Cursor } from "./cursor";

interface Props<P> {
  cursor: Cursor<P>;
  what: string;
  describe: (point: P) => ComponentChildren;
  /** What to do here, where it is more than to point and to pin. */
  hint?: ComponentChildren;
}

/** Two lines at most; announced politely, and never moving what is below. */
export function Readout<P>({ cursor, what, describe, hint }: Props<P>) {
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
      {!active && !pinned && (
        <p class="hint">
          {hint ?? (
            <>
              Point at a {what}, or press Tab and use the arrow keys. <kbd>Enter</kbd> pins it, <kbd>Esc</kbd> clears.
            </>
          )}
        </p>
      )}
    </div>
  );
}
