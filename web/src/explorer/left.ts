/** How long a slow question still takes, by its speed until now. */
import { inWords } from "./circuit/left";

/** Seconds after which the speed is known well enough. */
const TELLING = 1.5;

/** `about 20 seconds left`; nothing while the speed is not known. */
export function timeLeft(seconds: number, done: number, of: number): string {
  return done > 0 && done < of && seconds >= TELLING ? `${inWords((seconds * (of - done)) / done)} left` : "";
}

/** `8 of 20, about 20 seconds left`. */
export function stepsSaid(seconds: number, [done, of]: [number, number]): string {
  const left = timeLeft(seconds, done, of);
  return `${done.toLocaleString("en")} of ${of.toLocaleString("en")}${left && `, ${left}`}`;
}
