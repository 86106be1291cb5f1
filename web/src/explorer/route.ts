/** The way from screen to screen, kept in the address after the #. */
import { signal } from "@preact/signals";
import { show } from "../embed";
import "./key"; // which takes the key out of the address before it is read here
import { parsed, type Route } from "./link";

const read = () => parsed(location.hash);

export const route = signal<Route>(read());
window.addEventListener("hashchange", () => (route.value = read()));

/** Go there; `quietly` without a step in the history. */
export function goTo(hash: string, quietly = false): void {
  if (hash === location.hash) return;
  if (quietly) history.replaceState(null, "", hash);
  else history.pushState(null, "", hash);
  route.value = read();
}

window.addEventListener("popstate", () => (route.value = read()));

/** `#figure-2` is a place on the screen, and `#/address` another screen: only that is written into the address. */
document.addEventListener("click", (event) => {
  const reference = (event.target as Element | null)?.closest?.("a[href^='#']")?.getAttribute("href") ?? "#/";
  if (reference.startsWith("#/")) return;
  event.preventDefault();
  show(reference);
});
