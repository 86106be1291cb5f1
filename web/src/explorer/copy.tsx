/** Copies a text and confirms it; if the browser forbids copying, shows the text for copying by hand. */
import { useRef, useState } from "preact/hooks";

/** A button that copies the result of `text`. */
export function Copy({ name, text }: { name: string; text: () => string }) {
  const [said, setSaid] = useState("");
  const byHand = useRef<HTMLDialogElement>(null);
  const [shown, setShown] = useState("");
  const copy = async () => {
    const made = text();
    try {
      await navigator.clipboard.writeText(made);
      setSaid("copied");
      window.setTimeout(() => setSaid(""), 2000);
    } catch {
      setShown(made);
      byHand.current?.showModal();
    }
  };
  return (
    <>
      <button type="button" onClick={() => void copy()}>
        {name}
        <span class="said" role="status">
          {said && ` ${said}`}
        </span>
      </button>
      <dialog ref={byHand} class="by-hand" aria-label={`${name}: text to copy`}>
        <p>The browser does not let this page copy. Select the text and copy it:</p>
        <textarea readOnly rows={6} value={shown} onFocus={(event) => event.currentTarget.select()} aria-label="Text to copy" />
        <form method="dialog">
          <button>Close</button>
        </form>
      </dialog>
    </>
  );
}
