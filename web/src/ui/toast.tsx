// A word about what was just done, which goes away by itself.

import { useSyncExternalStore } from "react";
import { css } from "./basics";

const SHOWN_MS = 4_000;
let current = "";
let timer: ReturnType<typeof setTimeout> | undefined;
const listeners = new Set<() => void>();

function set(text: string): void {
  current = text;
  for (const listener of listeners) listener();
}

export function toast(text: string): void {
  clearTimeout(timer);
  set(text);
  timer = setTimeout(() => set(""), SHOWN_MS);
}

export function Toast() {
  const text = useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => current,
  );
  return (
    <div className={css.toast} role="status" aria-live="polite" data-shown={text !== ""}>
      {text}
    </div>
  );
}
