/** All screens, in the order of their tabs. */
import { screen as address } from "./address/screen";
import { screen as circuit } from "./circuit/screen";
import { screen as heads } from "./heads/screen";
import { screen as listing } from "./listing/screen";
import { screen as memory } from "./memory/screen";
import type { Screen } from "./screen";
import { screen as walk } from "./walk/screen";
import { screen as wires } from "./wires/screen";

export const screens: Screen[] = [walk, heads, memory, address, wires, listing, circuit];
