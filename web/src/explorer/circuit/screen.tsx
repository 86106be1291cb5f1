/** The circuit of a task: found on the server, then switched off wire by wire while F answers. */
import { useEffect } from "preact/hooks";
import { useAsk, useWork } from "../ask";
import { type ModelFacts, quoted, type Screen, type ScreenProps } from "../screen";
import { Answer } from "../states";
import { Finding } from "./finding";
import { read } from "./off";
import { Shown } from "./shown";
import type { Found, Task, Tasks } from "./types";

export const screen: Screen = { id: "circuit", title: "Circuit", key: "c", Body, python };

/** Models with more heads than this begin with a task of text. */
const FEW = 64;
const SIZES: [string, string][] = [
  ["F>=.85", "the smallest with F ≥ .85"],
  ["F>=.7", "the smallest with F ≥ .7"],
  ["F>=.95", "the smallest with F ≥ .95"],
  [".001", ".1 % of the wires"],
  [".01", "1 % of the wires"],
];

/** Circuits found while the page is open. */
const known = new Map<string, Found>();

function keyOf(model: ModelFacts, place: ScreenProps["place"]): { task: string; size: string; key: string } {
  const task = place.task ?? (model.text && model.heads.length > FEW ? "ioi" : "induction");
  const size = SIZES.find(([value]) => value === place.size)?.[0] ?? "F>=.85";
  return { task, size, key: JSON.stringify([model.name, model.wires, task, size]) };
}

function python({ model, place }: ScreenProps): string {
  const { task, size, key } = keyOf(model, place);
  const found = known.get(key);
  const off = found ? [...read(found.loads, place.off)].sort((a, b) => a - b) : [];
  const pairs = found ? `, pairs=${found.generated}` : "";
  const judge = found && found.places.length < found.judged.pairs ? `task.judge.rows([${found.places.join(", ")}])` : "task.judge";
  return [
    "import loadstore as ls",
    "",
    `model = ls.load(${quoted(model.name)})`,
    `task = ls.task(model, ${quoted(task)}${pairs})`,
    `circuit = ls.circuit(ls.attribute(task), ${size.startsWith("F") ? quoted(size) : size}, on=task.choose)`,
    ...(off.length ? [`off = [circuit.wires[index] for index in (${off.join(", ")},)]`] : []),
    `pairs = ${judge}`,
    `print(ls.faithfulness(circuit${off.length ? ".without(off)" : ""}, pairs))`,
    `ls.show(ls.picture(circuit, pairs, index=${Number(place.pair) || 0}))`,
  ].join("\n");
}

function Body(props: ScreenProps) {
  const tasks = useAsk<Tasks>("circuit/tasks", {});
  return (
    <>
      <p class="lead">
        A circuit is a set of wires that does a task. Switch its wires off and on: <i>F</i> is 1 if the wires that are on do the whole task, and 0 if they do none of it. All other wires carry the stores of the counterfactual prompt.
      </p>
      <Answer asked={tasks} what="the tasks">
        {(data) => <Chosen {...props} tasks={data} />}
      </Answer>
    </>
  );
}

function Chosen(props: ScreenProps & { tasks: Tasks }) {
  const { model, place, go, tasks } = props;
  const { task: name, size, key } = keyOf(model, place);
  const task = tasks.tasks.find((each) => each.name === name) ?? (tasks.tasks[0] as Task);
  const work = useWork<Found>("circuit/find", { task: task.name, size, pairs: tasks.pairs });
  const fresh = work.data?.task === task.name && work.data.size === size ? work.data : null;
  if (fresh) known.set(key, fresh);
  const found = fresh ?? known.get(key) ?? null;
  useEffect(() => {
    if (!found && tasks.kept.includes(`${task.name} ${size} ${tasks.pairs}`)) work.start();
  }, [key]);
  const other = { off: null, pair: null };
  return (
    <>
      <div class="controls">
        <label>
          Task{" "}
          <select onChange={(event) => go({ task: tasks.tasks[event.currentTarget.selectedIndex]?.name ?? null, ...other })}>
            {tasks.tasks.map((each) => (
              <option key={each.name} selected={each.name === task.name}>
                {each.name}
              </option>
            ))}
          </select>
        </label>
        <label>
          Size{" "}
          <select onChange={(event) => go({ size: SIZES[event.currentTarget.selectedIndex]?.[0] ?? null, ...other })}>
            {SIZES.map(([value, words]) => (
              <option key={value} selected={value === size}>
                {words}
              </option>
            ))}
          </select>
        </label>
      </div>
      <p class="about-task">{task.about}.</p>
      {(!found || work.running || work.failed) && <Finding task={task} pairs={tasks.pairs} work={work} />}
      {found && !work.running && <Shown key={key} {...props} found={found} findAgain={work.start} />}
    </>
  );
}
