/** All screens, in the order of their tabs. */
import { screen as address } from "./address/screen";
import { screen as circuit } from "./circuit/screen";
import { screen as heads } from "./heads/screen";
import { screen as listing } from "./listing/screen";
import { screen as memory } from "./memory/screen";
import type { ModelFacts, Screen } from "./screen";
import { screen as training } from "./training/screen";
import { screen as walk } from "./walk/screen";
import { screen as wires } from "./wires/screen";

const ALL: Screen[] = [walk, heads, memory, address, wires, listing, circuit];

/** The screens of a model; one that was opened as a training run has one more. */
export function screensOf(model: ModelFacts): Screen[] {
  return model.training ? [...ALL, training] : ALL;
}
