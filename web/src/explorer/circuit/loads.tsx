/** The loads of a circuit as switches: by the depth of their readers, each with its parts and its wires below it. */
import { useMemo, useState } from "preact/hooks";
import { number } from "../../format";
import { onlyOn, toggled, wiresOf } from "./off";
import type { Load, Part } from "./types";

/** The number of loads listed at first; the others are weaker. */
const LISTED = 20;

interface Props {
  loads: Load[];
  off: ReadonlySet<number>;
  set: (off: Set<number>) => void;
}

/** All switches. */
export function Loads({ loads, off, set }: Props) {
  const [all, setAll] = useState(false);
  const strong = useMemo(() => strongest(loads), [loads]);
  const listed = loads.filter((load) => all || strong.has(load.id) || wiresOf(load).some((wire) => off.has(wire)));
  const depths = [...new Set(listed.map(({ depth }) => depth))];
  const largest = Math.max(...loads.map(({ share }) => share), 1e-9);
  const hidden = loads.filter(({ id }) => !strong.has(id));
  return (
    <section class="loads" aria-labelledby="loads-title">
      <h3 id="loads-title">Loads</h3>
      <p class="missing">
        A load is a group of readers that load through one side: Q, K or V of heads, the input of MLPs, or the answer. The number is its share of the circuit’s |attribution|; the largest share has a full bar. It opens to the writers that it loads from, and
        to its wires where these are few.
      </p>
      {depths.map((depth) => (
        <div key={depth} class="depth" role="group" aria-label={depth}>
          <h4>{depth}</h4>
          <div>
            {listed
              .filter((load) => load.depth === depth)
              .map((load) => (
                <Row key={load.id} {...{ load, loads, off, set, largest }} />
              ))}
          </div>
        </div>
      ))}
      {hidden.length > 0 && (
        <p class="all-loads">
          <button type="button" aria-pressed={all} onClick={() => setAll(!all)}>
            List all {loads.length} loads
          </button>{" "}
          <span class="said">
            the {hidden.length} weakest have {inPercent(hidden.reduce((sum, { share }) => sum + share, 0))} of the circuit’s |attribution|
          </span>
        </p>
      )}
    </section>
  );
}

/** A share with as many decimals as those above and below it. */
function inPercent(share: number): string {
  return `${number(100 * share, 1)} %`;
}

/** The ids of the loads that are always listed. */
function strongest(loads: Load[]): Set<number> {
  const order = [...loads].sort((a, b) => b.share - a.share);
  return new Set(order.slice(0, LISTED).map(({ id }) => id));
}

function Row({ load, loads, off, set, largest }: Props & { load: Load; largest: number }) {
  const wires = wiresOf(load);
  const single = wires.length === 1;
  const from = load.parts.map(({ name }) => name).join(", ");
  return (
    <div class="load-row">
      <Switch name={load.name} wires={wires} off={off} set={set} strong />
      <svg class="load-bar" width="100%" height="8" aria-hidden="true">
        <rect class="track" width="100%" height="8" rx="1.5" />
        <rect class="filled" width={`${(100 * load.share) / largest}%`} height="8" rx="1.5" />
      </svg>
      <span class="share">{inPercent(load.share)}</span>
      <button type="button" aria-label={`Only ${load.name} on`} onClick={() => set(onlyOn(loads, wires))}>
        only
      </button>
      {single ? (
        <p class="from">from {from}</p>
      ) : (
        <details class="from">
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

/** One checkbox; indeterminate if only some of its wires are off. */
function Switch({ name, share, wires, off, set, strong = false }: { name: string; share?: number; wires: number[]; off: ReadonlySet<number>; set: Props["set"]; strong?: boolean }) {
  const gone = wires.filter((wire) => off.has(wire)).length;
  return (
    <label class={gone === wires.length ? "switch-of-load gone" : "switch-of-load"}>
      <input type="checkbox" checked={gone === 0} indeterminate={gone > 0 && gone < wires.length} onChange={() => set(toggled(off, wires))} />
      <span class={strong ? "name strong" : "name"}>{name}</span>
      {share !== undefined && <span class="share">{inPercent(share)}</span>}
    </label>
  );
}
