/** The program of a prediction: what was loaded and stored for it, line by line, and the proof by cutting. */
import { useState } from "preact/hooks";
import { FigureBlock } from "../../figure";
import { short } from "../../format";
import type { Figure } from "../../model";
import { Onward } from "../../program/view";
import { useAsk, useWork } from "../ask";
import { Tokens, Window } from "../prompt";
import { type Change, opening, type Prediction, quoted, type Screen, type ScreenId, type ScreenProps, tokenAt } from "../screen";
import { Answer, Working } from "../states";

export const screen: Screen = { id: "listing", title: "Listing", key: "l", Body, python };

interface Found {
  at: number;
  token: { id: number; text: string; probability: number };
  next: Prediction[];
  figure: Figure;
  places: (({ screen: ScreenId } & Change) | null)[];
  checks: { verified: number; of: number } | null;
}

function wanted({ run, place }: ScreenProps) {
  const at = tokenAt(run, place.at, run.repeats.find((token) => token > run.labels.length / 2) ?? run.labels.length - 1);
  const { predict } = place;
  return { run: run.run, at, ...(predict === undefined ? {} : { predict: /^\d{1,9}$/.test(predict) ? Number(predict) : predict }) };
}

function python(props: ScreenProps): string {
  const { at, predict } = wanted(props);
  const target = predict === undefined ? "" : `, ${typeof predict === "number" ? predict : quoted(predict)}`;
  return [opening(props), `listing = ls.listing(trace, ${at}${target})`, "print(listing)", "print(ls.verify(listing))"].join("\n");
}

function Body(props: ScreenProps) {
  const { run, place, go } = props;
  const fields = wanted(props);
  const first = Math.min(tokenAt(run, place.first, 0), Math.max(0, run.labels.length - run.window));
  const asked = useAsk<Found>("listing", fields);
  const work = useWork<Found>("verify", fields);
  return (
    <>
      <p class="eyebrow">Prediction after</p>
      <Tokens run={run} first={first} at={fields.at} choose={(at) => go({ at, predict: null })} />
      <Window run={run} first={first} show={(to) => go({ first: to || null })} />
      <Targets {...props} next={asked.data?.at === fields.at ? asked.data.next : []} chosen={asked.data?.token.id} />
      <Answer asked={asked} what="the program">
        {(found) => (
          <>
            <Working work={work} what="cuts and controls" begin="Verify: cut every load’s largest wire">
              {() => null}
            </Working>
            <Shown {...props} found={work.data ?? found} />
          </>
        )}
      </Answer>
    </>
  );
}

/** The likeliest tokens as buttons, and any other by its text. */
function Targets({ model, place, go, next, chosen }: ScreenProps & { next: Prediction[]; chosen: number | undefined }) {
  const [text, setText] = useState("");
  const submit = (event: Event) => {
    event.preventDefault();
    go({ predict: text || null });
  };
  return (
    <div class="targets">
      <div class="strip" role="group" aria-label="Which prediction">
        {next.map(({ id, text, probability }, index) => (
          <button key={id} type="button" class="token" aria-pressed={id === chosen} onClick={() => go({ predict: index ? id : null })}>
            {text} <span class="said">{short(probability, 2, false)}</span>
          </button>
        ))}
      </div>
      <form onSubmit={submit}>
        <label>
          {model.text ? "Another token" : "Another token’s id"} <input type="text" size={10} value={text || (place.predict ?? "")} onInput={(event) => setText(event.currentTarget.value)} />
        </label>{" "}
        <button>Show</button>
      </form>
    </div>
  );
}

function Shown({ found, link }: ScreenProps & { found: Found }) {
  const onward = found.places.map((place) => {
    if (!place) return null;
    const { screen, ...change } = place;
    return link({ head: null, side: null, from: null, do: null, ...change }, screen);
  });
  return (
    <Onward.Provider value={onward}>
      <FigureBlock figure={found.figure} />
    </Onward.Provider>
  );
}
