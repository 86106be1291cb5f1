/** The guided walk: six steps from a prediction to the wire that it depends on, in this model's own numbers. */
import { Fragment } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { AnyView } from "../../figure";
import { GraphView } from "../../graph/view";
import type { Picture, View } from "../../model";
import { short } from "../../format";
import { useWork } from "../ask";
import { type Change, clear, quoted, type Screen, type ScreenId, type ScreenProps } from "../screen";
import { Working } from "../states";

export const screen: Screen = { id: "walk", title: "Walk", key: "g", Body, python };

interface Step {
  title: string;
  /** At most forty words beside the picture. */
  said: string;
  picture: Picture | null;
  /** The arcs of the picture that belong to the step; null for all. */
  lit: number[] | null;
  cut: boolean;
  /** The long version, with the numbers of its charts. */
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
  /** Why the steps are not on the user's prompt, and a suggestion; null if they are. */
  notice: { text: string; links: { text: string; place: { screen: ScreenId } & Change }[] } | null;
}

function python({ model }: ScreenProps): string {
  return ["import loadstore as ls", "", `model = ls.load(${quoted(model.name)})`, "print(ls.experiments.induction_circuits(model))"].join("\n");
}

function Body(props: ScreenProps) {
  const { model, run, at } = props;
  const work = useWork<Found>("walk", { run: run.run, at }, true);
  return (
    <>
      <p class="lead">
        A transformer is a load/store machine: heads <b>load</b> from earlier tokens and <b>store</b> for later ones.
      </p>
      {!work.data && <Known {...props} />}
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

/** The facts available at once, while the search for the circuit runs. */
function Known({ run, at, question }: ScreenProps) {
  const predict = question.data?.predict;
  if (!predict) return null;
  return (
    <p class="known">
      After {run.labels[at]}, this model expects <b>{predict.text}</b> with probability {short(predict.probability, 2, false)}. How does it know?
    </p>
  );
}

/** Why the walk is on another prompt than the user's, and tokens to try. */
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

/** A step of the walk as a change of parameters that clears all earlier ones. */
function gone({ screen, ...change }: { screen: ScreenId } & Change): Change {
  return { ...clear, step: null, head: null, side: null, from: null, do: null, about: null, first: null, ...change };
}

/** A model without the circuit: the reason, from its numbers, and other screens to visit. */
function None({ why, link }: ScreenProps & { why: string }) {
  return (
    <div class="failing">
      <p>
        <b>This model shows no induction circuit</b>
      </p>
      <p>{why}</p>
      <p>
        The other screens work on any model: <a href={link({}, "heads")}>all heads</a>, <a href={link({}, "wires")}>all wires</a>. To see the walk, run <code>loadstore explore builtin</code>.
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
  useEffect(() => {
    const keys = (event: KeyboardEvent) => {
      const busy = (event.target as Element).closest("[role=application], .scroll, summary, input, textarea, select, dialog, [role=slider]");
      const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (by === undefined || busy || event.defaultPrevented || event.altKey || event.ctrlKey || event.metaKey) return;
      event.preventDefault();
      turn(now + by);
    };
    document.addEventListener("keydown", keys);
    return () => document.removeEventListener("keydown", keys);
  });
  return (
    <article class="step-of-walk" aria-labelledby="step-title">
      <nav class="turns" aria-label="Steps of the walk">
        <button type="button" class="act" disabled={now === 1} onClick={() => turn(now - 1)}>
          ← Back
        </button>
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
        {now < count ? (
          <button type="button" class="act next-step" onClick={() => turn(now + 1)}>
            Next →
          </button>
        ) : (
          <a class="act next-step" href={link(gone({ screen: "heads" }), "heads")}>
            All heads →
          </a>
        )}
        <a href={link(gone(step.place), step.place.screen)}>Look yourself</a>
      </nav>
      <h3 id="step-title" ref={title} tabIndex={-1}>
        <span class="said">
          {now} of {count}
        </span>{" "}
        {step.title}
      </h3>
      <p class="claim" data-step={now}>
        {step.said}
      </p>
      {step.picture && <GraphView key={step.picture.title} view={step.picture} place={{ figure: "walk", view: step.picture.title }} shown={{ lit: step.lit, cut: (step.cut && step.picture.cuts[0]) || null }} />}
      <details class="more" key={now}>
        <summary>The numbers of this step</summary>
        <p>{step.claim}</p>
        {step.views.map((view, index) => (
          <AnyView key={`${now}-${index}`} view={view} place={{ figure: `step-${now}`, view: index }} />
        ))}
      </details>
    </article>
  );
}
