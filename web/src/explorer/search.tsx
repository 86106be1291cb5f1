/** Search for any head, writer, token or store: shows matches while typing; Enter opens the first or the chosen one. */
import type { RefObject } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { useAsk } from "./ask";
import type { Change, Run, ScreenId } from "./screen";

interface Match {
  name: string;
  about: string;
  screen: ScreenId;
  change: Change;
}

interface Found {
  matches: Match[];
  /** Why there is none. */
  said: string;
}

interface Props {
  run: Run;
  field: RefObject<HTMLInputElement | null>;
  go: (change: Change, screen: ScreenId) => void;
}

const LIST = "search-matches";

/** The field and the list under it, a combobox of ARIA. */
export function Search({ run, field, go }: Props) {
  const [text, setText] = useState("");
  const [open, setOpen] = useState(false);
  const [chosen, setChosen] = useState(0);
  const typed = text.trim();
  const asked = useAsk<Found>("search", typed ? { run: run.run, text: typed.slice(0, 64) } : null);
  const found = typed && asked.data ? asked.data : { matches: [], said: "" };
  const shown = open && typed !== "";
  const said = asked.failed && !asked.waiting ? asked.failed.message : found.said;
  const at = Math.min(chosen, found.matches.length - 1);
  const leave = () => {
    setOpen(false);
    setText("");
    setChosen(0);
  };
  const take = (match: Match | undefined) => {
    if (!match) return;
    leave();
    field.current?.blur();
    go(match.change, match.screen);
  };
  const eager = useRef(false); // Enter came before the answer
  useEffect(() => {
    if (asked.waiting) return;
    if (eager.current && open) take(found.matches[0]);
    eager.current = false;
  }, [asked.waiting]);
  const keys = (event: KeyboardEvent) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step !== undefined && found.matches.length) {
      setOpen(true);
      setChosen((at + step + found.matches.length) % found.matches.length);
    } else if (event.key === "Enter") {
      if (asked.waiting) eager.current = true;
      else take(found.matches[at]);
    } else if (event.key === "Escape") {
      if (typed) leave();
      else field.current?.blur();
    } else return;
    event.preventDefault();
  };
  return (
    <div class="search">
      <label class="visually-hidden" for="search">
        Go to a head, writer, token or token:subspace
      </label>
      <input
        id="search"
        ref={field}
        type="text"
        role="combobox"
        aria-expanded={shown && found.matches.length > 0}
        aria-controls={LIST}
        aria-autocomplete="list"
        aria-activedescendant={shown && at >= 0 ? `${LIST}-${at}` : undefined}
        placeholder="L1.H4, sat·3, sat·3:L0.H7"
        maxLength={64}
        autocomplete="off"
        spellcheck={false}
        value={text}
        onInput={(event) => {
          setText(event.currentTarget.value);
          setChosen(0);
          setOpen(true);
        }}
        onFocus={() => setOpen(true)}
        onBlur={() => setOpen(false)}
        onKeyDown={keys}
      />
      <kbd aria-hidden="true">/</kbd>
      <ul id={LIST} role="listbox" aria-label="Places" hidden={!shown || !found.matches.length}>
        {found.matches.map((match, index) => (
          <li
            key={index}
            id={`${LIST}-${index}`}
            role="option"
            aria-selected={index === at}
            onPointerDown={(event) => {
              event.preventDefault(); // the field keeps the focus until the place is taken
              take(match);
            }}
          >
            <code>{match.name}</code> <span>{match.about}</span>
          </li>
        ))}
      </ul>
      <p class="search-said" role="status" hidden={!shown || !said}>
        {shown ? said : ""}
      </p>
    </div>
  );
}
