/** All heads, small; one Tab stop, and the arrows go from head to head. */
import { useRef } from "preact/hooks";
import type { Patterns } from "../model";
import { stepped } from "../stepped";
import { useTheme } from "../theme";
import { useWidth } from "../width";
import { acrossOf } from "./across";
import { Thumbnail } from "./thumbnail";
import type { Bytes } from "./unpack";

/** A thumbnail wider than this wastes room. */
const WIDEST = 120;

/** Heads under a heading, some of which may be folded. */
export interface Section {
  title: string;
  said: string;
  heads: number[];
  /** Folds or unfolds the rest; undefined if no head is ever folded. */
  fold: { text: string; turn: () => void } | null;
}

interface Props {
  view: Pick<Patterns, "heads" | "across">;
  bytes: Bytes;
  sections: Section[];
  skip: number;
  pinned: number | null;
  /** Called when a head is pointed at, and when one is pinned or released. */
  point: (head: number) => void;
  pin: (head: number | null) => void;
  shown: number;
  /** Pictures below the window are drawn when the browser is idle. */
  idle?: boolean;
}

/** The grid of `view`, section after section. */
export function Grid({ view, bytes, sections, skip, pinned, point, pin, shown, idle = false }: Props) {
  const [ref, width] = useWidth<HTMLDivElement>();
  const theme = useTheme();
  const roving = useRef(0);
  const order = sections.flatMap(({ heads }) => heads);
  const across = acrossOf(view.across, order.length, width);
  const at = Math.min(order.length - 1, roving.current);
  const keys = (event: KeyboardEvent) => {
    if (event.altKey || event.metaKey) return;
    if (event.key === "Escape") pin(null);
    const by = { ArrowUp: -across, ArrowDown: across }[event.key];
    const to = by === undefined ? stepped(at, event.key, order.length) : at + by;
    if (!/^(Arrow|Page|Home|End|Escape)/.test(event.key)) return;
    event.preventDefault();
    if (to < 0 || to >= order.length || to === at) return;
    ref.current?.querySelectorAll<HTMLElement>("button.head")[to]?.focus();
  };
  const columns = { gridTemplateColumns: `repeat(${across}, minmax(0, ${WIDEST}px))` };
  const drawn = (head: number, index: number) => {
    const { name, badges } = view.heads[head] ?? { name: "?", badges: [] };
    const label = `${[name, ...badges].join(", ")}: pattern`;
    const take = () => {
      roving.current = index;
      point(head);
    };
    return (
      <button
        key={head}
        type="button"
        class={head === shown ? "head shown" : "head"}
        tabIndex={index === at ? 0 : -1}
        aria-label={label}
        aria-pressed={pinned === head}
        aria-current={head === shown ? "true" : undefined}
        onFocus={take}
        onPointerEnter={() => point(head)}
        onClick={() => pin(pinned === head ? null : head)}
      >
        <Thumbnail bytes={bytes} head={head} skip={skip} theme={theme} label={label} idle={idle} />
        <span class="name" data-export>
          {name}
        </span>
        {badges.map((badge) => (
          <span key={badge} class="badge" data-export>
            {badge}
          </span>
        ))}
      </button>
    );
  };
  return (
    <div ref={ref} class="heads" role="group" aria-label={`${order.length} heads. Arrow keys go from head to head, Enter pins one, Escape lets it go.`} onKeyDown={keys}>
      {sections.map(({ title, said, heads, fold }, place) => {
        const before = sections.slice(0, place).reduce((sum, one) => sum + one.heads.length, 0);
        return (
          <section key={title} class="group">
            {title && (
              <h5>
                {title} <span>{said}</span>
              </h5>
            )}
            <div class="grid" style={columns}>
              {heads.map((head, index) => drawn(head, before + index))}
            </div>
            {fold && (
              <button type="button" class="fold" onClick={fold.turn}>
                {fold.text}
              </button>
            )}
          </section>
        );
      })}
    </div>
  );
}
