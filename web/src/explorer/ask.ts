/** Requests of components: quick ones, which follow their fields, and slow ones with progress and cancellation. */
import { useEffect, useRef, useState } from "preact/hooks";
import { ask, Failed, type Failure, type Named, returned } from "./api";
import { Kept } from "./kept";

export interface Asked<T> {
  data: T | null;
  failed: Failure | null;
  waiting: boolean;
  again: () => void;
}

/** An answer, and how many characters or bytes it had. */
type Read = (response: Response) => Promise<[unknown, number]>;

const reading: { json: Read; bytes: Read } = {
  json: async (response) => {
    const text = await response.text();
    return [JSON.parse(text), text.length];
  },
  bytes: async (response) => {
    const bytes = new Uint8Array(await response.arrayBuffer());
    return [bytes, bytes.length];
  },
};

/** A run never changes, so an answer stays valid while its server runs. */
const answers = new Kept(2 ** 24);
returned.subscribe(() => answers.clear());

/** The answer to a request, sent again when it changes; the last answer stays until the next arrives. */
export function useAsk<T>(...[name, fields, as = "json"]: Named<null, [as?: keyof typeof reading]>): Asked<T> {
  const [state, setState] = useState<{ data: T | null; failed: Failure | null; of: string }>({ data: null, failed: null, of: "" });
  const [turn, setTurn] = useState(0);
  const question = fields && JSON.stringify([name, fields]);
  const back = returned.value;
  const known = question === null ? undefined : (answers.get(question) as T | undefined);
  useEffect(() => {
    if (question === null) return;
    if (known !== undefined) return setState({ data: known, failed: null, of: question });
    const stop = new AbortController();
    ask(...([name, fields, stop.signal] as Parameters<typeof ask>))
      .then(reading[as])
      .then(([data, size]) => {
        answers.put(question, data, size);
        setState({ data: data as T, failed: null, of: question });
      })
      .catch((error: unknown) => {
        if (!stop.signal.aborted) setState((last) => ({ ...last, failed: failureOf(error), of: question }));
      });
    return () => stop.abort();
  }, [question, turn, state.failed?.kind === "away" || state.failed?.kind === "key" ? back : 0]);
  const again = () => setTurn((last) => last + 1);
  return known === undefined ? { ...state, waiting: question !== null && state.of !== question, again } : { data: known, failed: null, waiting: false, again };
}

/** A thrown value as a failure. */
export function failureOf(error: unknown): Failure {
  return error instanceof Failed ? error.failure : { kind: "fault", message: String(error), status: 0 };
}

export interface Work<T> {
  data: T | null;
  failed: Failure | null;
  progress: [number, number] | null;
  /** Seconds from the start to this progress. */
  seconds: number;
  running: boolean;
  start: () => void;
  cancel: () => void;
}

type Line<T> = { progress?: [number, number]; result?: T; error?: { kind: string; message: string } };

/** Milliseconds that an automatic request waits, so that its picture is drawn first. */
const PAUSE = 300;

/**
 * A slow question: begun by `start`, reported line by line, ended by `cancel` or when it changes or leaves.
 * `byItself`: it begins whenever it changes, and the last answer stays until the next.
 */
export function useWork<T>(...[name, fields, byItself = false]: Named<null, [byItself?: boolean]>): Work<T> {
  const [state, setState] = useState<Omit<Work<T>, "start" | "cancel">>({ data: null, failed: null, progress: null, seconds: 0, running: false });
  const stop = useRef<AbortController | null>(null);
  const question = fields && JSON.stringify([name, fields]);
  const end = () => {
    stop.current?.abort();
    stop.current = null;
  };
  useEffect(() => {
    setState((last) => ({ data: byItself ? last.data : null, failed: null, progress: null, seconds: 0, running: false }));
    const later = byItself ? window.setTimeout(start, PAUSE) : 0;
    return () => {
      window.clearTimeout(later);
      end();
    };
  }, [question]);
  const start = () => {
    if (fields === null) return;
    end();
    const here = new AbortController();
    stop.current = here;
    setState((last) => ({ data: byItself ? last.data : null, failed: null, progress: null, seconds: 0, running: true }));
    const begun = performance.now();
    const tell = (change: Partial<Work<T>>) => {
      if (stop.current === here) setState((last) => ({ ...last, ...change }));
    };
    follow<T>([name, fields, here.signal] as Parameters<typeof ask>, (progress) => tell({ progress, seconds: (performance.now() - begun) / 1000 }))
      .then((data) => tell({ data, running: false }))
      .catch((error: unknown) => tell({ failed: here.signal.aborted ? null : failureOf(error), running: false }));
  };
  const cancel = () => {
    end();
    setState((last) => ({ ...last, running: false, progress: null }));
  };
  return { ...state, start, cancel };
}

/** Read a slow answer to its end. */
async function follow<T>(question: Parameters<typeof ask>, tell: (progress: [number, number]) => void): Promise<T> {
  const response = await ask(...question);
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const part = await reader?.read();
    if (!part || part.done) throw new Failed({ kind: "away", message: "the answer was interrupted: ask again", status: 0 });
    const lines = (rest + part.value).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) {
      const said = JSON.parse(line) as Line<T>;
      if (said.error) throw new Failed({ ...said.error, status: 200 });
      if (said.result !== undefined) return said.result;
      if (said.progress) tell(said.progress);
    }
  }
}
