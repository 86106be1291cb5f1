/** One head at one token: where it loads from, whose stores it reads there, and what happens without them. */
import { AddressView } from "../../address/view";
import { short } from "../../format";
import { useAsk, useWork } from "../ask";
import { Tokens, Window } from "../prompt";
import { opening, type Run, type Screen, type ScreenProps, tokenAt } from "../screen";
import { Answer } from "../states";
import { Doing } from "./doing";
import { Sides } from "./sides";
import { Steps } from "./steps";
import type { Found, Nulls } from "./types";

export const screen: Screen = { id: "address", title: "Address", key: "a", Body, python };

function python(props: ScreenProps): string {
  const { head, at, about } = chosen(props);
  const { from, side, do: doing, by } = props.place;
  const zero = by === "zero" ? ', by="zero"' : "";
  const asked = `address = ls.address(trace, "${head}", ${at}${about === "most" ? "" : `, ${JSON.stringify(about)}`})`;
  const edit = doing === "ablate" ? `ls.ablate("${head}"${zero})` : doing === "cut" && from && side ? `ls.cut("${from}", "${head}.${side}"${zero})` : null;
  const lines = [opening(props), asked, "print(address.text)"];
  if (edit) lines.push(`edited = ls.run(model, trace.tokens[0], [${edit}])`, `print(trace.logits[${at}].softmax(-1).max(), edited.logits[${at}].softmax(-1).max())`);
  return lines.join("\n");
}

type About = "most" | "row" | number;

/** The head and token of the address, or those that a newcomer would like to see first. */
function chosen({ model, run, place }: ScreenProps): { head: string; at: number; about: About } {
  const head = model.heads.includes(place.head ?? "") ? (place.head as string) : (model.heads[usualHead(model.roles, run)] ?? "");
  const at = tokenAt(run, place.at, run.repeats.find((token) => token > run.labels.length / 2) ?? run.labels.length - 1);
  const key = tokenAt(run, place.about, -1);
  return { head, at, about: place.about === "row" ? "row" : key >= 0 && key <= at ? key : "most" };
}

/** The head with most of its attention on what followed earlier occurrences. */
function usualHead(roles: string[], run: Run): number {
  const role = roles.indexOf("induction");
  const shares = run.strength.map((each) => each[role] ?? 0);
  return Math.max(0, shares.indexOf(Math.max(...shares)));
}

function Body(props: ScreenProps) {
  const { model, run, place, go } = props;
  const { head, at, about } = chosen(props);
  const first = Math.min(tokenAt(run, place.first, 0), Math.max(0, run.labels.length - run.window));
  const asked = useAsk<Found>("address", { run: run.run, head, at, about });
  const found = asked.data;
  const wires = found?.sides.flatMap(({ side, writers }) => writers.filter(({ wire }) => wire).map(({ writer }) => ({ writer, side }))) ?? [];
  const nulls = useWork<Nulls>("nulls", wires.length && found?.head === head ? { head, wires } : null, true);
  return (
    <>
      <div class="controls">
        <label>
          Head{" "}
          <select onChange={(event) => go({ head: event.currentTarget.value, side: null, from: null, do: null })}>
            {model.heads.map((name, index) => (
              <option key={name} value={name} selected={name === head}>
                {[name, ...(run.badges[index] ?? [])].join(", ")}
              </option>
            ))}
          </select>
        </label>
        <label>
          Q and K about{" "}
          <select onChange={(event) => go({ about: event.currentTarget.value === "most" ? null : event.currentTarget.value })}>
            <option value="most" selected={about === "most"}>
              the most attended token
            </option>
            <option value="row" selected={about === "row"}>
              the whole row
            </option>
            {run.labels.slice(first, Math.min(at + 1, first + run.window)).map((label, index) => (
              <option key={index} value={first + index} selected={about === first + index}>
                {label}
              </option>
            ))}
          </select>
        </label>
      </div>
      <p class="eyebrow" id="query">
        Query token
      </p>
      <Tokens run={run} first={first} at={at} choose={(token) => go({ at: token })} />
      <Window run={run} first={first} show={(to) => go({ first: to || null })} />
      <Answer asked={asked} what={`the address of ${head} at ${run.labels[at]}`}>
        {(data) => (
          <>
            <p class="soft">
              <code>{data.text}</code>
            </p>
            <p class="next">
              {`After ${run.labels[data.at] ?? ""}: `}
              {data.next.map(({ id, text, probability }, index) => (
                <span key={id}>
                  {index > 0 && " | "}
                  <code>{text}</code> {short(probability, 2, false)}
                </span>
              ))}
            </p>
            <AddressView view={data.sentence} place={{ figure: "address", view: 0 }} />
            <Sides {...props} found={data} nulls={nulls} />
            <Doing {...props} found={data} />
            <Steps run={run.run} head={data.head} at={data.at} about={about} />
          </>
        )}
      </Answer>
    </>
  );
}
