/** Navigation between screens, kept in the fragment of the URL. */
import { signal } from "@preact/signals";
import { show } from "../embed";
import "./key"; // which takes the key out of the address before it is read here
import { parsed, type Route } from "./link";

const read = () => parsed(location.hash);

export const route = signal<Route>(read());
window.addEventListener("hashchange", () => (route.value = read()));

/** Go there; with `quietly`, without an entry in the history. */
export function goTo(hash: string, quietly = false): void {
  if (hash === location.hash) return;
  if (quietly) history.replaceState(null, "", hash);
  else history.pushState(null, "", hash);
  route.value = read();
}

window.addEventListener("popstate", () => (route.value = read()));

/** `#figure-2` is an anchor on the screen, and `#/address` another screen: only the latter changes the URL. */
document.addEventListener("click", (event) => {
  const reference = (event.target as Element | null)?.closest?.("a[href^='#']")?.getAttribute("href") ?? "#/";
  if (reference.startsWith("#/")) return;
  event.preventDefault();
  show(reference);
});
