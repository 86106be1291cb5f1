/** The training run that the model comes from, followed while it goes on. */
import { useEffect, useRef } from "preact/hooks";
import { FigureBlock } from "../../figure";
import type { Figure } from "../../model";
import { useWork } from "../ask";
import { quoted, type Screen } from "../screen";
import { capital, Failing, Working } from "../states";

export const screen: Screen = { id: "training", title: "Training", key: "t", Body, python };

/** Milliseconds between two questions about a run that may go on. */
const AGAIN = 4000;

interface Followed {
  folder: string;
  /** The last measured step. */
  step: number;
  checkpoints: number;
  verdict: string;
  figures: Figure[];
}

/** The run's folder, once it is known. */
let folder = "run/";

function python(): string {
  return ["import loadstore as ls", "", `emerged = ls.experiments.emergence(${quoted(folder)})`, "print(emerged.onset)"].join("\n");
}

function Body() {
  const work = useWork<Followed>("training", {}, true);
  const last = useRef(work);
  last.current = work;
  useEffect(() => {
    const timer = window.setInterval(() => {
      if (!last.current.running && !document.hidden) last.current.start();
    }, AGAIN);
    return () => window.clearInterval(timer);
  }, []);
  const { data } = work;
  if (data === null) {
    return (
      <Working work={work} what="the checkpoints">
        {() => null}
      </Working>
    );
  }
  folder = data.folder;
  return (
    <>
      <p class="lead">
        {capital(data.verdict)}. Measured at step {data.step}, with {data.checkpoints} checkpoints; this screen follows the run while it goes on. The other screens show the model as it was when this page was opened.
      </p>
      {work.failed && <Failing failure={work.failed} what="the run" again={work.start} />}
      {data.figures.map((figure) => (
        <FigureBlock key={figure.id} figure={figure} />
      ))}
    </>
  );
}
