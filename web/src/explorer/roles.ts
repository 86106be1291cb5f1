/** Heads by role, as the server measures them: by the same rule as reports and programs. */
import { createContext } from "preact";
import { useContext } from "preact/hooks";

export interface Roles {
  /** Every head in the group of its strongest role, strongest first. */
  groups: { role: string; title: string; meaning: string; heads: string[] }[];
  /** All roles of each head that has one. */
  badges: Record<string, string[]>;
  /** The rule in a sentence. */
  rule: string;
}

/** The roles once they are measured. */
export const Measured = createContext<Roles | null>(null);

/** The roles of the page's model; null until they are measured. */
export function useRoles(): Roles | null {
  return useContext(Measured);
}

/** A head and its roles. */
export function titleOf(head: string, roles: Roles | null): string {
  return [head, ...(roles?.badges[head] ?? [])].join(", ");
}
