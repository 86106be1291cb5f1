/** F of what is on: one question at a time, the latest next, so that quick hands do not keep the server busy. */
import { useEffect, useState } from "preact/hooks";
import { type Asked, useAsk } from "../ask";
import type { Groups } from "./off";
import type { Switched } from "./types";

/** Milliseconds of rest before a change is measured. */
const REST = 120;

type Fields = Groups & { circuit: string; pair: number };

/** The latest answer, and whether one to these fields is still to come. */
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
