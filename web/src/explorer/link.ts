/** The page's location as the fragment of its URL: the screen and its parameters, never the prompt. */
import type { Change, Params, ScreenId } from "./screen";

export interface Route {
  screen: string;
  place: Params;
}

/** The screen and parameters of a URL: `#/address?run=ab12&head=L1.H4` is the screen address with {run, head}. */
export function parsed(hash: string): Route {
  const [, path = "", query = ""] = /^#?\/?([^?]*)\??(.*)$/s.exec(hash) ?? [];
  return { screen: path, place: Object.fromEntries(new URLSearchParams(query)) };
}

/** The URL of a screen with changed parameters. */
export function hashOf({ screen, place }: Route, change: Change, to?: ScreenId): string {
  const kept = new URLSearchParams(place);
  for (const [name, value] of Object.entries(change)) {
    if (value === null) kept.delete(name);
    else kept.set(name, String(value));
  }
  const query = kept.toString();
  return `#/${to ?? screen}${query && `?${query}`}`;
}
