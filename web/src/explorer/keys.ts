/** Single-letter shortcuts, which can be turned off, because assistive tools may type letters. */
import { signal } from "@preact/signals";

const KEEP = "loadstore-letters";

/** Whether letter shortcuts are on. */
export const letters = signal(localStorage.getItem(KEEP) !== "off");

/** Turn letter shortcuts on or off, permanently. */
export function setLetters(on: boolean): void {
  letters.value = on;
  localStorage.setItem(KEEP, on ? "on" : "off");
}

/** The letter of an otherwise unused key press: no modifier, not in a field, no open dialog. */
export function letterOf(event: KeyboardEvent): string | null {
  const target = event.target as HTMLElement | null;
  const typing = target?.closest?.("input, textarea, select, [contenteditable], dialog");
  if (event.ctrlKey || event.altKey || event.metaKey || event.defaultPrevented || typing || event.key.length !== 1) return null;
  return letters.value ? event.key.toLowerCase() : null;
}
