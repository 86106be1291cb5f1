/** F of the wires that are on: one request at a time, then the latest, so that fast clicks do not flood the server. */
import { useEffect, useState } from "preact/hooks";
import { type Asked, useAsk } from "../ask";
import type { Groups } from "./off";
import type { Switched } from "./types";

/** Milliseconds without a change before a measurement. */
const REST = 120;

type Fields = Groups & { circuit: string; pair: number };

/** The latest answer, and whether the answer to these fields is pending. */
export function useSwitched(fields: Fields): { asked: Asked<Switched>; late: boolean } {
  const wanted = JSON.stringify(fields);
  const [question, setQuestion] = useState(wanted);
  const asked = useAsk<Switched>("circuit/switch", JSON.parse(question) as Fields);
  useEffect(() => {
    if (asked.waiting || question === wanted) return undefined;
    const timer = window.setTimeout(() => setQuestion(wanted), REST);
    return () => window.clearTimeout(timer);
  }, [wanted, asked.waiting]);
  return { asked, late: question !== wanted || asked.waiting };
}
