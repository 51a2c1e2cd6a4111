// The first query over a longer time, above all charts: where the time shown lies in it.

import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { prom, type QueryData } from "../../api/prom";
import { Overview, type Envelope } from "../../chart/Overview";
import { rangeSeconds } from "../../lib/range";
import { endsOf, type Scope } from "../../shell/scope";
import { gridTimes, numberOf, seriesOf } from "./frames";
import { autoStep, gridOf } from "./state";

/** So many times the time shown. */
const LONGER = 4;

/** A zoom lies in the range it was drawn in, as long as that is recent; else in a longer time about it. */
export function outerOf(scope: Pick<Scope, "seconds" | "fixed" | "range">, now: number): { from: number; to: number } {
  const shown = endsOf(scope, now);
  const range = { from: now - rangeSeconds(scope.range) * 1000, to: now };
  if (scope.fixed && shown.from >= range.from && shown.to <= range.to && scope.seconds * 1.2 < rangeSeconds(scope.range)) return range;
  const length = scope.seconds * 1000 * LONGER;
  const to = scope.fixed ? Math.max(shown.to, Math.min(now, shown.to + (length - scope.seconds * 1000) / 2)) : now;
  return { from: Math.min(shown.from, to - length), to };
}

export function OverviewStrip({ expression, scope, now }: { expression: string; scope: Scope; now: number }) {
  const outer = useMemo(() => outerOf(scope, now), [scope.seconds, scope.fixed?.from, scope.fixed?.to, scope.range, now]);
  const grid = useMemo(() => {
    const seconds = (outer.to - outer.from) / 1000;
    return gridOf({ seconds, fixed: outer }, autoStep(seconds * 2), now);
  }, [outer, now]);
  const { data } = useQuery({
    queryKey: ["prom", "overview", expression, grid],
    queryFn: async ({ signal }) => (await prom<QueryData>("query_range", { query: expression, start: grid.start, end: grid.end, step: grid.step }, signal)).data,
    // What goes wrong is said below, where the query stands.
    retry: false,
    staleTime: Infinity,
    placeholderData: (old) => old,
  });
  const envelope = useMemo(() => data && envelopeOf(data, gridTimes(grid), grid.start, grid.step), [data, grid]);
  return <Overview outer={outer} shown={endsOf(scope, now)} envelope={envelope} onChange={scope.show} />;
}

/** The least and the largest of all series at each moment. */
export function envelopeOf(data: QueryData, at: number[], start: number, step: number): Envelope {
  const low = new Array<number | null>(at.length).fill(null);
  const high = new Array<number | null>(at.length).fill(null);
  for (const { values = [], histograms = [] } of seriesOf(data))
    for (const [time, value] of [...values.map(([t, text]) => [t, numberOf(text)] as const), ...histograms.map(([t, one]) => [t, numberOf(one.count)] as const)]) {
      const i = Math.round((time - start) / step);
      if (i < 0 || i >= at.length || !Number.isFinite(value)) continue;
      low[i] = Math.min(low[i] ?? value, value);
      high[i] = Math.max(high[i] ?? value, value);
    }
  return { at, low, high };
}
