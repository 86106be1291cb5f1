/** The server's answers about tasks and circuits. */
import type { Cut, Figure, Picture } from "../../model";

export interface Task {
  name: string;
  about: string;
  /** Whether its prompts are texts, which need a tokenizer. */
  text: boolean;
  /** The estimated time to find its circuit. */
  seconds: number;
}

export interface Tasks {
  tasks: Task[];
  size: string;
  pairs: number;
  /** The names of the circuits that the server has. */
  kept: string[];
}

/** Wires of one group of writers in a load. */
export interface Part {
  /** The id of its group; that of the load where it is the only one. */
  id: number;
  name: string;
  share: number;
  /** Indices of the circuit's wires. */
  wires: number[];
  /** The wires as text, if the load has few. */
  each: { name: string; share: number }[];
}

export interface Load {
  id: number;
  name: string;
  /** The layers of its readers. */
  depth: string;
  share: number;
  parts: Part[];
}

export interface Measured {
  faithfulness: number;
  low: number;
  high: number;
  pairs: number;
}

export interface Found {
  circuit: string;
  task: string;
  title: string;
  size: string;
  generated: number;
  wires: number;
  /** On all pairs to judge. */
  judged: Measured & { error: number; necessity: number };
  /** On the pairs run after each change. */
  whole: Measured;
  /** Which of the pairs to judge these are. */
  places: number[];
  pairs: { clean: string; counterfactual: string }[];
  loads: Load[];
  curve: Figure;
  pair: number;
  picture: Picture;
}

export interface Switched extends Measured {
  circuit: string;
  pair: number;
  on: number;
  change: number;
  cut: Cut | null;
}

/** The picture at one pair. */
export interface Drawn {
  pair: number;
  picture: Picture;
}
