/** The prompt: its editable text, and its tokens with their indices. */
import type { RefObject } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { splitToken } from "../text";
import { idsOf } from "./ids";
import type { Running } from "./running";
import type { ModelFacts, Run } from "./screen";
import { Failing } from "./states";

interface Props {
  model: ModelFacts;
  running: Running;
  field: RefObject<HTMLTextAreaElement | null>;
}

/** The editor, and how its text was interpreted. */
export function Prompt({ model, running, field }: Props) {
  const { run, failed } = running;
  const mine = useRef<string | null>(null);
  const [text, setText] = useState("");
  const written = run && (model.text ? (run.prompt ?? "") : run.ids.join(", "));
  useEffect(() => {
    if (written !== null && mine.current === null) setText(written);
    if (written === mine.current) mine.current = null;
  }, [run?.run]);
  const [bad, setBad] = useState("");
  const edit = (value: string) => {
    mine.current = value;
    setText(value);
    const prompt = model.text ? value : idsOf(value);
    setBad(prompt === null ? "Token ids are whole numbers between commas, such as 0, 17, 4." : value === "" ? "The prompt is empty: type at least one token." : "");
    if (prompt !== null && prompt.length) running.type(prompt);
  };
  const wrong = bad || (failed && failed.kind !== "away" && failed.kind !== "key");
  return (
    <section class="editor" aria-label="Prompt">
      <label for="prompt">
        {model.text ? "Prompt" : "Token ids"}
        {run && (
          <span>
            {" "}
            {run.labels.length} {run.labels.length === 1 ? "token" : "tokens"}
            {running.waiting && " …"}
          </span>
        )}
      </label>
      <textarea
        id="prompt"
        ref={field}
        rows={1}
        value={text}
        spellcheck={false}
        autocomplete="off"
        aria-invalid={Boolean(wrong)}
        aria-describedby={wrong ? "prompt-wrong" : undefined}
        onInput={(event) => edit(event.currentTarget.value)}
        onBlur={() => (mine.current = null)}
      />
      {!model.text && <p class="said">{model.untokenised || "This model has no tokenizer"}: it takes token ids.</p>}
      {wrong && (
        <div id="prompt-wrong">
          {bad ? <Failing failure={{ kind: "bad", message: bad, status: 0 }} what="this prompt" /> : failed && <Failing failure={failed} what="this prompt" again={running.again} />}
          {run && <p class="said">The screens still show the last prompt that could be run.</p>}
        </div>
      )}
    </section>
  );
}

/** Longer lists of tokens are scrolled. */
const MANY = 60;

/** The tokens of the window; repeated ones are marked. `at` is the one that is chosen. */
export function Tokens({ run, first, at, choose }: { run: Run; first: number; at: number | null; choose: (at: number) => void }) {
  const last = Math.min(run.labels.length, first + run.window);
  const shown = run.labels.slice(first, last);
  const roving = at !== null && at >= first && at < last ? at : first;
  const keys = (event: KeyboardEvent & { currentTarget: HTMLElement }) => {
    const buttons = [...event.currentTarget.querySelectorAll("button")];
    const from = buttons.indexOf(document.activeElement as HTMLButtonElement);
    const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -1, ArrowDown: 1, Home: -buttons.length, End: buttons.length }[event.key];
    if (step === undefined || event.altKey || event.metaKey || event.ctrlKey) return;
    event.preventDefault();
    const to = Math.min(buttons.length - 1, Math.max(0, from + step));
    buttons[to]?.focus();
    if (at !== null) buttons[to]?.click();
  };
  return (
    <div class={shown.length > MANY ? "strip long" : "strip"} role="group" aria-label="Tokens. Arrow keys go along them, Enter chooses one." onKeyDown={keys}>
      {shown.map((label, index) => {
        const [text, number] = splitToken(label);
        const token = first + index;
        return (
          <button key={token} type="button" class="token" tabIndex={token === roving ? 0 : -1} aria-pressed={token === at} aria-label={label} onClick={() => choose(token)}>
            {text}
            <sub>{number}</sub>
          </button>
        );
      })}
    </div>
  );
}

/** The window of a long prompt, and buttons for the others. */
export function Window({ run, first, show }: { run: Run; first: number; show: (first: number) => void }) {
  const count = run.labels.length;
  if (count <= run.window) return null;
  const last = Math.min(count, first + run.window) - 1;
  const step = Math.floor(run.window / 2);
  return (
    <p class="window" role="status">
      Tokens {first} to {last} of {count} are drawn; attention to tokens outside is not.{" "}
      <button type="button" disabled={first === 0} onClick={() => show(Math.max(0, first - step))}>
        Earlier
      </button>{" "}
      <button type="button" disabled={last >= count - 1} onClick={() => show(Math.min(count - run.window, first + step))}>
        Later
      </button>
    </p>
  );
}
