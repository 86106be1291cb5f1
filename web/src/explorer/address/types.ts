/** What the server tells of an address. */
import type { Address as Sentence, Cell } from "../../model";
import type { Prediction } from "../screen";

export type SideName = "Q" | "K" | "V";

export interface Side {
  side: SideName;
  /** Why it has no shares; empty where it has. */
  undefined: string;
  place: number;
  writers: { writer: string; share: number; wire: boolean }[];
  others: { count: number; share: number };
  remainder: Cell;
  read: { place: string; rows: { text: string; cosine: number }[] } | null;
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

/** A wire's weight-based numbers with their null. */
export interface Null {
  writer: string;
  side: SideName;
  score: Cell;
  chance: Cell;
  z: Cell;
  p: Cell;
  alignment: Cell;
  ceiling: Cell;
}

interface Token {
  text: string;
  before: { logit: number; probability: number };
  after: { logit: number; probability: number };
}

export interface Effect {
  at: number;
  edits: string[];
  target: { id: number; text: string };
  change: number;
  tokens: Token[];
  sentence: Sentence | null;
}

export interface Controls {
  what: string;
  own: number;
  controls: { edit: string; change: number }[];
  largest: number;
  beyond: boolean;
}

/** What each side is for, in a few words. */
export const MEANING: Record<SideName, string> = { Q: "what it looks for", K: "what it is found by", V: "what it takes" };
