/** The guided walk: six steps from a prediction to the wire without which it falls, in this model's own numbers. */
import { Fragment } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { AnyView } from "../../figure";
import type { View } from "../../model";
import { useWork } from "../ask";
import { type Change, clear, quoted, type Screen, type ScreenId, type ScreenProps } from "../screen";
import { Working } from "../states";

export const screen: Screen = { id: "walk", title: "Walk", key: "g", Body, python };

interface Step {
  title: string;
  claim: string;
  numbers: Record<string, unknown>;
  views: View[];
  place: { screen: ScreenId } & Change;
}

interface Found {
  found: boolean;
  why?: string;
  previous?: string;
  heads?: string[];
  steps: Step[];
  /** Why the steps are not on the reader's prompt, and where to go; null if they are. */
  notice: { text: string; links: { text: string; place: { screen: ScreenId } & Change }[] } | null;
}

/** Models with more heads than this are searched when that is asked for. */
const FEW = 64;
/** Whether the search was made: what comes after it takes little time. */
let searched = false;

function python({ model }: ScreenProps): string {
  return ["import loadstore as ls", "", `model = ls.load(${quoted(model.name)})`, "print(ls.induction_circuits(model))"].join("\n");
}

function Body(props: ScreenProps) {
  const { model, run, at } = props;
  const work = useWork<Found>("walk", { run: run.run, at }, searched || model.heads.length <= FEW);
  searched ||= work.data !== null;
  return (
    <>
      <p class="lead">
        A transformer is a load/store machine: every head <b>loads</b> from earlier tokens and <b>stores</b> what it found for later ones. Six steps show how this model repeats what it has seen, and the wire without
        which it cannot.
      </p>
      <Working work={work} what="the search for an induction circuit" begin={`Look for an induction circuit among ${model.heads.length} heads`}>
        {(found) => (
          <div class={work.running ? "old" : undefined} aria-busy={work.running}>
            {found.notice && <Elsewhere {...props} notice={found.notice} />}
            {found.found ? <Steps {...props} found={found} /> : <None {...props} why={found.why ?? ""} />}
          </div>
        )}
      </Working>
    </>
  );
}

/** Why the walk is on another prompt than the reader's, and the places to try. */
function Elsewhere({ link, notice }: ScreenProps & { notice: NonNullable<Found["notice"]> }) {
  return (
    <p class="elsewhere" role="status">
      {notice.text} Try{" "}
      {notice.links.map(({ text, place }, index) => (
        <Fragment key={index}>
          {index > 0 && " or "}
          <a href={link(gone(place), place.screen)}>{text}</a>
        </Fragment>
      ))}
      .
    </p>
  );
}

/** A place of the walk as a change: nothing of what was looked at before stays. */
function gone({ screen, ...change }: { screen: ScreenId } & Change): Change {
  return { ...clear, step: null, head: null, side: null, from: null, do: null, about: null, first: null, ...change };
}

/** A model without the circuit: why, from its numbers, and what can be looked at in its place. */
function None({ why, link }: ScreenProps & { why: string }) {
  return (
    <div class="failing">
      <p>
        <b>This model shows no induction circuit</b>
      </p>
      <p>{why}</p>
      <p>
        The other screens work on any model: <a href={link({}, "heads")}>all heads</a>, <a href={link({}, "wires")}>all wires</a>. The walk itself is there with <code>loadstore explore builtin</code>.
      </p>
    </div>
  );
}

function Steps({ place, go, link, found }: ScreenProps & { found: Found }) {
  const count = found.steps.length;
  const now = Math.min(count, Math.max(1, Number(place.step) || 1));
  const step = found.steps[now - 1] as Step;
  const title = useRef<HTMLHeadingElement>(null);
  const turned = useRef(false);
  useEffect(() => {
    if (turned.current) title.current?.focus();
    turned.current = false;
  }, [now]);
  const turn = (to: number) => {
    if (to < 1 || to > count || to === now) return;
    turned.current = true;
    go({ step: to });
  };
  const keys = (event: KeyboardEvent & { currentTarget: HTMLElement }) => {
    if (event.altKey || event.ctrlKey || event.metaKey || (event.target as Element).closest("[role=application], .scroll, summary")) return;
    const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (by === undefined) return;
    event.preventDefault();
    turn(now + by);
  };
  return (
    <article class="step-of-walk" aria-labelledby="step-title" onKeyDown={keys}>
      <ol class="dots">
        {found.steps.map(({ title }, index) => (
          <li key={index}>
            <a href={link({ step: index + 1 })} aria-current={index + 1 === now ? "step" : undefined}>
              <span class="visually-hidden">Step </span>
              {index + 1}
              <span class="visually-hidden">: {title}</span>
            </a>
          </li>
        ))}
      </ol>
      <h3 id="step-title" ref={title} tabIndex={-1}>
        <span class="said">
          {now} of {count}
        </span>{" "}
        {step.title}
      </h3>
      <p class="claim" data-step={now}>
        {step.claim}
      </p>
      {step.views.map((view, index) => (
        <AnyView key={`${now}-${index}`} view={view} place={{ figure: `step-${now}`, view: index }} />
      ))}
      <p class="turns">
        <button type="button" class="act" disabled={now === 1} onClick={() => turn(now - 1)}>
          Back
        </button>{" "}
        <button type="button" class="act next-step" disabled={now === count} onClick={() => turn(now + 1)}>
          Next
        </button>{" "}
        <a href={link(gone(step.place), step.place.screen)}>Look yourself</a>
      </p>
    </article>
  );
}
