/** The active point of a view, and the point pinned for comparison. */
import { type Signal, useSignal } from "@preact/signals";

export interface Cursor<P> {
  active: Signal<P | null>;
  pinned: Signal<P | null>;
}

/** A cursor with the lifetime of its view. */
export function useCursor<P>(): Cursor<P> {
  return { active: useSignal<P | null>(null), pinned: useSignal<P | null>(null) };
}

/** Pin what is active, or unpin it if it is pinned already. */
export function togglePin<P extends object>({ active, pinned }: Cursor<P>): void {
  const same = JSON.stringify(active.value) === JSON.stringify(pinned.value);
  pinned.value = same ? null : active.value;
}

/** Handlers of one Tab stop: arrows and Home/End move, Enter pins, Esc clears; `first` may take a key before. */
export function tabStop<P extends object>(cursor: Cursor<P>, start: () => P | null, move: (from: P, key: string, control: boolean) => P | null, first?: (event: KeyboardEvent) => boolean) {
  const { active, pinned } = cursor;
  return {
    tabIndex: 0,
    onFocus: () => {
      active.value ??= pinned.value ?? start();
    },
    onBlur: () => {
      active.value = null;
    },
    onKeyDown: (event: KeyboardEvent) => {
      if (event.altKey || event.metaKey) return;
      if (first?.(event)) {
        event.preventDefault();
        return;
      }
      if (event.key === "Escape") {
        active.value = null;
        pinned.value = null;
      } else if (event.key === "Enter" || event.key === " ") {
        togglePin(cursor);
      } else {
        const from = active.value ?? pinned.value;
        const next = isMove(event.key) ? (from ? move(from, event.key, event.ctrlKey) : start()) : null;
        if (!next) return;
        active.value = next;
      }
      event.preventDefault();
    },
  };
}

function isMove(key: string): boolean {
  return key.startsWith("Arrow") || key.startsWith("Page") || key === "Home" || key === "End";
}
