// What the cardinality page is asked for, and what the server's own metrics say about limits and refusals.

import type { Share } from "../../api/prom";
import { labelName, quoted } from "./selector";

export const TOPS = [10, 20, 50, 100] as const;

export interface CardinalitySearch {
  top?: (typeof TOPS)[number] | undefined;
  /** Only series of this selector. */
  match?: string | undefined;
  /** The values of this label. */
  label?: string | undefined;
}

const text = (value: unknown) => (typeof value === "string" && value.trim() !== "" ? value.slice(0, 4_000) : undefined);

export function readCardinality(search: Record<string, unknown>): CardinalitySearch {
  return { top: TOPS.find((top) => top === search.top), match: text(search.match), label: text(search.label) };
}

/** `match` with one matcher more. */
export function narrowed(match: string | undefined, name: string, value: string): string {
  const matcher = `${name === "__name__" ? "__name__" : labelName(name)}=${quoted(value)}`;
  if (match === undefined) return `{${matcher}}`;
  const braces = /^(.*?)\{(.*)\}\s*$/s.exec(match);
  if (!braces) return `${match}{${matcher}}`;
  const inner = (braces[2] ?? "").trim().replace(/,$/, "");
  return `${braces[1] ?? ""}{${inner === "" ? "" : `${inner}, `}${matcher}}`;
}

/** `name=value` of the server, apart. */
export function pairOf(name: string): { label: string; value: string } {
  const at = name.indexOf("=");
  return at < 0 ? { label: name, value: "" } : { label: name.slice(0, at), value: name.slice(at + 1) };
}

export interface OwnMetric {
  name: string;
  labels: Record<string, string>;
  value: number;
}

/** The lines of an exposition that are Evenkeel's own. */
export function ownMetrics(exposition: string): OwnMetric[] {
  const found: OwnMetric[] = [];
  for (const line of exposition.split("\n")) {
    const parsed = /^(evenkeel_[a-zA-Z0-9_:]*)(?:\{(.*)\})?\s+(\S+)/.exec(line);
    if (!parsed) continue;
    const labels = Object.fromEntries([...(parsed[2] ?? "").matchAll(/([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"/g)].map(([, name, value]) => [name ?? "", (value ?? "").replaceAll(/\\(["\\n])/g, (_, char: string) => (char === "n" ? "\n" : char))]));
    found.push({ name: parsed[1] ?? "", labels, value: Number(parsed[3]) });
  }
  return found;
}

export interface Refusal {
  what: string;
  reason: string;
  /** The label that exploded, where the server names it. */
  label: string | undefined;
  service: string | undefined;
  total: number;
}

/** Samples and series that were refused. */
export function refusals(own: OwnMetric[]): Refusal[] {
  // What the store refuses is counted at the door once more, without its service and label.
  const inStore = new Set(own.filter(({ name }) => /^evenkeel_metrics_.*refused/.test(name)).map(({ labels }) => labels.reason));
  return own
    .filter(({ name, labels }) => !(/^evenkeel_ingest_/.test(name) && inStore.has(labels.reason)) && !(/^evenkeel_scrape_/.test(name) && inStore.size > 0))
    .filter(({ name, labels, value }) => /refused|rejected|dropped/.test(name) && value > 0 && !/^evenkeel_http_/.test(name) && (labels.signal === undefined || labels.signal === "samples"))
    .map(({ name, labels, value }) => ({
      what: /series/.test(name) ? "series" : "samples",
      reason: labels.reason ?? labels.why ?? name,
      // Those that are not told apart have many labels.
      label: (labels.label === "other" && labels.service === "other" ? undefined : labels.label) || labels.offending_label || undefined,
      service: labels.service || undefined,
      total: value,
    }))
    .sort((a, b) => b.total - a.total);
}

export interface Limit {
  name: string;
  used: number | undefined;
  limit: number;
}

const LIMIT = /_(?:limit|max)$/;

/**
 * How near the limits on series are: by the settings in force, and by gauges of the server that stand beside one named
 * like them, `evenkeel_tsdb_series` beside `evenkeel_tsdb_series_limit`.
 */
export function limits(own: OwnMetric[], flags: Record<string, string> | null | undefined, series: number | undefined, largestService: number | undefined): Limit[] {
  const settings: [string, number | undefined][] = [
    ["limits.max_active_series", series],
    ["limits.max_active_series_per_service", largestService],
  ];
  const configured = settings.flatMap(([name, used]): Limit[] => (Number(flags?.[name]) > 0 ? [{ name, used, limit: Number(flags?.[name]) }] : []));
  const told = own
    .filter(({ name, value }) => LIMIT.test(name) && /series|label/.test(name) && value > 0)
    .map(({ name, labels, value }): Limit => {
      const base = name.replace(LIMIT, "");
      const key = JSON.stringify(labels);
      const used = own.find((one) => (one.name === base || one.name === `${base}_active`) && JSON.stringify(one.labels) === key)?.value;
      const of = Object.values(labels).filter(Boolean).join(", ");
      return { name: `${base.replace(/^evenkeel_/, "").replaceAll("_", " ")}${of ? ` of ${of}` : ""}`, used, limit: value };
    });
  return [...configured, ...told];
}

/** The series of the service that has most, as far as the top lists tell. */
export function largestService(pairs: Share[] | undefined): number | undefined {
  const found = (pairs ?? []).filter(({ name }) => name.startsWith("service_name=")).map(({ value }) => value);
  return found.length > 0 ? Math.max(...found) : undefined;
}
