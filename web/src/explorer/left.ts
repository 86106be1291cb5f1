/** The remaining time of a slow request, from its speed so far. */
import { inWords } from "./circuit/left";

/** Seconds after which the speed is a reliable estimate. */
const TELLING = 1.5;

/** `about 20 seconds left`; empty while the speed is unknown. */
export function timeLeft(seconds: number, done: number, of: number): string {
  return done > 0 && done < of && seconds >= TELLING ? `${inWords((seconds * (of - done)) / done)} left` : "";
}

/** `8 of 20, about 20 seconds left`. */
export function stepsSaid(seconds: number, [done, of]: [number, number]): string {
  const left = timeLeft(seconds, done, of);
  return `${done.toLocaleString("en")} of ${of.toLocaleString("en")}${left && `, ${left}`}`;
}
