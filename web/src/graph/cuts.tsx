/** Buttons that cut loads of a picture, for cuts that were measured. */
import type { Signal } from "@preact/signals";
import type { Cut } from "../model";

/** One button per cut, and its measured effect. */
export function Cuts({ cuts, chosen }: { cuts: Cut[]; chosen: Signal<number | null> }) {
  if (!cuts.length) return null;
  const cut = chosen.value === null ? null : cuts[chosen.value];
  return (
    <div class="cuts controls">
      {cuts.map((each, index) => (
        <button key={index} type="button" aria-pressed={chosen.value === index} onClick={() => (chosen.value = chosen.value === index ? null : index)}>
          {each.name}
        </button>
      ))}
      <p role="status">{cut ? cut.said : "Nothing is cut."}</p>
    </div>
  );
}
