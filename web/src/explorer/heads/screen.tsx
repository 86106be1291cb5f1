/** All heads on the prompt, small; the active one, large. */
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
import { titleOf, useMeasuring, useRoles } from "../roles";
import { Answer } from "../states";
import { focus, Focus } from "./focus";
import { byLayer, byRole, type Group, MANY, shownOf } from "./groups";

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

/** A sentence about this prompt, made from its numbers. */
function leadOf({ run, link }: ScreenProps) {
  const { inducing } = run;
  const earlier = run.repeats.length;
  return (
    <>
      {earlier === 0 ? (
        <>No token occurs twice in this prompt: induction has nothing to match. Try a sentence that repeats a word, such as “the cat sat on the mat. the dog sat”. </>
      ) : (
        <>
          {earlier} of {run.labels.length} tokens occurred earlier. {inducing.length ? `${inducing.join(", ")} ${inducing.length === 1 ? "looks" : "look"} mostly at the token that followed then` : "No head looks mostly at the token that followed then"}.{" "}
        </>
      )}
      {run.sinks && `${run.sinks} `}
      <a href={link({}, "walk")}>Walk through the circuit</a>
    </>
  );
}

/** A group as the grid draws it. */
function sectionOf(group: Group, open: boolean, turn: () => void) {
  const [all, few] = [group.heads.length, Math.min(group.few, group.heads.length)];
  const text = open ? `Fold to ${few || "none"}` : few ? `Show the other ${all - few}` : `Show these ${all}`;
  return { title: group.title, said: group.said, heads: shownOf(group, open), fold: all > few ? { text, turn } : null };
}

const ALL = { figure: "heads", view: 0 };

/** The table behind the thumbnails: the share of each head's attention on each role, for this prompt. */
function Roles({ model, run }: { model: ModelFacts; run: Run }) {
  const rows = model.heads.map((head, index) => ({ head, cells: run.strength[index] ?? [] }));
  return <DataTable place={ALL} panel="roles" caption="All heads on this prompt" axis="share of attention" corner="head by role" columns={model.roles} rows={rows} />;
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
  const roles = useRoles();
  const measuring = useMeasuring();
  const view = useMemo(() => ({ heads: model.heads.map((name) => ({ name, badges: roles?.badges[name] ?? [] })), across: model.heads_per_layer }), [roles]);
  const [active, setActive] = useState<number | null>(null);
  const pinned = model.heads.indexOf(place.head ?? "");
  const ranked = place.order === "role" || (model.heads.length > MANY && place.order !== "index");
  const groups = useMemo(() => (ranked && roles ? byRole(model, roles) : byLayer(model)), [ranked, roles]);
  const [unfolded, setUnfolded] = useState<ReadonlySet<string>>(new Set());
  const sections = groups.map((group) => {
    const open = unfolded.has(group.title) || group.heads.indexOf(pinned) >= group.few;
    return sectionOf(group, open, () => setUnfolded((last) => (last.has(group.title) ? new Set([...last].filter((title) => title !== group.title)) : new Set([...last, group.title]))));
  });
  const begin = roles?.groups[0]?.heads[0];
  const hidden = useSignal(false);
  const skip = hidden.value && bytes.size > 1 ? 1 : 0;
  const shown = pinned >= 0 ? pinned : (active ?? Math.max(0, model.heads.indexOf(begin ?? "")));
  const large = useMemo(() => focus(now.tokens, model.heads[shown] ?? "?", bytes, shown), [bytes, shown, now.tokens]);
  return (
    <div class="two">
      <div>
        <div class="controls">
          <label>
            Order{" "}
            <select onChange={(event) => go({ order: event.currentTarget.selectedIndex ? "role" : "index" })}>
              <option selected={!ranked}>by index</option>
              <option selected={ranked}>by role</option>
            </select>
          </label>
          {bytes.size > 1 && <FirstSwitch token={now.tokens[0] ?? ""} hidden={hidden} />}
        </div>
        <ViewFrame view={{ title: "All heads" }} place={ALL} records={() => records(model, now.run)} cells={model.heads.length * model.roles.length} table={() => <Roles model={model} run={now.run} />}>
          <Grid view={ranked && roles ? { ...view, across: null } : view} bytes={bytes} sections={sections} skip={skip} pinned={pinned >= 0 ? pinned : null} point={setActive} pin={(head) => go({ head: head === null ? null : (model.heads[head] ?? null) })} shown={shown} idle />
          <p class="missing">
            {model.heads.length} heads on {now.tokens.length} tokens, weights to 1/255. {roles ? roles.rule : measuring}
            {pooled(bytes.size) > 1 && ` A pixel is the greatest of ${pooled(bytes.size)} × ${pooled(bytes.size)} weights.`}
            {skip > 0 && ` ${firstNote(now.tokens[0])}`}
          </p>
        </ViewFrame>
      </div>
      <div class="beside">
        <Legend view={large} />
        <Focus run={now.run} first={first} at={at} view={large} head={model.heads[shown] ?? "?"} title={titleOf(model.heads[shown] ?? "?", roles)} exact={pinned >= 0} bare={skip > 0} link={link} />
      </div>
    </div>
  );
}
