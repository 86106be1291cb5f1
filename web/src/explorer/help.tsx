/** Help on keys and terms. */
import type { RefObject } from "preact";
import { letters, setLetters } from "./keys";
import type { Screen } from "./screen";

const WORDS: [string, string][] = [
  ["question", "after which token, why this one is predicted and not that one: listing, address and walk explain it"],
  ["stream", "one vector per token; every part of the model loads from it and adds to it"],
  ["store", "what a head, an MLP, the embedding or the positions add to the stream at one token"],
  ["load", "what a part reads: a head loads three times, as Q (what it looks for), K (what it is found by), V (what it takes)"],
  ["address", "where a load comes from, token:subspace: attention gives the tokens, the weights determine whose stores there are read"],
  ["wire", "one writer and one reader; its alignment shows whether it can carry, its traffic whether it does, a cut whether it matters"],
  ["circuit", "a set of wires that does a task; F is the part of the task that it does while all other wires carry the counterfactual prompt"],
  ["alignment", "0 is what a random rotation between writer and reader would give, 1 the most that their spectra allow, \u22121 the least"],
];

/** The dialog behind `?`. */
export function Help({ dialog, screens }: { dialog: RefObject<HTMLDialogElement | null>; screens: Screen[] }) {
  return (
    <dialog ref={dialog} class="help" aria-labelledby="help-title">
      <h2 id="help-title">Keys and words</h2>
      <div class="help-columns">
        <dl class="keys">
          {screens.map(({ id, key, title }) => (
            <div key={id}>
              <dt>
                <kbd>{key}</kbd>
              </dt>
              <dd>{title}</dd>
            </div>
          ))}
          <div>
            <dt>
              <kbd>/</kbd>
            </dt>
            <dd>go to a head, a writer, a token or a token:subspace by its name</dd>
          </div>
          <div>
            <dt>
              <kbd>e</kbd>
            </dt>
            <dd>edit the prompt</dd>
          </div>
          <div>
            <dt>
              <kbd>q</kbd>
            </dt>
            <dd>choose the token of the question</dd>
          </div>
          <div>
            <dt>
              <kbd>?</kbd>
            </dt>
            <dd>this help</dd>
          </div>
          <div>
            <dt>
              <kbd>Tab</kbd>
            </dt>
            <dd>from picture to picture; arrows within one, Enter pins or chooses, Esc lets go</dd>
          </div>
        </dl>
        <dl class="words">
          {WORDS.map(([word, meaning]) => (
            <div key={word}>
              <dt>{word}</dt>
              <dd>{meaning}</dd>
            </div>
          ))}
        </dl>
      </div>
      <p>
        <label>
          <input type="checkbox" checked={letters.value} onChange={(event) => setLetters(event.currentTarget.checked)} /> single letters go to screens
        </label>
      </p>
      <form method="dialog">
        <button>Close</button>
      </form>
    </dialog>
  );
}
