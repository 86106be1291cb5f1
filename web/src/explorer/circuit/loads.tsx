/** The loads of a circuit as switches: by the depth of their readers, each with its parts and its wires below it. */
import { percent } from "../../format";
import { onlyOn, toggled, wiresOf } from "./off";
import type { Load, Part } from "./types";

interface Props {
  loads: Load[];
  off: ReadonlySet<number>;
  set: (off: Set<number>) => void;
}

/** All switches. */
export function Loads({ loads, off, set }: Props) {
  const depths = [...new Set(loads.map(({ depth }) => depth))];
  const largest = Math.max(...loads.map(({ share }) => share), 1e-9);
  return (
    <section class="loads" aria-labelledby="loads-title">
      <h3 id="loads-title">Loads</h3>
      <p class="missing">
        Each load is a group of readers that load through one side (Q, K, V, the input of MLPs, or the answer). A bar is its share of the circuit’s |attribution|. Below a load are the writers it loads from, and its
        wires where they are few.
      </p>
      <div class="depths">
        {depths.map((depth) => (
          <fieldset key={depth} class="depth">
            <legend>{depth === "answer" ? "The answer" : depth}</legend>
            {loads
              .filter((load) => load.depth === depth)
              .map((load) => (
                <Row key={load.id} {...{ load, loads, off, set, largest }} />
              ))}
          </fieldset>
        ))}
      </div>
    </section>
  );
}

function Row({ load, loads, off, set, largest }: Props & { load: Load; largest: number }) {
  const wires = wiresOf(load);
  const single = load.parts.length === 1 && load.parts[0]?.wires.length === 1;
  const from = load.parts.map(({ name }) => name).join(", ");
  return (
    <div class="load-row">
      <div class="load-line">
        <Switch name={load.name} wires={wires} off={off} set={set} strong />
        <button type="button" aria-label={`Only ${load.name} on`} onClick={() => set(onlyOn(loads, wires))}>
          only
        </button>
      </div>
      <div class="load-bar">
        <svg width="100%" height="7" aria-hidden="true">
          <rect class="track" width="100%" height="7" rx="1.5" />
          <rect class="filled" width={`${(100 * load.share) / largest}%`} height="7" rx="1.5" />
        </svg>
        <span class="share">{percent(load.share)}</span>
      </div>
      {single ? (
        <p class="from">from {from}</p>
      ) : (
        <details>
          <summary>
            {wires.length} wires from {from}
          </summary>
          <ul>
            {load.parts.map((part) => (
              <PartRow key={part.id} part={part} alone={load.parts.length === 1} off={off} set={set} />
            ))}
          </ul>
        </details>
      )}
    </div>
  );
}

function PartRow({ part, alone, off, set }: { part: Part; alone: boolean; off: ReadonlySet<number>; set: Props["set"] }) {
  const wires = part.each.map(({ name, share }, index) => (
    <li key={name}>
      <Switch name={name} share={share} wires={part.wires.slice(index, index + 1)} off={off} set={set} />
    </li>
  ));
  if (alone && wires.length) return <>{wires}</>;
  return (
    <li>
      <Switch name={`from ${part.name}`} share={part.share} wires={part.wires} off={off} set={set} />
      {wires.length > 1 && <ul>{wires}</ul>}
    </li>
  );
}

/** One checkbox; neither on nor off where some of its wires are. */
function Switch({ name, share, wires, off, set, strong = false }: { name: string; share?: number; wires: number[]; off: ReadonlySet<number>; set: Props["set"]; strong?: boolean }) {
  const gone = wires.filter((wire) => off.has(wire)).length;
  return (
    <label class={gone === wires.length ? "switch-of-load gone" : "switch-of-load"}>
      <input type="checkbox" checked={gone === 0} indeterminate={gone > 0 && gone < wires.length} onChange={() => set(toggled(off, wires))} />
      <span class={strong ? "name strong" : "name"}>{name}</span>
      {share !== undefined && <span class="share">{percent(share)}</span>}
    </label>
  );
}
