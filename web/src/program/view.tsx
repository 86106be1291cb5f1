/** A program of loads and stores: one line each, with links from operands to the steps that stored them. */
import { createContext, Fragment } from "preact";
import { useContext } from "preact/hooks";
import type { Line, Program } from "../model";
import type { Place } from "../place";
import { ViewFrame } from "../frame";
import { stepped } from "../stepped";

/** The target of each line's operation, if the page has such targets. */
export const Onward = createContext<(string | null)[]>([]);

const COLUMNS = ["site", "operation", "token", "operands"];

/** The view of a `loadstore/program@1`. Comments have a column if there are any. */
export function ProgramView({ view, place }: { view: Program; place: Place }) {
  const commented = view.rows.some(({ comment }) => comment);
  const records = () => [[...COLUMNS, "comment"], ...view.rows.map((row) => [row.site, row.op, row.place, written(row), row.comment])];
  const onward = useContext(Onward);
  const id = (step: number) => `${place.figure}-${place.view}-step-${step}`;
  return (
    <ViewFrame view={view} place={place} records={records} table={null} cells={0}>
      <div class="scroll program" role="region" aria-label={`Program: ${view.title}. Up and down move from link to link.`} tabIndex={0} onKeyDown={walk}>
        <table class="data plain" data-figure={place.figure} data-view={place.view}>
          <thead>
            <tr>
              {[...COLUMNS, ...(commented ? ["comment"] : [])].map((name) => (
                <th key={name} scope="col">
                  {name}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {view.rows.map((row, index) => (
              <tr key={index} id={row.site && row.step !== null ? id(row.step) : undefined} class={row.site ? "step" : undefined}>
                <th scope="row" data-export>
                  {row.site}
                </th>
                <td class={`op ${row.op.split(".")[0]?.toLowerCase()}`} data-value={row.op} data-export>
                  {onward[index] ? (
                    <a href={onward[index]} tabIndex={-1}>
                      {row.op}
                    </a>
                  ) : (
                    row.op
                  )}
                </td>
                <td data-value={row.place} data-export>
                  {row.place}
                </td>
                <td class="operands" data-value={written(row)}>
                  {row.parts.map(({ text, step }, at) => (
                    <Fragment key={at}>
                      {at > 0 && " | "}
                      <span data-export>
                        {step === null ? (
                          text
                        ) : (
                          <a href={`#${id(step)}`} tabIndex={-1}>
                            {text}
                          </a>
                        )}
                      </span>
                    </Fragment>
                  ))}
                </td>
                {commented && (
                  <td class={`comment ${row.mark}`} data-value={row.comment} data-export>
                    {row.comment}
                  </td>
                )}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </ViewFrame>
  );
}

/** The operands of a line as one text. */
function written(row: Line): string {
  return row.parts.map(({ text }) => text).join(" | ");
}

/** Arrows, Home and End go from link to link; the program is one Tab stop. */
function walk(event: KeyboardEvent & { currentTarget: HTMLElement }) {
  if (!/^(Arrow(Up|Down)|Home|End)$/.test(event.key)) return;
  const links = [...event.currentTarget.querySelectorAll<HTMLAnchorElement>("a[href]")];
  const at = links.indexOf(document.activeElement as HTMLAnchorElement);
  const next = at < 0 ? links[0] : links[stepped(at, event.key, links.length)];
  if (!next) return;
  event.preventDefault();
  next.focus();
}
