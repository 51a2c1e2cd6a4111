// Prometheus' HTTP API, as its documentation has it, and the few answers that only Evenkeel gives.

import { queryOptions } from "@tanstack/react-query";
import { ApiError, post, rootUrl } from "./client";
import type { PromqlFindings } from "./schema";

/** A GET of more than so many characters goes as a POST: proxies cut long addresses. */
const URL_CHARS_MAX = 4_000;

export type LabelSet = Record<string, string>;
export type Sample = [seconds: number, value: string];
/** Which ends belong to it (0 right, 1 left, 2 none, 3 both), left, right, count. */
export type Bucket = [rule: number, left: string, right: string, count: string];
export interface NativeHistogram {
  count: string;
  sum: string;
  buckets?: Bucket[];
}
export interface VectorItem {
  metric: LabelSet;
  value?: Sample;
  histogram?: [number, NativeHistogram];
}
export interface MatrixItem {
  metric: LabelSet;
  values?: Sample[];
  histograms?: [number, NativeHistogram][];
}
export interface PlanNode {
  text: string;
  /** Offsets into the expression, in bytes of UTF-8. */
  start: number;
  end: number;
  ms: number;
  samples: number;
  series: number;
  children: PlanNode[];
}
export interface QueryStats {
  timings?: Record<string, number>;
  samples?: { totalQueryableSamples?: number; peakSamples?: number };
}
interface Extras {
  stats?: QueryStats;
  explain?: PlanNode;
}
export type QueryData = Extras &
  (
    | { resultType: "vector"; result: VectorItem[] }
    | { resultType: "matrix"; result: MatrixItem[] }
    | { resultType: "scalar" | "string"; result: Sample }
  );

export interface Answer<T> {
  data: T;
  warnings: string[];
  infos: string[];
  bytes: number;
}

export type PromParams = Record<string, string | number | boolean | string[] | undefined>;

/** The address of one read. */
export function promUrl(path: string, params: PromParams = {}): URL {
  const url = new URL(`api/v1/${path}`, rootUrl);
  for (const [key, value] of Object.entries(params))
    for (const one of Array.isArray(value) ? value : [value]) if (one !== undefined && one !== "") url.searchParams.append(key, String(one));
  return url;
}

/** What the server said against a query, with Prometheus' word for the kind. */
export class PromError extends ApiError {
  constructor(
    status: number,
    readonly kind: string,
    text: string,
  ) {
    super({ type: "about:blank", title: kind, status, detail: text });
  }
}

interface Body<T> {
  status?: string;
  data?: T;
  error?: string;
  errorType?: string;
  detail?: string;
  warnings?: string[];
  infos?: string[];
}

export async function prom<T>(path: string, params: PromParams = {}, signal?: AbortSignal): Promise<Answer<T>> {
  const url = promUrl(path, params);
  const init: RequestInit = { credentials: "same-origin", ...(signal ? { signal } : {}) };
  if (url.href.length > URL_CHARS_MAX) {
    Object.assign(init, { method: "POST", body: new URLSearchParams(url.searchParams) });
    url.search = "";
  }
  let response: Response;
  let text: string;
  try {
    response = await fetch(url, init);
    text = await response.text();
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new PromError(0, "unreachable", "The server does not answer.");
  }
  let body: Body<T> | undefined;
  try {
    body = JSON.parse(text) as Body<T>;
  } catch {
    // Not JSON: a proxy's page, or an answer that was cut off.
  }
  if (!response.ok || body?.status !== "success") throw new PromError(response.ok ? 502 : response.status, body?.errorType ?? "unknown", body?.error ?? body?.detail ?? `The server answered ${response.status}.`);
  return { data: body.data as T, warnings: body.warnings ?? [], infos: body.infos ?? [], bytes: text.length };
}

/** Whether the server lacks this part of the API, which is no fault. */
export function isMissing(error: Error | null): boolean {
  return error instanceof ApiError && (error.status === 404 || error.status === 405 || error.status === 501);
}

/** What a server without this part of the API answers: null. */
async function orNull<T>(reading: Promise<Answer<T>>): Promise<T | null> {
  try {
    return (await reading).data;
  } catch (error) {
    if (isMissing(error as Error)) return null;
    throw error;
  }
}

const NAMES_STALE_MS = 60_000;
/** What changes little is read again when the page is opened again, not by the clock. */
const KEPT_MS = 300_000;

export const metricNamesQuery = queryOptions({
  queryKey: ["prom", "names"],
  queryFn: async ({ signal }) => (await prom<string[]>("label/__name__/values", {}, signal)).data,
  staleTime: NAMES_STALE_MS,
});

