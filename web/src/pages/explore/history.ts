// The queries that were run in this browser: the newest first, each once, no more than a hundred.

import { useSyncExternalStore } from "react";

export interface Past {
  x: string;
  /** Unix milliseconds of the last run. */
  at: number;
  runs: number;
  starred?: true;
}

const STORE = "evenkeel.explore.history";
const KEPT_MAX = 100;
const CHARS_MAX = 4_000;
const listeners = new Set<() => void>();
let past = load();

function load(): Past[] {
  try {
    const found: unknown = JSON.parse(localStorage.getItem(STORE) ?? "[]");
    return Array.isArray(found) ? found.filter((one): one is Past => typeof one?.x === "string" && typeof one.at === "number" && typeof one.runs === "number").slice(0, KEPT_MAX) : [];
  } catch {
    // Storage may be forbidden or hold rubbish.
    return [];
  }
}

function set(next: Past[]): void {
  past = next;
  try {
    localStorage.setItem(STORE, JSON.stringify(past));
  } catch {
    // Full or forbidden: it is remembered until the page is left.
  }
  for (const listener of listeners) listener();
}

/** With `x` run once more; of those that are not starred the oldest go. */
export function withRun(all: Past[], x: string, at: number): Past[] {
  const old = all.find((one) => one.x === x);
  const next = [{ ...(old ?? { runs: 0 }), x, at, runs: (old?.runs ?? 0) + 1 }, ...all.filter((one) => one.x !== x)];
  let room = KEPT_MAX - next.filter((one) => one.starred).length;
  return next.filter((one) => one.starred === true || room-- > 0).slice(0, KEPT_MAX);
}

export function remember(x: string): void {
  if (x.trim() !== "" && x.length <= CHARS_MAX) set(withRun(past, x, Date.now()));
}

export function star(x: string): void {
  set(past.map(({ starred, ...one }) => (one.x === x ? (starred ? one : { ...one, starred: true as const }) : { ...one, ...(starred ? { starred } : {}) })));
}

export function forget(x?: string): void {
  set(x === undefined ? past.filter((one) => one.starred) : past.filter((one) => one.x !== x));
}

export function getPast(): Past[] {
  return past;
}

export function usePast(): Past[] {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => past,
  );
}
