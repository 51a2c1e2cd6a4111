// Selectors as text: what the browser of metrics and labels builds, and names that need quotes.

import type { LabelSet } from "../../api/prom";

const METRIC = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const LABEL = /^[a-zA-Z_][a-zA-Z0-9_]*$/;

/** A string of PromQL. */
export function quoted(text: string): string {
  return `"${text.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n")}"`;
}

/** A name as it stands between braces or in `by (…)`. */
export function labelName(name: string): string {
  return LABEL.test(name) ? name : quoted(name);
}

export interface Chosen {
  metric?: string | undefined;
  /** The chosen values of each label; several are alternatives. */
  values: Record<string, string[]>;
}

const REGEX = /[\\^$.|?*+()[\]{}]/g;

/** The selector of what was chosen; undefined when nothing was. */
export function selectorOf({ metric, values }: Chosen): string | undefined {
  const matchers = Object.entries(values)
    .filter(([, chosen]) => chosen.length > 0)
    .map(([label, chosen]) => (chosen.length === 1 ? `${labelName(label)}=${quoted(chosen[0] ?? "")}` : `${labelName(label)}=~${quoted(chosen.map((value) => value.replaceAll(REGEX, "\\$&")).join("|"))}`));
  if (metric === undefined) return matchers.length > 0 ? `{${matchers.join(", ")}}` : undefined;
  if (METRIC.test(metric)) return matchers.length > 0 ? `${metric}{${matchers.join(", ")}}` : metric;
  return `{${[quoted(metric), ...matchers].join(", ")}}`;
}

/** A series as PromQL writes it; `without` names labels that go without saying. */
export function seriesText(labels: LabelSet, without: ReadonlySet<string> = new Set()): string {
  const { __name__: metric, ...rest } = labels;
  const pairs = Object.entries(rest)
    .filter(([name]) => !without.has(name))
    .map(([name, value]) => `${labelName(name)}=${quoted(value)}`);
  const shown = metric !== undefined && !without.has("__name__") ? metric : "";
  if (shown !== "" && !METRIC.test(shown)) return `{${[quoted(shown), ...pairs].join(", ")}}`;
  return pairs.length > 0 ? `${shown}{${pairs.join(", ")}}` : shown || "{}";
}

/** The same for the same labels, in whatever order they come. */
export function seriesKey(labels: LabelSet): string {
  return Object.entries(labels)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `${name}\u0001${value}`)
    .join("\u0002");
}

/** A short name for a key, which the address holds (FNV-1a, 32 bits). */
export function shortKey(key: string): string {
  let hash = 0x811c9dc5;
  for (let i = 0; i < key.length; i += 1) hash = Math.imul(hash ^ key.charCodeAt(i), 0x01000193);
  return (hash >>> 0).toString(36);
}

export interface Facet {
  label: string;
  values: { value: string; series: number }[];
}

/**
 * The labels of some series with their values, the commonest first. A label's own choice does not narrow its values, so
 * that another one can be added.
 */
export function facets(series: LabelSet[], chosen: Record<string, string[]>): Facet[] {
  const wanted = Object.entries(chosen).filter(([, values]) => values.length > 0);
  const counts = new Map<string, Map<string, number>>();
  for (const labels of series) {
    const missed = wanted.filter(([label, values]) => !values.includes(labels[label] ?? ""));
    if (missed.length > 1) continue;
    const only = missed[0]?.[0];
    for (const [label, value] of Object.entries(labels)) {
      if (label === "__name__" || (only !== undefined && label !== only)) continue;
      let values = counts.get(label);
      if (values === undefined) counts.set(label, (values = new Map()));
      values.set(value, (values.get(value) ?? 0) + 1);
    }
  }
  return [...counts]
    .map(([label, values]) => ({ label, values: [...values].map(([value, count]) => ({ value, series: count })).sort((a, b) => b.series - a.series || (a.value < b.value ? -1 : 1)) }))
    .sort((a, b) => (a.label < b.label ? -1 : 1));
}

/** How many series pass the choice. */
export function passing(series: LabelSet[], chosen: Record<string, string[]>): number {
  const wanted = Object.entries(chosen).filter(([, values]) => values.length > 0);
  return series.filter((labels) => wanted.every(([label, values]) => values.includes(labels[label] ?? ""))).length;
}
