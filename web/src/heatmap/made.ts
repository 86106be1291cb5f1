/** Panels that the page makes itself. */
import type { Cell, Panel } from "../model";

/** A panel of values alone. */
export const panelOf = (title: string, values: Cell[][]): Panel => ({ title, values, details: {}, outlined: [] });
