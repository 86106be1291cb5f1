/** The walk behind an address, folded: the score by pairs of a query's writer and a key's writer. */
import { useState } from "preact/hooks";
import { AnyView } from "../../figure";
import { Guard } from "../../guard";
import type { Figure } from "../../model";
import { useAsk } from "../ask";
import type { About } from "../requests";
import { Answer } from "../states";

/** It is requested when it is opened. */
export function Steps({ run, head, at, about }: { run: string; head: string; at: number; about: About }) {
  const [open, setOpen] = useState(false);
  const asked = useAsk<Figure>("steps", open ? { run, head, at, about } : null);
  return (
    <details class="steps" onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>Pair by pair: which writer on Q meets which on K</summary>
      {open && (
        <Answer asked={asked} what="the pairs">
          {({ claim, views }) => (
            <>
              <p class="claim">{claim}</p>
              {views.map((view, index) => (
                <Guard key={index} what="view">
                  <AnyView view={view} place={{ figure: "steps", view: index }} />
                </Guard>
              ))}
            </>
          )}
        </Answer>
      )}
    </details>
  );
}
