/** Finding a circuit: a button with the estimated time, then the remaining time. */
import { useEffect, useRef, useState } from "preact/hooks";
import type { Work } from "../ask";
import { Failing } from "../states";
import { inWords, secondsLeft } from "./left";
import type { Found, Task } from "./types";

interface Props {
  task: Task;
  pairs: number;
  work: Work<Found>;
}

/** Starts the search for a circuit. */
export function Finding({ task, pairs, work }: Props) {
  return (
    <div class="working">
      {!work.running && (
        <p>
          <button type="button" class="act" onClick={work.start}>
            Find the circuit of {task.name}
          </button>{" "}
          <span class="said">
            on {pairs} pairs of prompts; takes {inWords(task.seconds)}
          </span>
        </p>
      )}
      {work.running && <Progress task={task} work={work} />}
      {work.failed && <Failing failure={work.failed} what={`the circuit of ${task.name}`} again={work.start} />}
    </div>
  );
}

/** Milliseconds between updates of the remaining time. */
const TICK = 1000;

function Progress({ task, work }: Omit<Props, "pairs">) {
  const begun = useRef(Date.now());
  const reported = useRef(Date.now());
  const [, tick] = useState(0);
  const [done, of] = work.progress ?? [0, 1];
  const share = of > 1 ? done / of : 0;
  useEffect(() => {
    reported.current = Date.now();
  }, [done]);
  useEffect(() => {
    const timer = window.setInterval(() => tick((last) => last + 1), TICK);
    return () => window.clearInterval(timer);
  }, []);
  const then = secondsLeft(share, (reported.current - begun.current) / 1000, task.seconds);
  const left = then - (Date.now() - reported.current) / 1000;
  return (
    <p class="progress">
      <label>
        Finding the circuit of {task.name} <progress max={1} value={share} />
      </label>{" "}
      <span role="status">{inWords(left)} left</span>{" "}
      <button type="button" onClick={work.cancel}>
        Cancel
      </button>
    </p>
  );
}
