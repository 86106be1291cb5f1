/** The rule for signs in cells, in words, if any cell has one. */
import type { Heatmap } from "../model";
import { type Layout, PRINTED, SIGNED } from "./layout";
import { SIGNS, signedSpots } from "./strong";

/** The rule of the signs under the panels of `view`. */
export function SignsNote({ view, layout: { cell } }: { view: Heatmap; layout: Layout }) {
  if (cell < SIGNED || cell >= PRINTED || !view.panels.some((panel) => signedSpots(view, panel).size)) return null;
  const outlined = view.panels.some((panel) => panel.outlined?.length);
  return (
    <p class="missing" data-export>
      Signs: {outlined ? "outlined cells and the strongest others" : "the strongest cells"} from a third of the scale’s end on, at most {SIGNS} per panel.
    </p>
  );
}
