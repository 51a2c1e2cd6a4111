// What this browser remembers of its user: looks and a name, never data.

import { useSyncExternalStore } from "react";
import type { Zone } from "./lib/format";

export interface Prefs {
  theme: "system" | "light" | "dark";
  zone: Zone;
  railCollapsed: boolean;
  /** Single-key shortcuts can be switched off (WCAG 2.1.4). */
  singleKeys: boolean;
  /** Under which the user acts; undefined until asked for, empty when not given. */
  name?: string | undefined;
}

const KEY = "evenkeel.prefs";
const DEFAULTS: Prefs = { theme: "system", zone: "utc", railCollapsed: false, singleKeys: true };
const listeners = new Set<() => void>();
let prefs = load();

function load(): Prefs {
  try {
    return { ...DEFAULTS, ...(JSON.parse(localStorage.getItem(KEY) ?? "{}") as Partial<Prefs>) };
  } catch {
    // Storage may be forbidden or hold rubbish; looks are not worth an error.
    return DEFAULTS;
  }
}

export function applyTheme(): void {
  if (prefs.theme === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = prefs.theme;
}

export function setPrefs(change: Partial<Prefs>): void {
  prefs = { ...prefs, ...change };
  try {
    localStorage.setItem(KEY, JSON.stringify(prefs));
  } catch {
    // See `load`.
  }
  applyTheme();
  for (const listener of listeners) listener();
}

export function getPrefs(): Prefs {
  return prefs;
}

export function usePrefs(): Prefs {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => prefs,
  );
}
