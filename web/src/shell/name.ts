// The name under which the user acts: asked for once, before the first action of this browser.

import { useSyncExternalStore } from "react";
import { getPrefs, setPrefs } from "../prefs";

let answered: (() => void) | undefined;
const listeners = new Set<() => void>();

function tell(): void {
  for (const listener of listeners) listener();
}

/** Resolves once the name is known, or was declined. */
export function nameAsked(): Promise<void> {
  if (getPrefs().name !== undefined) return Promise.resolve();
  return new Promise((resolve) => {
    const earlier = answered;
    answered = () => {
      earlier?.();
      resolve();
    };
    tell();
  });
}

/** An empty name is none: facts then carry the name that the server knows. */
export function answerName(name: string): void {
  setPrefs({ name: name.trim() });
  answered?.();
  answered = undefined;
  tell();
}

export function useNameAsked(): boolean {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => answered !== undefined,
  );
}
