/** Heads by role, as the server measures them: by the same rule as reports and programs. */
import { createContext } from "preact";
import { useContext } from "preact/hooks";
import type { Work } from "./ask";
import { stepsSaid } from "./left";

export interface Roles {
  /** Every head in the group of its strongest role, strongest first. */
  groups: { role: string; title: string; meaning: string; heads: string[] }[];
  /** All roles of each head that has one. */
  badges: Record<string, string[]>;
  /** The rule in a sentence. */
  rule: string;
}

/** The roles, and the progress of their measurement. */
export const Measured = createContext<Pick<Work<Roles>, "data" | "progress" | "seconds"> | null>(null);

/** The roles of the page's model; null until they are measured. */
export function useRoles(): Roles | null {
  return useContext(Measured)?.data ?? null;
}

/** The progress of the measurement, and the remaining time. */
export function useMeasuring(): string {
  const work = useContext(Measured);
  if (!work?.progress) return "Roles are being measured on random repeats \u2026";
  return `Roles are being measured on random repeats: ${stepsSaid(work.seconds, work.progress)} \u2026`;
}

/** A head and its roles. */
export function titleOf(head: string, roles: Roles | null): string {
  return [head, ...(roles?.badges[head] ?? [])].join(", ");
}
