/** The server's answers about an address. */
import type { Address as Sentence, Cell } from "../../model";
import type { Prediction } from "../screen";

export type SideName = "Q" | "K" | "V";

export interface Side {
  side: SideName;
  /** Why there are no shares; empty if there are. */
  undefined: string;
  place: number;
  writers: { writer: string; share: number; wire: boolean }[];
  others: { count: number; share: number };
  /** Of all shares: 1. */
  total: number;
  /** The recorded number minus the sum of the parts, as a share of it. */
  remainder: Cell;
  read: Read | null;
}

/** A store, and the tokens that it decodes to, nearest first. */
export interface Read {
  place: string;
  rows: { text: string; cosine: number }[];
}

export interface Found {
  head: string;
  at: number;
  soft: string;
  text: string;
  key: number | null;
  most: number;
  first: number;
  sentence: Sentence;
  sides: Side[];
  next: Prediction[];
}

/** A wire's weight-based numbers with their null; those with a name here are in a sentence. */
export interface Null {
  writer: string;
  side: SideName;
  numbers: { score: Cell; chance: Cell; z: Cell; p: Cell; alignment: Cell; ceiling: Cell; [measure: string]: Cell };
}

/** The numbers of all wires into one head. */
export interface Nulls {
  head: string;
  /** The names of these numbers, in the order of a table. */
  measures: string[];
  wires: Null[];
}

interface Token {
  id: number;
  text: string;
  before: { logit: number; probability: number };
  after: { logit: number; probability: number };
}

export interface Effect {
  at: number;
  edits: string[];
  /** The replacement for the removed store. */
  by: string;
  target: { id: number; text: string };
  change: number;
  kl: number;
  tokens: Token[];
  sentence: Sentence | null;
}

export interface Controls {
  what: string;
  own: number;
  controls: { edit: string; change: number }[];
  /** The number of controls that change at least as much. */
  as_large: number;
}

/** What each side is for, in a few words. */
export const MEANING: Record<SideName, string> = { Q: "what it looks for", K: "what it is found by", V: "what it takes" };
