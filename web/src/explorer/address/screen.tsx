/** One head at one token: the tokens it loads from, the stores it reads there, and the effect of removing them. */
import { AddressView } from "../../address/view";
import { short } from "../../format";
import { useAsk, useWork } from "../ask";
import type { About } from "../requests";
import { opening, type Screen, type ScreenProps, tokenAt, tokenOf } from "../screen";
import { titleOf, useRoles } from "../roles";
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
  const asked = `address = ls.address(trace, "${head}", ${at}${about === "most" ? "" : `, about=${JSON.stringify(about)}`})`;
  const edit = doing === "ablate" ? `ls.ablate("${head}"${zero})` : doing === "cut" && from && side ? `ls.cut("${from}", "${head}.${side}"${zero})` : null;
  const lines = [opening(props), asked, "print(address.text)"];
  const { data } = props.question;
  if (edit && data) lines.push(`edited = ls.run(model, trace.tokens[0], [${edit}])`, `print(*(one.logits[${data.at}].softmax(-1)[${data.predict.id}] for one in (trace, edited)))`);
  return lines.join("\n");
}

/** The head and token of the address: by default the question's token, and the head that adds most to the answer. */
function chosen(props: ScreenProps): { head: string | null; at: number; about: NonNullable<About> } {
  const { model, run, place, question } = props;
  const usual = question.data && !question.waiting ? question.data.head : null;
  const at = tokenOf(props);
  const key = tokenAt(run, place.about, -1);
  return { head: model.heads.includes(place.head ?? "") ? (place.head as string) : usual, at, about: place.about === "row" ? "row" : key >= 0 && key <= at ? key : "most" };
}

function Body(props: ScreenProps) {
  const { model, run, place, go, link } = props;
  const { head, at, about } = chosen(props);
  const roles = useRoles();
  const first = Math.min(tokenAt(run, place.first, 0), Math.max(0, run.labels.length - run.window));
  const asked = useAsk<Found>("address", head === null ? null : { run: run.run, head, at, about });
  const found = asked.data;
  const wires = found?.sides.flatMap(({ side, writers }) => writers.filter(({ wire }) => wire).map(({ writer }) => ({ writer, side }))) ?? [];
  const nulls = useWork<Nulls>("nulls", wires.length && head && found?.head === head ? { head, wires } : null, true);
  return (
    <>
      <div class="controls">
        <label>
          Head{" "}
          <select onChange={(event) => go({ head: event.currentTarget.value, side: null, from: null, do: null })}>
            {model.heads.map((name) => (
              <option key={name} value={name} selected={name === head}>
                {titleOf(name, roles)}
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
      <Answer asked={{ ...asked, waiting: asked.waiting || head === null }} what={`the address of ${head} at ${run.labels[at]}`}>
        {(data) => (
          <>
            <p class="soft">
              <code>{data.text}</code>
            </p>
            {data.at !== props.at && (
              <p class="next">
                {`After ${run.labels[data.at] ?? ""}: `}
                {data.next.map(({ id, text, probability }, index) => (
                  <span key={id}>
                    {index > 0 && " | "}
                    <code>{text}</code> {short(probability, 2, false)}
                  </span>
                ))}
                {". "}
                <a href={link({ token: null, about: null })}>Back to {run.labels[props.at]}, the token of the question</a>
              </p>
            )}
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
