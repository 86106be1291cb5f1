/** The question: after a token, why one token is predicted and not another. All screens explain it. */
import { useState } from "preact/hooks";
import { short } from "../format";
import { ask, type Failure } from "./api";
import { type Asked, failureOf } from "./ask";
import { targetOf } from "./ids";
import { Tokens, Window } from "./prompt";
import type { QuestionRequest } from "./requests";
import { clear, type Params, type Question, type Run, type ScreenProps } from "./screen";
import { Failing } from "./states";

type Role = "predict" | "against";

/** The question of a URL, as fields of a request. */
export function fieldsOf(run: Run, at: number, place: Params): QuestionRequest {
  const named = (["predict", "against"] as const).filter((name) => place[name] !== undefined).map((name) => [name, targetOf(place[name] ?? "")]);
  return { run: run.run, at, ...Object.fromEntries(named) };
}

/** The prompt's tokens, the two predictions, and the head that adds most. */
export function Asking(props: ScreenProps & { question: Asked<Question> }) {
  const { model, run, place, at, go, link, question } = props;
  const [other, setOther] = useState<Role | null>(null);
  const first = Math.min(Number(place.first) || 0, Math.max(0, run.labels.length - run.window));
  const { data, waiting, failed } = question;
  const choose = (role: Role, id: number) => {
    const twin: Role = role === "predict" ? "against" : "predict";
    go({ [role]: id, ...(data?.[twin].id === id ? { [twin]: null } : {}) });
    setOther(null);
  };
  const changed = at !== run.labels.length - 1 || place.predict !== undefined || place.against !== undefined;
  return (
    <section class="question" aria-label="The question">
      <Tokens run={run} first={first} at={at} choose={(token) => go({ ...clear, at: token })} />
      <Window run={run} first={first} show={(to) => go({ first: to || null })} />
      {failed && !waiting ? (
        <Failing failure={failed} what="this question" again={question.again} />
      ) : (
        data && (
          <form class={waiting ? "asked old" : "asked"} onSubmit={(event) => event.preventDefault()} aria-busy={waiting}>
            <span>
              After <code>{run.labels[data.at]}</code>
            </span>{" "}
            <Choice name="why" role="predict" question={data} choose={choose} type={setOther} />
            <Choice name="and not" role="against" question={data} choose={choose} type={setOther} />
            <span class="said" role="status">
              {data.predict.rank > 0 && `${data.predict.text} is number ${data.predict.rank + 1}. `}
              Most is added by <a href={link({ head: data.head, token: null, side: null, from: null, do: null, about: null }, "address")}>{data.head}</a>.
            </span>
            {changed && <Last {...props} />}
          </form>
        )
      )}
      {other && <Other text={model.text} run={run} at={at} role={other} found={(id) => choose(other, id)} close={() => setOther(null)} />}
      {changed && failed && <Last {...props} />}
    </section>
  );
}

/** A link to the default question. */
function Last({ link }: ScreenProps) {
  return (
    <span class="said">
      <a href={link({ ...clear })}>Ask about the last token’s prediction</a>
    </span>
  );
}

/** A probability as text for an option; one that would round to 0 is written as a bound. */
export function chance(probability: number): string {
  return probability < 0.005 ? "< .01" : short(probability, 2, false);
}

const OTHER = "other";

/** A choice of one of the two tokens: the likeliest ones, or any other. */
function Choice({ name, role, question, choose, type }: { name: string; role: Role; question: Question; choose: (role: Role, id: number) => void; type: (role: Role | null) => void }) {
  const mine = question[role];
  const listed = question.next.some(({ id }) => id === mine.id) ? question.next : [mine, ...question.next];
  return (
    <label>
      {name}{" "}
      <select
        name={role}
        value={String(mine.id)}
        onChange={(event) => {
          const { value } = event.currentTarget;
          if (value === OTHER) {
            event.currentTarget.value = String(mine.id);
            type(role);
          } else choose(role, Number(value));
        }}
      >
        {listed.map(({ id, text, probability }) => (
          <option key={id} value={String(id)} selected={id === mine.id}>
            {`${text} ${chance(probability)}`}
          </option>
        ))}
        <option value={OTHER}>another token …</option>
      </select>
    </label>
  );
}

/** Any token by its text, or by its id if the model has no tokenizer. */
function Other({ text, run, at, role, found, close }: { text: boolean; run: Run; at: number; role: Role; found: (id: number) => void; close: () => void }) {
  const [value, setValue] = useState("");
  const [failed, setFailed] = useState<Failure | null>(null);
  const submit = async (event: Event) => {
    event.preventDefault();
    if (!value) return close();
    try {
      const target = text ? value : targetOf(value.trim());
      const named = (await (await ask("question", { run: run.run, at, [role]: target })).json()) as Question;
      found(named[role].id);
    } catch (error) {
      setFailed(failureOf(error));
    }
  };
  return (
    <form class="other" onSubmit={(event) => void submit(event)} onKeyDown={(event) => event.key === "Escape" && close()}>
      <label>
        {role === "predict" ? "Why" : "And not"} {text ? "(its text; most tokens begin with a space)" : "(its id)"}{" "}
        <input ref={(field) => field?.focus()} type="text" size={12} value={value} autocomplete="off" spellcheck={false} onInput={(event) => setValue(event.currentTarget.value)} />
      </label>{" "}
      <button>Ask</button>{" "}
      <button type="button" onClick={close}>
        Cancel
      </button>
      {failed && <Failing failure={failed} what="this token" />}
    </form>
  );
}
