/** Whether the page is light or dark now: a signal, so that what is drawn in its colours is drawn again. */
import { signal } from "@preact/signals";
import type { Ground } from "./palette";

/** Paper is light; in forced colours the browser answers for the page that these make. */
const dark = globalThis.matchMedia?.("screen and (prefers-color-scheme: dark)");

/** The ground of the page. */
export const ground = signal<Ground>(dark?.matches ? "dark" : "light");

dark?.addEventListener("change", () => (ground.value = dark.matches ? "dark" : "light"));
