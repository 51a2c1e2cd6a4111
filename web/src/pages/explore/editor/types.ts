// What the page and its editor say to each other.

import type { Ref } from "react";
import type { Place } from "../problems";

/** What the server said about a part of the text. */
export interface Remark {
  place: Place;
  message: string;
  severity: "error" | "warning" | "info";
}

export interface EditorHandle {
  focus: () => void;
  /** In place of what is selected. */
  insert: (text: string) => void;
  select: (place: Place) => void;
  complete: () => void;
}

export interface EditorProps {
  value: string;
  onChange: (value: string) => void;
  /** With the text as it stands, which `value` may not have caught up with. */
  onRun: (text: string) => void;
  /** An older (-1) or newer (1) query. */
  onHistory: (step: -1 | 1) => void;
  onFormat: (() => void) | undefined;
  /** They hold for the text as it was run; an edit takes them away. */
  remarks: readonly Remark[];
  /** The piece that is brought out. */
  place: Place | null;
  label: string;
  ref?: Ref<EditorHandle>;
}
