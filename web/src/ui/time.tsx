// Times on a page: the clock ticks once for all of them.

import { useSyncExternalStore } from "react";
import { ago, clock, duration } from "../lib/format";
import { usePrefs } from "../prefs";

let now = Date.now();
const listeners = new Set<() => void>();
setInterval(() => {
  if (document.hidden) return;
  now = Date.now();
  for (const listener of listeners) listener();
}, 1000);

export function useNow(): number {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => now,
  );
}

/** A point in time; its title has it in full, in both zones. */
export function Time({ at, relative = false, seconds = true }: { at: string | null | undefined; relative?: boolean; seconds?: boolean }) {
  const { zone } = usePrefs();
  const current = useNow();
  if (at == null) return <span>–</span>;
  return (
    <time dateTime={at} title={`${at} · ${new Date(at).toLocaleString()}`}>
      {relative ? ago(at, current) : clock(at, zone, current, seconds)}
    </time>
  );
}

/** The time from `from` to `to`, or to now while it lasts. */
export function Elapsed({ from, to }: { from: string; to?: string | null | undefined }) {
  const current = useNow();
  const end = to == null ? current : Date.parse(to);
  return <span>{duration(Math.max(0, Math.floor((end - Date.parse(from)) / 1000)))}</span>;
}
