/** All heads on the prompt, small; the one in hand, large. */
import { useSignal } from "@preact/signals";
import { useMemo, useRef, useState } from "preact/hooks";
import { DataTable } from "../../datatable";
import { ViewFrame } from "../../frame";
import { FirstSwitch, firstNote } from "../../heatmap/first";
import { Legend } from "../../heatmap/legend";
import { Grid } from "../../patterns/grid";
import { pooled } from "../../patterns/pool";
import { reading } from "../../patterns/unpack";
import { useAsk } from "../ask";
import { type ModelFacts, opening, type Run, type Screen, type ScreenProps, tokenAt, tokenOf } from "../screen";
import { Answer } from "../states";
import { focus, Focus } from "./focus";
import { byRole } from "./order";

export const screen: Screen = { id: "heads", title: "Heads", key: "h", Body, python };

function python(props: ScreenProps): string {
  const head = props.place.head;
  return [opening(props), head ? `trace.pattern(${JSON.stringify(head)})  # [query, key]` : "ls.show(trace)"].join("\n");
}

function Body(props: ScreenProps) {
  const { run, place } = props;
  const first = Math.min(tokenAt(run, place.first, 0), Math.max(0, run.labels.length - run.window));
  const at = tokenOf(props);
  const bytes = useAsk<Uint8Array>("patterns", { run: run.run, first }, "bytes");
  return (
    <>
      <p class="lead">{leadOf(props)}</p>
      <Answer asked={bytes} what="the patterns">
        {(packed) => <Heads {...props} first={first} at={at} packed={packed} />}
      </Answer>
    </>
  );
}

/** What this prompt shows, in a sentence made from its numbers. */
function leadOf({ model, run, link }: ScreenProps) {
  const inducing = model.heads.filter((_, index) => run.badges[index]?.includes("induction"));
  const earlier = run.repeats.length;
  return (
    <>
      {earlier === 0 ? (
        <>No token of this prompt stands in it twice: induction has nothing to match. Try a sentence that repeats a word, such as “the cat sat on the mat. the dog sat”. </>
      ) : (
        <>
          {earlier} of {run.labels.length} tokens stood earlier too. {inducing.length ? `${inducing.join(", ")} ${inducing.length === 1 ? "looks" : "look"} mostly at what followed then` : "No head looks mostly at what followed then"}.{" "}
        </>
      )}
      <a href={link({}, "walk")}>Walk through the circuit</a>
    </>
  );
}

const ALL = { figure: "heads", view: 0 };

/** The table behind the thumbnails: how much of each head's attention on this prompt is on each role. */
function Roles({ model, run }: { model: ModelFacts; run: Run }) {
  const rows = model.heads.map((head, index) => ({ head, cells: run.strength[index] ?? [] }));
  return <DataTable place={ALL} panel="roles" caption="All heads" axis="share of attention" corner="head by role" columns={model.roles} rows={rows} />;
}

function records(model: ModelFacts, run: Run): string[][] {
  return [["head", ...model.roles], ...model.heads.map((head, index) => [head, ...(run.strength[index] ?? []).map(String)])];
}

function Heads({ model, run, place, go, link, first, at, packed }: ScreenProps & { first: number; at: number; packed: Uint8Array }) {
  const tokens = useMemo(() => run.labels.slice(first, first + run.window), [run, first]);
  const fits = packed.length === (model.heads.length * tokens.length * (tokens.length + 1)) / 2;
  const kept = useRef({ run, tokens, packed });
  if (fits) kept.current = { run, tokens, packed };
  const now = kept.current;
  const bytes = useMemo(() => reading(now.packed, now.tokens.length, model.heads.length, true), [now.packed]);
  const view = useMemo(() => ({ heads: model.heads.map((name, index) => ({ name, badges: now.run.badges[index] ?? [] })), across: model.heads_per_layer }), [now.run]);
  const [active, setActive] = useState<number | null>(null);
  const pinned = model.heads.indexOf(place.head ?? "");
  const ranked = place.order === "role";
  const order = useMemo(() => (ranked ? byRole(now.run.strength) : model.heads.map((_, head) => head)), [ranked, now.run]);
  const hidden = useSignal(false);
  const skip = hidden.value && bytes.size > 1 ? 1 : 0;
  const last = useRef(order[0] ?? 0);
  const shown = pinned >= 0 ? pinned : (active ?? last.current);
  last.current = shown;
  const large = useMemo(() => focus(now.tokens, model.heads[shown] ?? "?", bytes, shown), [bytes, shown, now.tokens]);
  return (
    <div class="two">
      <div>
        <div class="controls">
          <label>
            Order{" "}
            <select onChange={(event) => go({ order: event.currentTarget.selectedIndex ? "role" : null })}>
              <option selected={!ranked}>by index</option>
              <option selected={ranked}>by role</option>
            </select>
          </label>
          {bytes.size > 1 && <FirstSwitch token={now.tokens[0] ?? ""} hidden={hidden} />}
        </div>
        <ViewFrame view={{ title: "All heads" }} place={ALL} records={() => records(model, now.run)} cells={model.heads.length * model.roles.length} table={() => <Roles model={model} run={now.run} />}>
          <Grid view={ranked ? { ...view, across: null } : view} bytes={bytes} order={order} skip={skip} pinned={pinned >= 0 ? pinned : null} point={setActive} pin={(head) => go({ head: head === null ? null : (model.heads[head] ?? null) })} shown={shown} idle />
          <p class="missing">
            {model.heads.length} heads on {now.tokens.length} tokens, weights to 1/255; a badge is a role that holds more than half of a head’s attention on this prompt.
            {pooled(bytes.size) > 1 && ` A pixel is the greatest of ${pooled(bytes.size)} × ${pooled(bytes.size)} weights.`}
            {skip > 0 && ` ${firstNote(now.tokens[0])}`}
          </p>
        </ViewFrame>
      </div>
      <div class="beside">
        <Legend view={large} />
        <Focus run={now.run} first={first} at={at} view={large} head={model.heads[shown] ?? "?"} badges={view.heads[shown]?.badges ?? []} exact={pinned >= 0} bare={skip > 0} link={link} />
      </div>
    </div>
  );
}
