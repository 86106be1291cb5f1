/** The target of a pinned cell, if the page has one; in a report a pin only compares. */
import { untracked, useSignalEffect } from "@preact/signals";
import { createContext } from "preact";
import { useContext } from "preact/hooks";
import type { Cursor } from "./cursor";

/** Called with the labels of the cell's row and column, and its panel's title. */
export type Choose = (row: string, column: string, panel: string) => void;

export const Chosen = createContext<Choose | null>(null);

/** Notify the page, if it listens, when a cell is pinned; `name` identifies it, null if it has no target. */
export function useChosen<P>({ pinned }: Cursor<P>, name: (point: P) => Parameters<Choose> | null): void {
  const choose = useContext(Chosen);
  useSignalEffect(() => {
    const point = pinned.value;
    const labels = choose && point ? name(point) : null;
    if (labels) untracked(() => choose?.(...labels));
  });
}
