/** Placeholders for an answer: waiting, failed, or running. */
import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { Failure } from "./api";
import type { Asked, Work } from "./ask";
import { stepsSaid } from "./left";

/** Milliseconds before a waiting message appears; faster answers would only flicker. */
const PATIENCE = 250;

/** The answer to a request, or its progress, or the reason for its failure. */
export function Answer<T>({ asked, what, children }: { asked: Asked<T>; what: string; children: (data: T) => ComponentChildren }) {
  const old = asked.waiting && asked.data !== null;
  return (
    <div class={old ? "answer old" : "answer"} aria-busy={asked.waiting}>
      {asked.failed && !asked.waiting && <Failing failure={asked.failed} what={what} again={asked.again} />}
      {asked.waiting && asked.data === null && <Waiting what={what} />}
      {asked.data !== null && !(asked.failed && asked.failed.kind !== "away" && asked.failed.kind !== "key") && children(asked.data)}
    </div>
  );
}

/** A waiting message, shown after a short delay. */
export function Waiting({ what }: { what: string }) {
  const [late, setLate] = useState(false);
  useEffect(() => {
    const timer = window.setTimeout(() => setLate(true), PATIENCE);
    return () => window.clearTimeout(timer);
  }, []);
  return (
    <p class="waiting" role="status">
      {late ? `Computing ${what} …` : "\u00a0"}
    </p>
  );
}

const AGAIN = new Set(["away", "key", "busy", "slow", "fault", "gone"]);

/** Why there is no answer, and the remedy. */
export function Failing({ failure, what, again }: { failure: Failure; what: string; again?: () => void }) {
  const undefined_ = failure.kind === "undefined";
  return (
    <div class="failing" role="alert">
      <p>
        <b>{undefined_ ? `${capital(what)} is not defined here` : `No answer for ${what}`}</b>
      </p>
      <p>{sentence(failure.message)}</p>
      {again && AGAIN.has(failure.kind) && (
        <button type="button" onClick={again}>
          Try again
        </button>
      )}
    </div>
  );
}

/** A slow request: its progress and a stop button, or its failure, or a start button. */
export function Working<T>({ work, what, begin, children }: { work: Work<T>; what: string; begin?: string; children: (data: T) => ComponentChildren }) {
  const [done, of] = work.progress ?? [0, 0];
  return (
    <div class="working">
      {begin && !work.running && work.data === null && (
        <button type="button" class="act" onClick={work.start}>
          {begin}
        </button>
      )}
      {work.running && (
        <p class="progress">
          <label>
            {capital(what)}{" "}
            {of > 1 ? <progress max={of} value={done} /> : <progress />}
          </label>{" "}
          <span role="status">{of > 1 ? stepsSaid(work.seconds, [done, of]) : "started"}</span>{" "}
          <button type="button" onClick={work.cancel}>
            Cancel
          </button>
        </p>
      )}
      {work.failed && <Failing failure={work.failed} what={what} again={work.start} />}
      {work.data !== null && children(work.data)}
    </div>
  );
}

/** A text with a capital letter. */
export function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function sentence(text: string): string {
  return /[.!?]$/.test(text) ? capital(text) : `${capital(text)}.`;
}
