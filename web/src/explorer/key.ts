/** The key of this run of the server: taken from the address, kept with the tab, and shared with other tabs of this page. */
import { signal } from "@preact/signals";

const NAME = "loadstore-key";
/** Milliseconds in which another tab may answer. */
const ANSWER = 150;

/** Why the server cannot be asked now; null while it can. */
export const away = signal<"unreachable" | "key" | null>(null);

/** The key, or nothing. The browser keeps it with this tab and forgets it when the tab is closed. */
export const key = signal(sessionStorage.getItem(NAME) ?? "");
key.subscribe((now) => now && sessionStorage.setItem(NAME, now));

const channel = new BroadcastChannel(NAME);

/** Take the key out of the address, before anything else reads it, so that no link and no history carries it. */
function take(): void {
  const [, taken, rest] = /^#key=([\w-]+)(.*)$/.exec(location.hash) ?? [];
  if (taken === undefined) return;
  history.replaceState(null, "", `${location.pathname}${rest}`);
  key.value = taken;
  channel.postMessage({ key: taken });
}

take();
window.addEventListener("hashchange", take);

/** Another tab asks for the key, or has one. A tab whose own key works keeps it, and only such a tab gives its key. */
channel.addEventListener("message", ({ data }: MessageEvent<{ key: string } | "asked">) => {
  if (data !== "asked") {
    if (!key.value || away.value) key.value = data.key;
  } else if (key.value && !away.value) channel.postMessage({ key: key.value });
});

/** There is a key, or no other tab gives one. */
export const settled = new Promise<void>((done) => {
  if (!key.value) channel.postMessage("asked");
  key.subscribe((now) => now && done());
  window.setTimeout(done, ANSWER);
});
