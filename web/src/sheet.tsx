/** The SVG sheet of a view: the static drawing, and the marks of the cursor above it. */
import type { ComponentChildren } from "preact";
import { type Cursor, togglePin } from "./cursor";

interface Props<P extends object> {
  cursor: Cursor<P>;
  /** Its size in pixels. */
  plan: { width: number; height: number };
  /** Its description for screen readers. */
  label: string;
  /** The width in pixels below which it scrolls rather than shrinks. */
  least?: number;
  kind?: "chart" | "chart wide" | "plot";
  /** Moves the cursor to the item under the pointer, if the parts of the picture do not do so themselves. */
  follow?: (event: PointerEvent) => void;
  children: ComponentChildren;
}

/** A picture with handlers for pinning by a click and for the pointer leaving. */
export function Sheet<P extends object>({ cursor, plan: { width, height }, label, least, kind = "chart", follow, children }: Props<P>) {
  return (
    <svg
      class={kind}
      width={width}
      height={height}
      viewBox={`0 0 ${width} ${height}`}
      style={least ? { minWidth: `${Math.floor(least)}px` } : undefined}
      role="img"
      aria-label={label}
      onPointerMove={follow}
      onPointerDown={follow}
      onPointerLeave={() => (cursor.active.value = null)}
      onClick={() => togglePin(cursor)}
    >
      {children}
    </svg>
  );
}

/** Handlers that move the cursor to `point` from a part of a picture. */
export function takes<P>(cursor: Cursor<P>, point: P) {
  const take = () => {
    cursor.active.value = point;
  };
  return { onPointerMove: take, onPointerDown: take };
}
