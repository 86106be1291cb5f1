/** A menu in the header with the installed models and example sentences. */
import { useEffect, useRef, useState } from "preact/hooks";
import { useAsk, useWork } from "./ask";
import type { OpenRequest } from "./requests";
import type { Running } from "./running";
import { Answer, Working } from "./states";

interface Shelf {
  models: { name: string; shown: boolean; examples: string[] }[];
}

/** Reload the page at the walk; the key stays with the tab. */
export function showAnew(): void {
  history.replaceState(null, "", "#/walk");
  location.reload();
}

/** The menu: a sentence is run at once, or after its model is opened. */
export function Models({ running }: { running: Running }) {
  const menu = useRef<HTMLDetailsElement>(null);
  const [open, setOpen] = useState(false);
  const [wanted, setWanted] = useState<OpenRequest | null>(null);
  const shelf = useAsk<Shelf>("models", open ? {} : null);
  const work = useWork<{ name: string }>("open", wanted, true);
  useEffect(() => {
    if (work.data) showAnew();
  }, [work.data]);
  const close = () => {
    if (menu.current) menu.current.open = false;
    menu.current?.querySelector("summary")?.focus();
  };
  const take = (model: Shelf["models"][number], example: number | null) => {
    if (!model.shown) {
      if (wanted?.model === model.name && wanted.example === example) work.start();
      setWanted({ model: model.name, example });
    } else if (example !== null) {
      running.type(model.examples[example] ?? "");
      close();
    }
  };
  return (
    <details class="models" ref={menu} onToggle={(event) => setOpen(event.currentTarget.open)} onKeyDown={(event) => event.key === "Escape" && close()}>
      <summary>Models and examples</summary>
      <div class="shelf">
        <Answer asked={shelf} what="the list of models">
          {({ models }) => (
            <>
              {wanted && <Working work={work} what={`opening ${wanted.model}`}>{() => null}</Working>}
              {models.map((model) => (
                <section key={model.name}>
                  <h2>
                    {model.name}{" "}
                    {model.shown ? (
                      <span>shown now</span>
                    ) : (
                      <button type="button" disabled={work.running} onClick={() => take(model, null)}>
                        Open {model.name}
                      </button>
                    )}
                  </h2>
                  <ul>
                    {model.examples.map((text, index) => (
                      <li key={index}>
                        <button type="button" disabled={work.running} onClick={() => take(model, index)}>
                          {text}
                        </button>
                      </li>
                    ))}
                  </ul>
                </section>
              ))}
            </>
          )}
        </Answer>
      </div>
    </details>
  );
}
