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

/** A text that comes from elsewhere: the address, the history, the formatter. Another `id` writes it anew. */
export interface Outside {
  text: string;
  id: number;
}

export interface EditorProps {
  /** The editor's own text, as it last told it; while one types it may lag behind, and is never written back. */
  value: string;
  outside: Outside;
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
