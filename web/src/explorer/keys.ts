/** Single letters that go somewhere, which can be turned off: some people's tools type letters for them. */
import { signal } from "@preact/signals";

const KEEP = "loadstore-letters";

/** Whether letters go anywhere. */
export const letters = signal(localStorage.getItem(KEEP) !== "off");

/** Turn letters on or off, for good. */
export function setLetters(on: boolean): void {
  letters.value = on;
  localStorage.setItem(KEEP, on ? "on" : "off");
}

/** The letter of a key press that is nobody else's: no modifier, not in a field, not while a dialog is open. */
export function letterOf(event: KeyboardEvent): string | null {
  const target = event.target as HTMLElement | null;
  const typing = target?.closest?.("input, textarea, select, [contenteditable], dialog");
  if (event.ctrlKey || event.altKey || event.metaKey || event.defaultPrevented || typing || event.key.length !== 1) return null;
  return letters.value ? event.key.toLowerCase() : null;
}
