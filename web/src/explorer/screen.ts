/** The interface between the shell and its screens. */
import type { VNode } from "preact";
import type { Asked } from "./ask";
import type { WiresRequest } from "./requests";

export type ScreenId = "heads" | "memory" | "address" | "wires" | "listing" | "circuit" | "walk" | "training";

/** The parameters of the address: `#/address?run=ab12&head=L1.H4` is {run, head}. */
export type Params = Record<string, string>;
export type Change = Record<string, string | number | null>;

/** A measure that all wires can be coloured by. */
export type Measure = WiresRequest["measure"];

export interface ModelFacts {
  name: string;
  /** The number of models that the server showed before. */
  number: number;
  facts: [string, string][];
  layers: number;
  heads_per_layer: number;
  heads: string[];
  writers: string[];
  /** The number of wires of the architecture. */
  wires: number;
  roles: string[];
  /** The measures that can colour all wires, and the question that each answers. */
  measures: { name: Measure; label: string }[];
  context: number;
  bos: string;
  /** Whether it takes text, and if not, why. */
  text: boolean;
  /** Whether it was opened as a training run. */
  training: boolean;
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
  /** For every head in depth order, its attention on each role's keys, on this prompt. */
  strength: number[][];
  /** Heads that attend mostly to tokens after earlier occurrences, on this prompt. */
  inducing: string[];
  /** Tokens that occurred earlier too. */
  repeats: number[];
  next: Prediction[];
  /** What the learned sinks of heads take of rows of attention, in a model that has any. */
  sinks?: string;
  /** The question of the command line, with the prompt that the page begins with. */
  asked?: Record<string, number>;
}

/** One of the two tokens of a question; its rank is 0 if it is the likeliest. */
export interface Target {
  id: number;
  text: string;
  probability: number;
  rank: number;
}

/** Why `predict` comes after the token `at` rather than `against`. */
export interface Question {
  at: number;
  predict: Target;
  against: Target;
  /** Of their logits. */
  difference: number;
  /** The head that adds most to it. */
  head: string;
  next: Prediction[];
}

/** A change to the question of the last token, with no other token selected. */
export const clear: Change = { at: null, predict: null, against: null, token: null };

export interface ScreenProps {
  model: ModelFacts;
  run: Run;
  place: Params;
  /** The token after which the question asks. */
  at: number;
  question: Asked<Question>;
  /** Merge a change into the parameters (null removes one) and go there. */
  go: (change: Change, screen?: ScreenId) => void;
  /** The same as the URL of a link. */
  link: (change: Change, screen?: ScreenId) => string;
}

export interface Screen {
  id: ScreenId;
  title: string;
  /** Its letter shortcut. */
  key: string;
  Body: (props: ScreenProps) => VNode | null;
  /** The lines of Python that compute the current view. */
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

/** The token that a parameter names, or `usual` if it names none of this run. */
export function tokenAt(run: Run, value: string | undefined, usual: number): number {
  const at = Number(value);
  return value !== undefined && Number.isInteger(at) && at >= 0 && at < run.labels.length ? at : usual;
}

/** The current token: the one navigated to, or the question's. */
export function tokenOf({ run, place, at }: ScreenProps): number {
  return tokenAt(run, place.token, at);
}

/** The question as Python's arguments: its token, and the two predictions once they are known. */
export function asPython({ at, question }: ScreenProps): string {
  const { data, waiting } = question;
  return data && !waiting && data.at === at ? `${at}, predict=${data.predict.id}, against=${data.against.id}` : String(at);
}
