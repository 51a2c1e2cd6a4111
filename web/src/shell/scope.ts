// The scope that the URL holds, for every page.

import { useNavigate, useSearch } from "@tanstack/react-router";
import { useEffect } from "react";
import { rangeSeconds, spanOf, spanSearch, type Range, type Span } from "../lib/range";
import type { ScopeSearch } from "../router";

export const DEFAULT_RANGE: Range = "1h";

/** The time that charts show: one that moves with the clock, or one that stands still. */
export interface Window {
  seconds: number;
  /** Absent while it moves with the clock. */
  fixed: Span | undefined;
  /** Such as `last 1h` or the two ends. */
  label: string;
}

export interface Scope extends Window {
  service: string | undefined;
  env: string | undefined;
  range: Range;
  /** Whether the period before is drawn as well. */
  compare: boolean;
  set: (change: ScopeSearch) => void;
  show: (span: Span) => void;
}

export function useScope(): Scope {
  const search: ScopeSearch = useSearch({ from: "__root__" });
  const navigate = useNavigate();
  const range = search.range ?? DEFAULT_RANGE;
  const fixed = spanOf(search.from, search.to);
  const set = (change: ScopeSearch) => void navigate({ to: ".", search: (old: object) => ({ ...old, ...change }), resetScroll: false });
  return {
    service: search.service,
    env: search.env,
    range,
    compare: search.compare === true,
    fixed,
    seconds: fixed ? (fixed.to - fixed.from) / 1000 : rangeSeconds(range),
    label: fixed ? `${short(fixed.from)} to ${short(fixed.to)} UTC` : `last ${range}`,
    set,
    show: (span) => set(spanSearch(span)),
  };
}

function short(ms: number): string {
  return new Date(ms).toISOString().slice(5, 16).replace("T", " ");
}

/** The two ends of a window as of now. */
export function endsOf({ seconds, fixed }: Pick<Window, "seconds" | "fixed">, now = Date.now()): Span {
  return fixed ?? { from: now - seconds * 1000, to: now };
}

/** Whether something of this service and environment is in scope. */
export function inScope(scope: { service: string | undefined; env: string | undefined }, item: { service: string; environment: string }): boolean {
  return (scope.service === undefined || scope.service === item.service) && (scope.env === undefined || scope.env === item.environment);
}

export function useTitle(title: string): void {
  useEffect(() => {
    document.title = `${title} · Evenkeel`;
  }, [title]);
}
