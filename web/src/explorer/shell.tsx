/** The page around the screens: the model, the prompt, the navigation, and a notice when the server is unavailable. */
import { useEffect, useRef } from "preact/hooks";
import { Guard } from "../guard";
import { askOf, knock, replaced } from "./api";
import { type Asked, useAsk, useWork } from "./ask";
import { Compare } from "./compare";
import { Copy } from "./copy";
import { screen as walk } from "./walk/screen";
import { Help } from "./help";
import { Models, showAnew } from "./models";
import { away } from "./key";
import { letterOf } from "./keys";
import { hashOf } from "./link";
import { Prompt } from "./prompt";
import { Asking, fieldsOf } from "./question";
import { Measured, type Roles } from "./roles";
import { goTo, route } from "./route";
import { useRunning } from "./running";
import { clear, type ModelFacts, type Question, type Run, type Screen, type ScreenProps, tokenAt } from "./screen";
import { screensOf } from "./screens";
import { Search } from "./search";
import { Hint } from "../readout";
import { Answer, capital, Waiting } from "./states";

/** The whole page. */
export function Shell() {
  const model = useAsk<ModelFacts>("model", {});
  if (model.data) askOf(model.data.number);
  return (
    <>
      <Away />
      {model.failed && model.data === null && (model.failed.kind === "key" || model.failed.kind === "away") ? (
        <h1 class="visually-hidden">loadstore</h1>
      ) : (
        <Answer asked={model} what="the model">
          {(facts) => <Machine model={facts} />}
        </Answer>
      )}
    </>
  );
}

/** A notice that the server is unavailable, with reason and remedy; the page stays readable. */
function Away() {
  const why = away.value;
  return (
    <div class="away" role="alert">
      {!why && replaced.value && (
        <p>
          <b>Another model is shown.</b> {capital(replaced.value)}.{" "}
          <button type="button" onClick={() => showAnew()}>
            Reload
          </button>
        </p>
      )}
      {why && (
        <p>
          {why === "key" ? (
            <>
              <b>This page has no key for the server.</b> Open the address that <code>loadstore explore</code> printed last, in any tab of this browser; this one goes on by itself.
            </>
          ) : (
            <>
              <b>The server does not answer.</b> What is shown stays readable. Start <code>loadstore explore</code> again on the same port ({location.port || "80"}); this page goes on by itself.
            </>
          )}{" "}
          <button type="button" onClick={() => void knock()}>
            Try again
          </button>
        </p>
      )}
    </div>
  );
}

/** The screen of that name, or the initial one. */
function known(screens: Screen[], name: string): Screen {
  return screens.find(({ id }) => id === name) ?? walk;
}

function Machine({ model }: { model: ModelFacts }) {
  const { screen: id, place } = route.value;
  const screens = screensOf(model);
  const screen = known(screens, id);
  const running = useRunning(model.name, place.run, (run, typed) => keepTo(screens, run, typed));
  const field = useRef<HTMLTextAreaElement>(null);
  const finder = useRef<HTMLInputElement>(null);
  const help = useRef<HTMLDialogElement>(null);
  const heading = useRef<HTMLHeadingElement>(null);
  const { run } = running;
  const at = run ? tokenAt(run, place.at, run.labels.length - 1) : 0;
  const question = useAsk<Question>("question", run && fieldsOf(run, at, place));
  const props = run && propsOf(model, run, place, at, question);
  const roles = useWork<Roles>("roles", run && {}, true);
  const moved = useRef(false);
  useEffect(() => {
    document.title = `${screen.title} · ${model.name} · loadstore`;
    if (moved.current) heading.current?.focus();
    moved.current = false;
  }, [screen.id]);
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      const letter = letterOf(event);
      const to = screens.find(({ key }) => key === letter);
      if (to) {
        moved.current = true;
        goTo(hashOf(route.value, {}, to.id));
      } else if (letter === "e") field.current?.focus();
      else if (letter === "/") finder.current?.focus();
      else if (letter === "q") document.querySelector<HTMLElement>(".question .token[tabindex='0']")?.focus();
      else if (letter === "?") help.current?.showModal();
      else return;
      event.preventDefault();
    };
    document.addEventListener("keydown", press);
    return () => document.removeEventListener("keydown", press);
  }, []);
  return (
    <Measured.Provider value={roles}>
      <a class="skip" href="#screen">
        Skip to the screen
      </a>
      <header class="top">
        <p class="brand">loadstore</p>
        <h1>{model.name}</h1>
        <details class="about">
          <summary>{`${model.layers} × ${model.heads_per_layer} heads`}</summary>
          <dl class="facts">
            {model.facts.map(([name, value]) => (
              <div key={name}>
                <dt>{name}</dt>
                <dd>{value}</dd>
              </div>
            ))}
          </dl>
        </details>
        <Models running={running} />
        {props && (
          <Search
            run={props.run}
            field={finder}
            go={(change, to) => {
              moved.current = to !== screen.id;
              props.go(change, to);
            }}
          />
        )}
        <button type="button" class="ask-help" onClick={() => help.current?.showModal()}>
          Keys and words <kbd>?</kbd>
        </button>
      </header>
      <Prompt model={model} running={running} field={field} />
      {props && <Asking {...props} />}
      {props && <Compare {...props} />}
      <nav class="screens" aria-label="Screens">
        {screens.map(({ id, title, key }) => (
          <a key={id} href={hashOf(route.value, {}, id)} aria-current={id === screen.id ? "page" : undefined}>
            {title} <kbd aria-hidden="true">{key}</kbd>
          </a>
        ))}
      </nav>
      <Help dialog={help} screens={screens} />
      {props ? <Frame key={screen.id} screen={screen} heading={heading} props={props} /> : running.waiting && <Waiting what="the prompt" />}
      {props && <Hint />}
    </Measured.Provider>
  );
}

/** Write a new run into the URL of the current screen, and drop tokens that it does not have. */
function keepTo(screens: Screen[], run: Run, typed: boolean): void {
  const { screen, place } = route.value;
  const gone = Object.fromEntries(["at", "token", "about", "first"].filter((name) => place[name] !== undefined && Number(place[name]) >= run.labels.length).map((name) => [name, null]));
  const begun = place.run === undefined && place.at === undefined ? run.asked : {};
  goTo(hashOf(route.value, { run: run.run, ...begun, ...gone, ...(typed ? clear : {}) }, known(screens, screen).id), true);
}

function propsOf(model: ModelFacts, run: Run, place: ScreenProps["place"], at: number, question: Asked<Question>): ScreenProps {
  return {
    model,
    run,
    place,
    at,
    question,
    go: (change, screen) => goTo(hashOf(route.value, change, screen)),
    link: (change, screen) => hashOf(route.value, change, screen),
  };
}

/** One screen with its title and its exports. */
function Frame({ screen, heading, props }: { screen: Screen; heading: { current: HTMLHeadingElement | null }; props: ScreenProps }) {
  const { Body, python, title } = screen;
  return (
    <section class="screen" id="screen" tabIndex={-1} aria-labelledby="screen-title">
      <header>
        <h2 id="screen-title" ref={heading} tabIndex={-1}>
          {title}
        </h2>
        <div class="exports">
          <Copy name="Copy link" text={() => location.href} />
          <Copy name="Copy as Python" text={() => python(props)} />
        </div>
      </header>
      <Guard what="screen">
        <Body {...props} />
      </Guard>
    </section>
  );
}
