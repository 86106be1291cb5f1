/** The program of a prediction: its loads and stores, line by line, and the proof by cutting. */
import { FigureBlock } from "../../figure";
import type { Figure } from "../../model";
import { Onward } from "../../program/view";
import { useAsk, useWork } from "../ask";
import { asPython, type Change, opening, type Screen, type ScreenId, type ScreenProps } from "../screen";
import { Answer, Working } from "../states";

export const screen: Screen = { id: "listing", title: "Listing", key: "l", Body, python };

interface Found {
  at: number;
  token: { id: number; text: string; probability: number };
  figure: Figure;
  places: (({ screen: ScreenId } & Change) | null)[];
  checks: { verified: number; of: number } | null;
}

function python(props: ScreenProps): string {
  return [opening(props), `listing = ls.listing(trace, ${asPython(props)})`, "print(listing)", "print(ls.verify(listing))"].join("\n");
}

function Body(props: ScreenProps) {
  const { run, question } = props;
  const { data, waiting } = question;
  const fields = data && !waiting ? { run: run.run, at: data.at, predict: data.predict.id, against: data.against.id } : null;
  const asked = useAsk<Found>("listing", fields);
  const work = useWork<Found>("verify", fields);
  return (
    <Answer asked={{ ...asked, waiting: asked.waiting || waiting }} what="the program">
      {(found) => (
        <>
          <Working work={work} what="cuts and controls" begin="Verify: cut every load’s largest wire">
            {() => null}
          </Working>
          <Shown {...props} found={work.data ?? found} />
        </>
      )}
    </Answer>
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
