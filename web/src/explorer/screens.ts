/** All screens, in the order of their tabs. */
import { screen as heads } from "./heads/screen";
import { screen as address } from "./address/screen";
import { screen as listing } from "./listing/screen";
import { screen as wires } from "./wires/screen";
import type { Screen } from "./screen";

export const screens: Screen[] = [heads, address, wires, listing];
