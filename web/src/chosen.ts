/** What a pinned cell leads to, where the page knows of something; in a report a pin only compares. */
import { untracked, useSignalEffect } from "@preact/signals";
import { createContext } from "preact";
import { useContext } from "preact/hooks";
import type { Cursor } from "./cursor";

/** Called with the labels of the cell's row and column, and its panel's title. */
export type Choose = (row: string, column: string, panel: string) => void;

export const Chosen = createContext<Choose | null>(null);

/** Tell the page, if it wants to know, whenever a cell is pinned; `name` says which, null for one that leads nowhere. */
export function useChosen<P>({ pinned }: Cursor<P>, name: (point: P) => Parameters<Choose> | null): void {
  const choose = useContext(Chosen);
  useSignalEffect(() => {
    const point = pinned.value;
    const labels = choose && point ? name(point) : null;
    if (labels) untracked(() => choose?.(...labels));
  });
}
