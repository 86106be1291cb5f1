/** The gutter of the map: the rows that load or overwrite the region of the active writer. */
import { number, short } from "../../format";
import { Item } from "../../heatmap/legend";
import { useWork, type Work } from "../ask";
import { Working } from "../states";
import { lineOf, type Plan } from "./layout";
import type { Line, Memory, Region } from "./types";

/** With more writers than this a region takes long, and is measured only on request. */
const QUICK = 80;

/** The region of `writer`, measured automatically if that is quick; null for a constant, which has none. */
export function useRegion(memory: Memory, writer: string | undefined): Work<Region> | null {
  const quick = memory.rows.reduce((sum, { writers }) => sum + writers.length, 0) <= QUICK;
  const constant = memory.rows.some(({ writers, kinds }) => writer !== undefined && kinds[writers.indexOf(writer)] === "bias");
  const work = useWork<Region>("region", writer === undefined || constant ? null : { writer }, quick);
  return constant ? null : { ...work, data: work.data?.writer === writer ? work.data : null };
}

/** The mark of every row that has one; for several writers in a row, the strongest mark. */
export function marksOf(lines: Line[], { uses, marks }: Region): (string | null)[] {
  const weight = new Map(marks.map(([mark], place) => [mark, place]));
  const known = new Map(uses.map(({ site, mark }) => [site, mark]));
  return lines.map(({ writers }) => {
    const met = writers.map(({ name }) => known.get(name)).filter((mark) => mark !== undefined);
    return met.sort((one, other) => (weight.get(other) ?? 0) - (weight.get(one) ?? 0))[0] ?? null;
  });
}

/** The marks beside the names of the rows. */
export function Gutter({ lines, plan, region }: { lines: Line[]; plan: Plan; region: Region }) {
  return (
    <g class="gutter" font-size={12}>
      {marksOf(lines, region).map((mark, row) =>
        mark === null ? null : (
          <text key={row} class={mark === "!" ? "over" : undefined} x={plan.left - 12} y={lineOf(plan, row)} dominant-baseline="central" text-anchor="middle">
            {mark}
          </text>
        ),
      )}
    </g>
  );
}

/** Legend of the gutter; only marks that occur. */
export function GutterKey({ region }: { region: Region }) {
  const met = new Set(region.uses.map(({ mark }) => mark));
  return (
    <>
      {region.marks
        .filter(([mark]) => met.has(mark))
        .map(([mark, meaning]) => (
          <Item key={mark} text={`${meaning} (${region.writer})`}>
            <text x={8} y={8} font-size={12} class="value mark gutter-key">
              {mark}
            </text>
          </Item>
        ))}
    </>
  );
}

/** The region in words and numbers, or a button that measures it. */
export function RegionFacts({ writer, work }: { writer: string; work: Work<Region> | null }) {
  if (!work) return <p class="missing">{writer} stores the same everywhere, so it has no region.</p>;
  return (
    <Working work={work} what={`the region of ${writer} on text`} begin={`Measure the region of ${writer} on text`}>
      {(region) => <Facts region={region} />}
    </Working>
  );
}

function Facts({ region }: { region: Region }) {
  const { rank, dimensions, power, overwritten, overwriters, loaded, text } = region;
  const overlaps = overwritten.map(({ writer, overlap }) => `${writer} ${short(overlap, 2, false)}`).join(", ");
  const facts: [string, string][] = [
    ["rank", `${rank} of ${dimensions} dimensions hold 90 % of what it stores`],
    ["power", power === null ? "it is never in the stream" : `${number(power, 3)} of that of the last stream`],
    ["overwritten by", overwritten[0] ? `${overlaps} (chance ${short(overwritten[0].chance, 2, false)}; ${overwriters} in all)` : "no writer beyond chance"],
    ["loaded most by", loaded.map(({ reader, load }) => `${reader} ${short(load, 2, false)}`).join(", ") || "no reader"],
  ];
  return (
    <>
      <dl class="store-facts">
        {facts.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      <p class="missing">
        Measured on {text}, not on this prompt. An overlap is the mean squared cosine with the later region, a load the part of all that a reader loads.
      </p>
    </>
  );
}
