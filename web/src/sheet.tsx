/** The sheet that a view draws on, an SVG picture: what stands still, and the marks of the cursor above it. */
import type { ComponentChildren } from "preact";
import { type Cursor, togglePin } from "./cursor";

interface Props<P extends object> {
  cursor: Cursor<P>;
  /** Its size in pixels. */
  plan: { width: number; height: number };
  /** What it shows, for those who do not see it. */
  label: string;
  /** Pixels below which it scrolls rather than shrinks. */
  least?: number;
  kind?: "chart" | "chart wide" | "plot";
  /** Moves the cursor to what is under the pointer, where the parts of the picture do not do so themselves. */
  follow?: (event: PointerEvent) => void;
  children: ComponentChildren;
}

/** A picture that a click pins and that the pointer leaves. */
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

/** Handlers with which a part of a picture takes the cursor to `point`. */
export function takes<P>(cursor: Cursor<P>, point: P) {
  const take = () => {
    cursor.active.value = point;
  };
  return { onPointerMove: take, onPointerDown: take };
}
