/** Whether the page is light or dark: a signal, so that drawings in its colours are redrawn. */
import { signal } from "@preact/signals";
import type { Ground } from "./palette";

/** Paper is light; with forced colours the browser's answer applies. */
const dark = globalThis.matchMedia?.("screen and (prefers-color-scheme: dark)");

/** The background of the page. */
export const ground = signal<Ground>(dark?.matches ? "dark" : "light");

dark?.addEventListener("change", () => (ground.value = dark.matches ? "dark" : "light"));
