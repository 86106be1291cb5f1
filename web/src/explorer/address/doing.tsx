/** Cutting the chosen wire, or ablating the head: the prediction and the address before and after, beside controls. */
import { AddressView } from "../../address/view";
import { number, say, short } from "../../format";
import { useAsk, useWork } from "../ask";
import type { EffectRequest } from "../requests";
import type { ScreenProps } from "../screen";
import { Answer, capital, Working } from "../states";
import type { Controls, Effect, Found } from "./types";

/** The two interventions, and the effect of the chosen one. */
export function Doing({ run, place, go, question, found }: ScreenProps & { found: Found }) {
  const { head, at } = found;
  const from = place.from && place.side && place.from !== "const" ? place.from : null;
  const reader = `${head}.${place.side}`;
  const doing = place.do === "ablate" ? "ablate" : place.do === "cut" && from ? "cut" : null;
  const edits: EffectRequest["edits"] | null = doing === "ablate" ? [{ kind: "ablate", writer: head }] : doing === "cut" && from ? [{ kind: "cut", writer: from, reader }] : null;
  const by = place.by === "zero" ? "zero" : "mean";
  const { data } = question;
  const press = (what: "cut" | "ablate") => go({ do: doing === what ? null : what });
  const escape = (event: KeyboardEvent) => {
    if (event.key === "Escape" && doing) go({ do: null });
  };
  return (
    <section class="doing" aria-label="Interventions" onKeyDown={escape}>
      <h3>Without it</h3>
      <p class="buttons">
        <button type="button" class="act" disabled={!from} aria-pressed={doing === "cut"} onClick={() => press("cut")}>
          {from ? `Cut this wire: ${from} → ${reader}` : "Cut this wire: choose a writer above"}
        </button>{" "}
        <button type="button" class="act" aria-pressed={doing === "ablate"} onClick={() => press("ablate")}>
          Ablate this head: {head}
        </button>{" "}
        {doing && (
          <button type="button" class="act" onClick={() => go({ do: null })}>
            Undo
          </button>
        )}
      </p>
      <p class="controls">
        <label>
          In its place{" "}
          <select onChange={(event) => go({ by: event.currentTarget.value === "zero" ? "zero" : null })}>
            <option value="mean" selected={by === "mean"}>
              its mean over this prompt
            </option>
            <option value="zero" selected={by === "zero"}>
              zero
            </option>
          </select>
        </label>
      </p>
      {edits && data && <Done key={JSON.stringify([edits, by])} run={run.run} label={run.labels[data.at] ?? ""} head={head} at={at} after={data.at} predict={data.predict.id} edits={edits} by={by} />}
    </section>
  );
}

function Done({ run, label, head, at, after, predict, edits, by }: { run: string; label: string; head: string; at: number; after: number; predict: number; edits: EffectRequest["edits"]; by: "mean" | "zero" }) {
  const asked = useAsk<Effect>("effect", { run, at, after, predict, head, edits, by });
  const work = useWork<Controls>("controls", { run, at, after, predict, edits, by });
  return (
    <Answer asked={asked} what="the edited run">
      {(effect) => (
        <>
          <p class="claim" role="status">
            {sentenceOf(effect, label)}
          </p>
          <div class="two even">
            <div class="scroll" role="region" aria-label="Next tokens before and after" tabIndex={0}>
              <table class="data plain">
                <caption>Next token after {label}</caption>
                <thead>
                  <tr>
                    {["token", "logit before", "after", "probability before", "after"].map((name, index) => (
                      <th key={index} scope="col" class={index ? "number" : "text"}>
                        {name}
                      </th>
                    ))}
                  </tr>
                </thead>
                <tbody>
                  {effect.tokens.map(({ text, before, after }, index) => (
                    <tr key={index}>
                      <th scope="row">{text}</th>
                      {[before.logit, after.logit, before.probability, after.probability].map((value, column) => (
                        <td key={column} class="number" data-value={value}>
                          {number(value, column < 2 ? 2 : 3)}
                        </td>
                      ))}
                    </tr>
                  ))}
                </tbody>
              </table>
            </div>
            <Working work={work} what="controls" begin="Compare with controls">
              {(found) => <Beside found={found} />}
            </Working>
          </div>
          {effect.sentence && <AddressView view={effect.sentence} place={{ figure: "edited", view: 0 }} />}
        </>
      )}
    </Answer>
  );
}

/** The intervention and its effect on the prediction. */
function sentenceOf({ edits, by, target, tokens, change, kl }: Effect, label: string): string {
  const [first] = tokens;
  const now = [...tokens].sort((a, b) => b.after.probability - a.after.probability)[0];
  if (!first || !now) return "";
  const still = now === first ? "it is the likeliest" : `${now.text} is the likeliest then (${short(now.after.probability, 2, false)})`;
  return `${capital(edits.map((edit) => edit.replace(/ by (mean|zero)$/, "")).join("; "))}, the writer’s store replaced ${by}. After ${label}, ${target.text} goes from ${short(first.before.probability, 2, false)} to ${short(first.after.probability, 2, false)}, its log-probability by ${change > 0 ? "+" : ""}${number(change, 2)} nats; ${still}. The whole distribution moves by ${number(kl, 2)} nats (KL).`;
}

function Beside({ found }: { found: Controls }) {
  const ranked = [...found.controls].sort((a, b) => Math.abs(b.change) - Math.abs(a.change));
  return (
    <>
      <p class="said">
        {`This changes the log-probability by ${signed(found.own)} nats. Of ${found.controls.length} ${found.what}, each alone, ${found.as_large || "none"} ${found.as_large === 1 ? "changes" : "change"} it by as much or more; the largest of them by ${signed(ranked[0]?.change ?? 0)}.`}
      </p>
      <table class="data plain">
        <caption>Controls, each alone</caption>
        <thead>
          <tr>
            <th scope="col" class="text">
              edit
            </th>
            <th scope="col" class="number">
              change (nats)
            </th>
          </tr>
        </thead>
        <tbody>
          {ranked.map(({ edit, change }) => (
            <tr key={edit}>
              <th scope="row">{edit}</th>
              <td class="number" data-value={change}>
                {signed(change)}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </>
  );
}

function signed(change: number): string {
  return say(change, 3, true);
}