export const labelNamesQuery = (match?: string) =>
  queryOptions({
    queryKey: ["prom", "labels", match],
    queryFn: async ({ signal }) => (await prom<string[]>("labels", { "match[]": match }, signal)).data,
    staleTime: NAMES_STALE_MS,
  });

export const labelValuesQuery = (label: string, match?: string) =>
  queryOptions({
    queryKey: ["prom", "values", label, match],
    queryFn: async ({ signal }) => (await prom<string[]>(`label/${encodeURIComponent(label)}/values`, { "match[]": match }, signal)).data,
    staleTime: NAMES_STALE_MS,
  });

export const SERIES_MAX = 20_000;
export const seriesQuery = (match: string, window: { from: number; to: number } | undefined) =>
  queryOptions({
    queryKey: ["prom", "series", match, window],
    queryFn: async ({ signal }) => (await prom<LabelSet[]>("series", { "match[]": match, limit: SERIES_MAX, start: window && window.from / 1000, end: window && window.to / 1000 }, signal)).data,
    staleTime: NAMES_STALE_MS,
  });

export interface Metadata {
  type: string;
  help: string;
  unit?: string;
}
export const metadataQuery = queryOptions({
  queryKey: ["prom", "metadata"],
  queryFn: ({ signal }) => orNull(prom<Record<string, Metadata[]>>("metadata", { limit_per_metric: 1 }, signal)),
  staleTime: KEPT_MS,
});

export interface FunctionDoc {
  name: string;
  signature: string;
  doc: string;
}
export const functionsQuery = queryOptions({
  queryKey: ["prom", "functions"],
  queryFn: async ({ signal }): Promise<FunctionDoc[]> => {
    const response = await fetch(new URL("evenkeel/v1/promql/functions", rootUrl), { credentials: "same-origin", signal });
    if (!response.ok) return [];
    const body = (await response.json()) as FunctionDoc[] | { items?: FunctionDoc[]; functions?: FunctionDoc[]; data?: FunctionDoc[] };
    return Array.isArray(body) ? body : (body.items ?? body.functions ?? body.data ?? []);
  },
  staleTime: Infinity,
});

export interface Exemplar {
  labels: LabelSet;
  value: string;
  timestamp: number;
}
export interface SeriesExemplars {
  seriesLabels: LabelSet;
  exemplars: Exemplar[];
}
export const exemplarsQuery = (query: string, start: number, end: number) =>
  queryOptions({
    queryKey: ["prom", "exemplars", query, start, end],
    queryFn: ({ signal }) => orNull(prom<SeriesExemplars[]>("query_exemplars", { query, start, end }, signal)),
    staleTime: KEPT_MS,
    retry: false,
  });

export interface Share {
  name: string;
  value: number;
}
export interface TsdbStatus {
  headStats?: { numSeries: number; numLabelPairs: number; chunkCount: number; minTime: number; maxTime: number };
  seriesCountByMetricName?: Share[];
  labelValueCountByLabelName?: Share[];
  memoryInBytesByLabelName?: Share[];
  seriesCountByLabelValuePair?: Share[];
}
export const tsdbQuery = (limit: number) =>
  queryOptions({
    queryKey: ["prom", "tsdb", limit],
    queryFn: ({ signal }) => orNull(prom<TsdbStatus>("status/tsdb", { limit }, signal)),
    refetchInterval: 30_000,
  });

/** The settings in force, by their names; among them the limits of queries and series. */
export const flagsQuery = queryOptions({
  queryKey: ["prom", "flags"],
  queryFn: ({ signal }) => orNull(prom<Record<string, string>>("status/flags", {}, signal)),
  staleTime: KEPT_MS,
  retry: false,
});

/** An instant query that is read again while the page is looked at. */
export const instantQuery = (query: string, refreshMs: number | false = false) =>
  queryOptions({
    queryKey: ["prom", "instant", query],
    queryFn: async ({ signal }) => {
      const { data } = await prom<QueryData>("query", { query }, signal);
      return data.resultType === "vector" ? data.result : [];
    },
    refetchInterval: refreshMs,
    retry: false,
  });

export async function formatQuery(query: string): Promise<string | null> {
  return orNull(prom<string>("format_query", { query }));
}

/** What is likely wrong in an expression; null when this server cannot say. */
export async function lintQuery(query: string, signal: AbortSignal): Promise<PromqlFindings | null> {
  try {
    return await post<PromqlFindings>("promql/lint", { query }, signal);
  } catch (error) {
    if (error instanceof ApiError) return null;
    throw error;
  }
}
