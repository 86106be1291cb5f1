/** A page with its sections and figures. */
import type { View } from "./view";

export interface Page {
  schema: "loadstore/page@1";
  title: string;
  lead: string;
  prompt: string;
  tokens: string[];
  facts: [string, string | number][];
  sections: Section[];
  footer: string[];
  /** Figures only, for a frame in a notebook. */
  compact?: boolean;
}

export interface Section {
  id: string;
  title: string;
  lead: string;
  figures: Figure[];
}

export interface Figure {
  schema: "loadstore/figure@1";
  id: string;
  number: string;
  title: string;
  claim: string;
  note: { kind: "remark" | "reading"; label: string; text: string } | null;
  views: View[];
}
