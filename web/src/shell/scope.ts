// The scope that the URL holds, for every page.

import { useNavigate, useSearch } from "@tanstack/react-router";
import { useEffect } from "react";
import { rangeSeconds, type Range } from "../lib/range";
import type { ScopeSearch } from "../router";

export const DEFAULT_RANGE: Range = "1h";

export function useScope(): { service: string | undefined; env: string | undefined; range: Range; seconds: number; set: (change: ScopeSearch) => void } {
  const search: ScopeSearch = useSearch({ from: "__root__" });
  const navigate = useNavigate();
  const range = search.range ?? DEFAULT_RANGE;
  return {
    service: search.service,
    env: search.env,
    range,
    seconds: rangeSeconds(range),
    set: (change) => void navigate({ to: ".", search: (old: object) => ({ ...old, ...change }), replace: true }),
  };
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
