/** Questions to the server: one address, one key, and what is known when it does not answer. */
import { signal } from "@preact/signals";
import { away, key, settled } from "./key";
import { type Questions, SCHEMA } from "./requests";

/** Why a question has no answer, as the server gives it or as the page finds out. */
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

/** Milliseconds between knocks at a server that is away. */
const KNOCK = 1500;

/** How often the server came back: what failed meanwhile is asked again. */
export const returned = signal(0);

/** Why the server is no longer about this page's model; null while it is. */
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

/** The number of the model that this page knows; the server refuses questions about another. */
let model: number | null = null;

/** From now on ask about this model alone. */
export function askOf(number: number): void {
  model = number;
}

/** Questions about the server, whatever it shows. */
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

/** The server is away: say so, and knock until it is back. */
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
