/** Alternative views, chosen with radio buttons. */
import type { VNode } from "preact";
import { useId, useState } from "preact/hooks";
import { placed } from "../breadth";
import type { Switch, View } from "../model";
import type { Place } from "../place";
import { slug } from "./slug";

interface Props {
  view: Switch;
  place: Place;
  draw: (view: View, place: Place) => VNode;
}

/** The view of a `loadstore/switch@1`: a view shown once is kept, with its cursor, and hidden. */
export function SwitchView({ view, place, draw }: Props) {
  const group = `switch-${useId()}`;
  const [chosen, choose] = useState(0);
  const [met, meet] = useState([0]);
  return (
    <section class="switch" aria-label={view.title}>
      <fieldset class="controls">
        <legend>{view.label}</legend>
        {view.choices.map(({ name }, index) => (
          <label key={index}>
            <input
              type="radio"
              name={group}
              checked={index === chosen}
              onChange={() => {
                choose(index);
                meet((before) => (before.includes(index) ? before : [...before, index]));
              }}
            />
            {name}
          </label>
        ))}
      </fieldset>
      {view.choices.map(({ views }, index) =>
        met.includes(index) ? (
          <div key={index} class="plates" hidden={index !== chosen}>
            {!views.length && <p class="missing">There is nothing to show.</p>}
            {views.map((inner, at) => (
              <div key={at} class={`plate ${views.length === 1 ? "broad" : placed(views).views[at]}`}>
                {draw(inner, { ...place, view: `${place.view}-${slug(view.choices.map(({ name }) => name), index)}-${at}` })}
              </div>
            ))}
          </div>
        ) : null,
      )}
    </section>
  );
}
