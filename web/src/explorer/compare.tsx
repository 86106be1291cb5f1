/** The prompt beside a second one of equal length: differing tokens, predictions, and the question's difference. */
import { useState } from "preact/hooks";
import { number } from "../format";
import { splitToken } from "../text";
import { useAsk } from "./ask";
import { idsOf } from "./ids";
import { chance, fieldsOf } from "./question";
import type { Prediction, ScreenProps } from "./screen";
import { Answer, Failing } from "./states";

interface Compared {
  at: number;
  labels: [string[], string[]];
  differ: number[];
  next: [Prediction[], Prediction[]];
  rows: { text: string; clean: number; other: number }[];
  predict: string;
  against: string;
  logits: [number, number];
}

const NAMES = ["this prompt", "the second"] as const;

/** The second prompt and the comparison, initially folded. */
export function Compare(props: ScreenProps) {
  const { model, run, at, place } = props;
  const [open, setOpen] = useState(false);
  const [typed, setTyped] = useState<string | null>(null);
  const own = model.text ? (run.prompt ?? "") : run.ids.join(", ");
  const text = typed ?? own;
  const prompt = model.text ? text : idsOf(text);
  const asked = useAsk<Compared>("compare", open && prompt?.length ? { ...fieldsOf(run, at, place), ...(typeof prompt === "string" ? { prompt } : { ids: prompt }) } : null);
  return (
    <details class="compare" onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>Compare with a second prompt</summary>
      {open && (
        <>
          <label for="second">A second prompt with equally many tokens, such as the same with another name</label>
          <textarea id="second" rows={1} value={text} spellcheck={false} autocomplete="off" onInput={(event) => setTyped(event.currentTarget.value)} />
          {prompt?.length ? (
            <Answer asked={asked} what="the comparison">
              {(found) => <Both found={found} />}
            </Answer>
          ) : (
            <Failing failure={{ kind: "bad", message: prompt === null ? "Token ids are whole numbers between commas, such as 0, 17, 4." : "The second prompt is empty.", status: 0 }} what="the comparison" />
          )}
        </>
      )}
    </details>
  );
}

function Both({ found }: { found: Compared }) {
  const { labels, differ, rows, logits, predict, against, at } = found;
  const different = new Set(differ);
  const [clean, other] = logits;
  return (
    <>
      <div class="pair">
        {NAMES.map((name, side) => (
          <div key={name} class="compared">
            <h3>{side ? "The second" : "This prompt"}</h3>
            <p class="strip" aria-label={`Tokens of ${name}`}>
              {labels[side]?.map((label, index) => {
                const [text, place] = splitToken(label);
                const Mark = different.has(index) ? "mark" : "span";
                return (
                  <Mark key={index} class={index === at ? "token at" : "token"}>
                    {text}
                    <sub>{place}</sub>
                  </Mark>
                );
              })}
            </p>
            <p class="next">
              predicts{" "}
              {found.next[side]?.map(({ id, text, probability }, index) => (
                <span key={id}>
                  {index > 0 && " | "}
                  <code>{text}</code> {chance(probability)}
                </span>
              ))}
            </p>
          </div>
        ))}
      </div>
      <p class="said" role="status">
        {differ.length === 0 ? "The prompts are the same: change a token of the second." : `${differ.length} ${differ.length === 1 ? "token differs" : "tokens differ"}. `}
        {differ.length > 0 && (
          <>
            The logit of <code>{predict}</code> minus that of <code>{against}</code> is {number(clean, 2)} here and {number(other, 2)} there: <b>{`${other < clean ? "" : "+"}${number(other - clean, 2)}`}</b>.
          </>
        )}
      </p>
      <div class="scroll" role="region" aria-label="Both predictions" tabIndex={0}>
        <table class="data plain">
          <thead>
            <tr>
              <th scope="col" class="text">
                next token
              </th>
              {[...NAMES, "difference"].map((name) => (
                <th key={name} scope="col" class="number">
                  {name}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.map(({ text, clean, other }, index) => (
              <tr key={index}>
                <th scope="row" class="text">
                  <code>{text}</code>
                </th>
                {[clean, other, other - clean].map((value, column) => (
                  <td key={column} class="number" data-value={value}>
                    {column === 2 && value > 0 ? "+" : ""}
                    {number(value, 3)}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </>
  );
}
