/** The current run: that of the URL, of the typed prompt, or the initial one. */
import { useEffect, useRef, useState } from "preact/hooks";
import { ask, type Failure, returned } from "./api";
import { failureOf } from "./ask";
import type { Run } from "./screen";

/** Prompts by run, kept only in this tab: a link carries a run's name, which a restarted server does not know. */
const KEEP = "loadstore-prompt-";

export interface Running {
  run: Run | null;
  failed: Failure | null;
  waiting: boolean;
  /** Run a text, or token ids; the last request wins. */
  type: (prompt: string | number[]) => void;
  again: () => void;
}

type Fields = { run: string } | { prompt: string } | { ids: number[] } | Record<string, never>;

/**
 * The run of `model` named `name`, or another as soon as one is typed. `found` is called with every other run, and
 * with whether its prompt was typed.
 */
export function useRunning(model: string, name: string | undefined, found: (run: Run, typed: boolean) => void): Running {
  const [state, setState] = useState<{ run: Run | null; failed: Failure | null; waiting: boolean }>({ run: null, failed: null, waiting: true });
  const busy = useRef(false);
  const next = useRef<Fields | null>(null);
  const last = useRef<Fields>({});
  const here = state.run?.run;
  const begin = async (fields: Fields): Promise<void> => {
    next.current = fields;
    if (busy.current) return;
    busy.current = true;
    setState((known) => ({ ...known, waiting: true }));
    try {
      while (next.current) {
        const now: Fields = next.current;
        [next.current, last.current] = [null, now];
        const run = await answered(KEEP + model, now).catch((error: unknown) => failureOf(error));
        if (next.current) continue;
        if ("run" in run) {
          sessionStorage.setItem(`${KEEP}${model}-${run.run}`, JSON.stringify(run.ids));
          setState({ run, failed: null, waiting: false });
          found(run, "prompt" in now || "ids" in now);
        } else setState((known) => ({ ...known, failed: run, waiting: false }));
      }
    } finally {
      busy.current = false;
    }
  };
  useEffect(() => {
    if (name !== here || name === undefined) void begin(name === undefined ? {} : { run: name });
  }, [name]);
  useEffect(() => {
    if (returned.value > 0) void begin(here ? { run: here } : last.current);
  }, [returned.value]);
  const type = (prompt: string | number[]) => void begin(typeof prompt === "string" ? { prompt } : { ids: prompt });
  return { ...state, type, again: () => void begin(last.current) };
}

/** A run; where the server does not know its name and this tab does know its tokens, a new one of the same tokens. */
async function answered(keep: string, fields: Fields): Promise<Run> {
  try {
    return (await (await ask("run", fields)).json()) as Run;
  } catch (error) {
    const kept = "run" in fields && failureOf(error).kind === "run" ? sessionStorage.getItem(`${keep}-${fields.run}`) : null;
    if (kept === null) throw error;
    return (await (await ask("run", { ids: JSON.parse(kept) as number[] })).json()) as Run;
  }
}
