/** What the shell and its screens know of each other. */
import type { VNode } from "preact";

export type ScreenId = "heads" | "memory" | "address" | "wires" | "listing" | "walk";

/** The parameters of the address: `#/address?run=ab12&head=L1.H4` is {run, head}. */
export type Params = Record<string, string>;
export type Change = Record<string, string | number | null>;

export interface ModelFacts {
  name: string;
  facts: [string, string][];
  layers: number;
  heads_per_layer: number;
  heads: string[];
  writers: string[];
  /** How many wires the architecture has. */
  wires: number;
  roles: string[];
  context: number;
  bos: string;
  /** Whether it takes text; why not, where it does not. */
  text: boolean;
  untokenised: string | null;
  limits: { characters: number; tokens: number; window: number };
}

export interface Prediction {
  id: number;
  text: string;
  logit: number;
  probability: number;
}

export interface Run {
  run: string;
  labels: string[];
  ids: number[];
  prompt: string | null;
  window: number;
  /** Of every head in depth order: roles on this prompt, and its attention on each role of the model. */
  badges: string[][];
  strength: number[][];
  /** Tokens that stood earlier too. */
  repeats: number[];
  next: Prediction[];
}

export interface ScreenProps {
  model: ModelFacts;
  run: Run;
  place: Params;
  /** Merge a change into the parameters (null removes one) and go there. */
  go: (change: Change, screen?: ScreenId) => void;
  /** The same as the address of a link. */
  link: (change: Change, screen?: ScreenId) => string;
}

export interface Screen {
  id: ScreenId;
  title: string;
  /** The letter that goes there. */
  key: string;
  Body: (props: ScreenProps) => VNode | null;
  /** The lines of Python that compute what is seen. */
  python: (props: ScreenProps) => string;
}

/** A text as Python writes it. */
export function quoted(text: string): string {
  return JSON.stringify(text).replace(/[\u0080-\uffff]/g, (character) => (/\p{C}/u.test(character) ? `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}` : character));
}

/** The lines that load the model and run the prompt: the beginning of every screen's Python. */
export function opening({ model, run }: ScreenProps): string {
  const prompt = run.prompt === null ? JSON.stringify(run.ids) : quoted(run.prompt);
  return ["import loadstore as ls", "", `model = ls.load(${quoted(model.name)})`, `trace = ls.run(model, ${prompt}, record=True)`].join("\n");
}

/** The token that a parameter names, or `usual` where it names none of this run. */
export function tokenAt(run: Run, value: string | undefined, usual: number): number {
  const at = Number(value);
  return value !== undefined && Number.isInteger(at) && at >= 0 && at < run.labels.length ? at : usual;
}
