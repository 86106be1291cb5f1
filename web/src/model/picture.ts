/** The picture of a circuit, with the places of all its parts in pixels. */

export interface Picture {
  schema: "loadstore/picture@1";
  title: string;
  width: number;
  height: number;
  tokens: { text: string; at: [number, number]; folded: boolean; used: boolean }[];
  marks: Mark[];
  arcs: Arc[];
  unit: string;
  notes: string[];
  cuts: Cut[];
}

export interface Mark {
  name: string;
  lines: string[];
  role: string;
  kind: "head" | "mlp" | "answer";
  token: string;
  box: [number, number, number, number];
}

export interface Arc {
  source: string;
  target: string;
  port: "Q" | "K" | "V" | "";
  share: number;
  wires: number;
  path: string;
  width: number;
  tip: [number, number, number];
  letter: [number, number];
  positions: boolean;
}

export interface Cut {
  name: string;
  arcs: number[];
  answer: string[];
  kept: number;
  said: string;
}
