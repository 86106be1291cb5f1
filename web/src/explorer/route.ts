/** The address after the #: which screen, and its parameters. Never the prompt. */
import { signal } from "@preact/signals";
import { show } from "../embed";
import "./key"; // which takes the key out of the address before it is read here
import type { Change, Params, ScreenId } from "./screen";

export interface Route {
  screen: string;
  place: Params;
}

function read(): Route {
  const [path = "", query = ""] = location.hash.replace(/^#\/?/, "").split("?");
  return { screen: path, place: Object.fromEntries(new URLSearchParams(query)) };
}

export const route = signal<Route>(read());
window.addEventListener("hashchange", () => (route.value = read()));

/** The address of a screen with changed parameters. */
export function hashOf({ screen, place }: Route, change: Change, to?: ScreenId): string {
  const kept = new URLSearchParams(place);
  for (const [name, value] of Object.entries(change)) {
    if (value === null) kept.delete(name);
    else kept.set(name, String(value));
  }
  const query = kept.toString();
  return `#/${to ?? screen}${query && `?${query}`}`;
}

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
