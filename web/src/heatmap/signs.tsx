/** Which cells have a sign, in words, where any has. */
import type { Heatmap } from "../model";
import { type Layout, PRINTED, SIGNED } from "./layout";
import { SIGNS, signedSpots } from "./strong";

/** The rule of the signs under the panels of `view`. */
export function SignsTold({ view, layout: { cell } }: { view: Heatmap; layout: Layout }) {
  if (cell < SIGNED || cell >= PRINTED || !view.panels.some((panel) => signedSpots(view, panel).size)) return null;
  return (
    <p class="missing" data-export>
      Signs: the strongest cells, {SIGNS} a panel at most, from a third of the scale’s end on.
    </p>
  );
}
