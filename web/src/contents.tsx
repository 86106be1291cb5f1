/** The table of contents, which marks the section in view. */
import { useEffect, useState } from "preact/hooks";
import type { Section } from "./model";

/** Links to every section and its figures. */
export function Contents({ sections }: { sections: Section[] }) {
  const here = useHere(sections);
  return (
    <nav class="contents" aria-label="Contents">
      <ol>
        {sections.map(({ id, title, figures }) => (
          <li key={id}>
            <a href={`#${id}`} aria-current={here === id ? "location" : undefined}>
              {title}
            </a>
            <ol>
              {figures.map((figure) => (
                <li key={figure.id}>
                  <a href={`#${figure.id}`} title={figure.title}>
                    {figure.number}
                    <span class="name"> {figure.title}</span>
                  </a>
                </li>
              ))}
            </ol>
          </li>
        ))}
      </ol>
    </nav>
  );
}

/** Id of the section that fills the middle of the window. */
function useHere(sections: Section[]): string | null {
  const [here, setHere] = useState<string | null>(null);
  useEffect(() => {
    const observer = new IntersectionObserver(
      (entries) => {
        for (const entry of entries) if (entry.isIntersecting) setHere(entry.target.id);
      },
      { rootMargin: "-45% 0px -54% 0px" },
    );
    for (const { id } of sections) {
      const element = document.getElementById(id);
      if (element) observer.observe(element);
    }
    return () => observer.disconnect();
  }, []);
  return here;
}
