/** What a page may ask of the explorer's server. Written by scripts/model_types.py: do not edit. */

/** The key of an address: its index, the most attended one (also for null), or the whole row. */
export type About = number | "most" | "row" | null;

export type Side = "Q" | "K" | "V";

/** A token by its id or its text; null for the likeliest. */
export type Target = number | string | null;

/** The facts of the current model. */
export interface ModelRequest {
}

/** The models that can be opened, with example sentences. */
export interface ModelsRequest {
}

/** Open a listed model, possibly the current one, on one of its sentences. */
export interface OpenRequest {
  model: string;
  example?: number | null;
}

/** Run a text or token ids, or look up a run by name; without any of them, the prompt of the page. */
export interface RunRequest {
  run?: string | null;
  prompt?: string | null;
  ids?: number[] | null;
}

/** All patterns of a run, from the token `first` on. */
export interface PatternsRequest {
  run: string;
  first?: number | null;
}

/** The pattern of one head, from the token `first` on. */
export interface HeadRequest {
  run: string;
  head: string;
  first?: number | null;
}

/** The prediction in question; by default after the last token, and of the two likeliest tokens. */
export interface QuestionRequest {
  run: string;
  at?: number | null;
  predict?: Target;
  against?: Target;
}

/** The same question about another prompt of equal length, a text or token ids. */
export interface CompareRequest {
  run: string;
  at?: number | null;
  predict?: Target;
  against?: Target;
  prompt?: string | null;
  ids?: number[] | null;
}

/** Search for a typed address. */
export interface SearchRequest {
  run: string;
  text: string;
}

/** The roles of all heads. */
export interface RolesRequest {
}

/** The channels of one wire; tokens of Q and K under rotary positions at an offset. */
export interface ChannelRequest {
  writer: string;
  reader: string;
  offset?: number | null;
}

/** Where a head loads from at a token, or which writers interact there. */
export interface AddressRequest {
  run: string;
  head: string;
  at: number;
  about?: About;
}

/** Decode a writer's store at a token. */
export interface DecodedRequest {
  run: string;
  writer: string;
  at: number;
}

/** Cut one wire. */
export interface CutEdit {
  kind: "cut";
  writer: string;
  reader: string;
}

/** Ablate one writer. */
export interface AblateEdit {
  kind: "ablate";
  writer: string;
}

/** Edits, and the prediction to compare. */
export interface ControlsRequest {
  run: string;
  at: number;
  /** The token whose next token is predicted; `at` by default. */
  after?: number | null;
  predict?: Target;
  edits: (CutEdit | AblateEdit)[];
  /** The replacement of a store; the mean by default. */
  by?: "mean" | "zero" | null;
}

/** The same, with the head whose row is shown. */
export interface EffectRequest {
  run: string;
  at: number;
  after?: number | null;
  predict?: Target;
  edits: (CutEdit | AblateEdit)[];
  by?: "mean" | "zero" | null;
  head?: string | null;
}

/** The program of a prediction, with its wires cut, the number of controls and the number of other prompts. */
export interface VerifyRequest {
  run: string;
  at?: number | null;
  predict?: Target;
  against?: Target;
  controls?: number | null;
  replicates?: number | null;
}

/** The stores at every token from `first` on, by size or by load. */
export interface MemoryRequest {
  run: string;
  first?: number | null;
  measure?: "stored" | "loaded" | null;
}

/** One store, and the loads that use it. */
export interface StoreRequest {
  run: string;
  writer: string;
  at: number;
  by?: "share" | "traffic" | null;
  predict?: Target;
}

/** The region of one writer on text, with its overwriters and readers. */
export interface RegionRequest {
  writer: string;
}

/** A wire into one side of a head. */
export interface SideWire {
  writer: string;
  side: Side;
}

/** The numbers of wires into one head, with their nulls. */
export interface NullsRequest {
  head: string;
  wires: SideWire[];
}

/** The guided walk, on a run and at a token if the circuit is active there. */
export interface WalkRequest {
  run?: string | null;
  at?: number | null;
}

/** Every wire of the model. */
export interface WiresRequest {
  measure: "alignment" | "traffic";
}

/** The tasks and the kept circuits. */
export interface TasksRequest {
}

/** The circuit of a task, with a size as in the command line, found on `pairs` pairs. */
export interface FindRequest {
  task: string;
  size?: string | null;
  pairs?: number | null;
}

/** The picture of a kept circuit at one of its pairs. */
export interface PictureRequest {
  circuit: string;
  pair?: number | null;
}

/** The same without the given groups of wires and single wires. */
export interface SwitchRequest {
  circuit: string;
  pair?: number | null;
  off?: number[] | null;
  wires?: number[] | null;
}

/** The training run that the model comes from, as it is now. */
export interface TrainingRequest {
}

/** Every question by its name. */
export interface Questions {
  model: ModelRequest;
  models: ModelsRequest;
  run: RunRequest;
  patterns: PatternsRequest;
  head: HeadRequest;
  question: QuestionRequest;
  compare: CompareRequest;
  search: SearchRequest;
  channel: ChannelRequest;
  address: AddressRequest;
  decoded: DecodedRequest;
  steps: AddressRequest;
  effect: EffectRequest;
  listing: QuestionRequest;
  memory: MemoryRequest;
  store: StoreRequest;
  "circuit/tasks": TasksRequest;
  "circuit/switch": SwitchRequest;
  open: OpenRequest;
  roles: RolesRequest;
  region: RegionRequest;
  controls: ControlsRequest;
  nulls: NullsRequest;
  verify: VerifyRequest;
  walk: WalkRequest;
  training: TrainingRequest;
  wires: WiresRequest;
  "circuit/find": FindRequest;
  "circuit/picture": PictureRequest;
}

/** The version of all questions. */
export const SCHEMA = "loadstore/explorer@1";
