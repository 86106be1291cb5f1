/** Requests to the server: one URL, one key, and the reason when there is no answer. */
import { signal } from "@preact/signals";
import { away, key, settled } from "./key";
import { type Questions, SCHEMA } from "./requests";

/** Why a request failed, as stated by the server or detected by the page. */
export interface Failure {
  kind: string;
  message: string;
  status: number;
}

export class Failed extends Error {
  constructor(readonly failure: Failure) {
    super(failure.message);
  }
}

/** Milliseconds between attempts to reach an unavailable server. */
const KNOCK = 1500;

/** The number of reconnections: requests that failed meanwhile are sent again. */
export const returned = signal(0);

/** Why the server no longer serves this page's model; null while it does. */
export const replaced = signal<string | null>(null);

/** A question's name and its fields, then what else a function takes. */
export type Named<Fields extends null | never, More extends unknown[]> = { [Name in keyof Questions]: [name: Name, fields: Questions[Name] | Fields, ...more: More] }[keyof Questions];

/** Ask; throws Failed, or the abort. */
export async function ask(...[name, fields, stop]: Named<never, [stop?: AbortSignal]>): Promise<Response> {
  const response = await sent(name, fields, stop);
  if (response.ok) return response;
  const body = (await response.json().catch(() => ({}))) as { error?: { kind: string; message: string } };
  const { kind = "fault", message = `the server answered ${response.status}` } = body.error ?? {};
  if (response.status === 401) leave("key");
  if (response.status === 409) replaced.value = message;
  throw new Failed({ kind, message, status: response.status });
}

/** The number of this page's model; the server refuses requests about another. */
let model: number | null = null;

/** Use this model in all further requests. */
export function askOf(number: number): void {
  model = number;
}

/** Requests about the server, independent of its model. */
const ANY = new Set(["model", "models"]);

function headers(name: string): Record<string, string> {
  const own = { "content-type": "application/json", "x-loadstore-key": key.value };
  return model === null || ANY.has(name) ? own : { ...own, "x-loadstore-model": String(model) };
}

async function sent(name: string, fields: object, stop?: AbortSignal): Promise<Response> {
  await settled;
  try {
    return await fetch(`/api/${name}`, { method: "POST", headers: headers(name), body: JSON.stringify({ schema: SCHEMA, ...fields }), signal: stop ?? null });
  } catch (error) {
    if (stop?.aborted) throw error;
    leave("unreachable");
    throw new Failed({ kind: "away", message: "the server does not answer", status: 0 });
  }
}

let knocking = 0;

/** The server is unavailable: show this, and retry until it is back. */
function leave(why: "unreachable" | "key"): void {
  away.value = why;
  if (!knocking) knocking = window.setInterval(() => void knock(), KNOCK);
}

/** Ask whether the server is there. */
export async function knock(): Promise<void> {
  const response = await fetch("/api/model", { method: "POST", headers: headers("model"), body: JSON.stringify({ schema: SCHEMA }) }).catch(() => null);
  if (!away.value) return;
  if (!response || !response.ok) {
    away.value = response?.status === 401 ? "key" : "unreachable";
    return;
  }
  window.clearInterval(knocking);
  knocking = 0;
  away.value = null;
  returned.value += 1;
}

key.subscribe(() => away.value && void knock());
