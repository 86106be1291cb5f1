/** The key of this run of the server: taken from the URL, kept with the tab, shared with other tabs of this page. */
import { signal } from "@preact/signals";

const NAME = "loadstore-key";
/** Milliseconds in which another tab may answer. */
const ANSWER = 150;

/** Why requests are impossible now; null while they are possible. */
export const away = signal<"unreachable" | "key" | null>(null);

/** The key, or null. The browser keeps it with this tab until the tab is closed. */
export const key = signal(sessionStorage.getItem(NAME) ?? "");
key.subscribe((now) => now && sessionStorage.setItem(NAME, now));

const channel = new BroadcastChannel(NAME);

/** Remove the key from the URL before anything else reads it, so that no link and no history contains it. */
function take(): void {
  const [, taken, rest] = /^#key=([\w-]+)(.*)$/.exec(location.hash) ?? [];
  if (taken === undefined) return;
  history.replaceState(null, "", `${location.pathname}${rest}`);
  key.value = taken;
  channel.postMessage({ key: taken });
}

take();
window.addEventListener("hashchange", take);

/** Another tab asks for the key, or has one. Only a tab with a working key keeps and shares it. */
channel.addEventListener("message", ({ data }: MessageEvent<{ key: string } | "asked">) => {
  if (data !== "asked") {
    if (!key.value || away.value) key.value = data.key;
  } else if (key.value && !away.value) channel.postMessage({ key: key.value });
});

/** Resolves once there is a key, or no other tab provides one. */
export const settled = new Promise<void>((done) => {
  if (!key.value) channel.postMessage("asked");
  key.subscribe((now) => now && done());
  window.setTimeout(done, ANSWER);
});
