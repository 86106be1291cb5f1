/** The whole page: the question, the facts, and the sections that answer it. */
import { useEffect, useState } from "preact/hooks";
import { Contents } from "./contents";
import { FigureBlock } from "./figure";
import { fitFrame } from "./embed";
import { Guard, UnknownSchema } from "./guard";
import type { Page, Section, View } from "./model";
import { grouped } from "./format";
import { Hint } from "./readout";
import { splitToken } from "./text";

/** A `loadstore/page@1`, or the message that it is not one. */
export function PageBody({ page }: { page: Page }) {
  if (page.schema !== "loadstore/page@1") return <UnknownSchema what="page" schema={(page as { schema?: unknown }).schema} />;
  if (page.compact) return <Compact page={page} />;
  return (
    <>
      <a class="skip" href={`#${page.sections[0]?.id ?? "loadstore"}`}>
        Skip to the figures
      </a>
      <header class="masthead">
        <h1>{page.title}</h1>
        <p class="lead">{page.lead}</p>
        {page.tokens.length > 0 && <Prompt page={page} />}
        <Facts facts={page.facts} />
      </header>
      <div class="columns">
        <Contents sections={page.sections} />
        <div class="sections">
          <Hint layered={layered(page)} />
          {page.sections.map((section) => (
            <SectionBlock key={section.id} section={section} />
          ))}
        </div>
      </div>
      <footer>
        {page.footer.map((line, index) => (
          <p key={index}>{line}</p>
        ))}
      </footer>
    </>
  );
}

/** The figures alone; an accessible frame gets their height. */
function Compact({ page }: { page: Page }) {
  useEffect(() => {
    document.documentElement.classList.add("compact");
    return fitFrame(document.getElementById("loadstore"));
  }, []);
  return (
    <div class="sections">
      <h1 class="visually-hidden">{page.title}</h1>
      {page.sections.map((section) => (
        <SectionBlock key={section.id} section={section} bare />
      ))}
      <Hint layered={layered(page)} />
    </div>
  );
}

/** Whether a figure draws blocks of layers, which can be opened. */
function layered({ sections }: Page): boolean {
  const opens = (view: View): boolean => view.schema === "loadstore/layers@1" || (view.schema === "loadstore/switch@1" && view.choices.some(({ views }) => views.some(opens)));
  return sections.some(({ figures }) => figures.some(({ views }) => views.some(opens)));
}

/** Tokens are scrolled if they fill more lines than this many tokens would. */
const MANY = 60;

/** The prompt as its tokens, each with its index; the plain text for screen readers. */
function Prompt({ page }: { page: Page }) {
  const long = page.tokens.length > MANY ? { class: "scroll long", tabIndex: 0, role: "region" as const, "aria-label": "Tokens of the prompt" } : {};
  return (
    <section class="prompt" aria-label="Prompt">
      <p class="eyebrow">
        Prompt <span>{page.tokens.length} tokens</span>
      </p>
      <div {...long}>
        <p class="visually-hidden">{page.prompt}</p>
        <ol class="tokens" aria-hidden="true">
          {page.tokens.map((label, position) => {
            const [text, index] = splitToken(label);
            return (
              <li key={position}>
                {text}
                {index && <sub>{index}</sub>}
              </li>
            );
          })}
        </ol>
      </div>
    </section>
  );
}

function Facts({ facts }: { facts: Page["facts"] }) {
  return (
    <dl class="facts">
      {facts.map(([label, value]) => (
        <div key={label}>
          <dt>{label}</dt>
          <dd>{typeof value === "number" ? grouped(value) : value}</dd>
        </div>
      ))}
    </dl>
  );
}

function SectionBlock({ section, bare }: { section: Section; bare?: boolean }) {
  return (
    <section class="section" id={section.id} tabIndex={-1} aria-labelledby={`${section.id}-title`}>
      <h2 id={`${section.id}-title`} class={bare ? "visually-hidden" : undefined}>
        {section.title}
      </h2>
      {!bare && <p class="lead">{section.lead}</p>}
      {section.folded && !bare ? <Folded section={section} /> : <Figures section={section} />}
    </section>
  );
}

function Figures({ section }: { section: Section }) {
  return (
    <>
      {section.figures.map((figure, index) => (
        <Guard key={index} what="figure">
          <FigureBlock figure={figure} />
        </Guard>
      ))}
    </>
  );
}

/** Figures that are drawn when they are opened, by a click or by a link to one of them. */
function Folded({ section }: { section: Section }) {
  const [open, setOpen] = useState(false);
  useEffect(() => {
    const led = () => {
      const to = decodeURIComponent(location.hash.slice(1));
      if (to !== section.id && !section.figures.some(({ id }) => id === to)) return;
      setOpen(true);
      requestAnimationFrame(() => document.getElementById(to)?.scrollIntoView());
    };
    const all = () => setOpen(true);
    led();
    addEventListener("hashchange", led);
    addEventListener("beforeprint", all);
    return () => {
      removeEventListener("hashchange", led);
      removeEventListener("beforeprint", all);
    };
  }, []);
  return (
    <details class="folded" open={open} onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>
        {section.figures.length === 1 ? "1 figure" : `${section.figures.length} figures`}: {section.figures.map(({ title }) => title).join(", ")}
      </summary>
      {open && <Figures section={section} />}
    </details>
  );
}
