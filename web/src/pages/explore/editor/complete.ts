// Completion from what the server has: metrics with type and help, labels, values, and functions with their documentation.

import type { Completion, CompletionContext, CompletionResult } from "@codemirror/autocomplete";
import type { Language } from "@codemirror/language";
import type { Extension } from "@codemirror/state";
import type { PrometheusClient } from "@prometheus-io/codemirror-promql";
// Its front door brings an HTTP client and a cache along, of which we have our own.
import { HybridComplete } from "@prometheus-io/codemirror-promql/dist/esm/complete/hybrid";
import { EqlSingle } from "@prometheus-io/lezer-promql";
import type { EditorView } from "@codemirror/view";
import type { QueryClient } from "@tanstack/react-query";
import { functionsQuery, labelNamesQuery, labelValuesQuery, metadataQuery, metricNamesQuery, prom, type FunctionDoc, type LabelSet } from "../../../api/prom";
import { quoted } from "../selector";

/** So many names go into one list; more are narrowed by what was typed. */
const OPTIONS_MAX = 2_000;
const METADATA_MAX = 200_000;
const SERIES_MAX = 500;

interface MatcherLike {
  name: string;
  value: string;
  /** A node of the grammar. */
  type: number;
}

/** The selector that a metric and some matchers make; only equalities narrow it. */
function matchOf(metric: string | undefined, matchers: MatcherLike[] = [], without?: string): string | undefined {
  const pairs = matchers.filter(({ name, value, type }) => name !== without && value !== "" && type === EqlSingle).map(({ name, value }) => `${quoted(name)}=${quoted(value)}`);
  const all = metric ? [`__name__=${quoted(metric)}`, ...pairs] : pairs;
  return all.length > 0 ? `{${all.join(",")}}` : undefined;
}

/** Reads through the cache of the page, so that the browser beside it and the editor ask once. A failure completes nothing. */
function clientOf(queries: QueryClient): PrometheusClient {
  const orEmpty = <T>(reading: Promise<T>, empty: T): Promise<T> => reading.catch(() => empty);
  return {
    labelNames: (metric) => orEmpty(queries.fetchQuery(labelNamesQuery(matchOf(metric))), []),
    labelValues: (label, metric, matchers) => orEmpty(queries.fetchQuery(labelValuesQuery(label, matchOf(metric, matchers as MatcherLike[] | undefined, label))), []),
    metricMetadata: async () => (await orEmpty(queries.fetchQuery(metadataQuery), null)) ?? {},
    series: async (metric, matchers) => {
      const match = matchOf(metric, matchers as MatcherLike[] | undefined);
      if (match === undefined) return [];
      const found = await orEmpty(prom<LabelSet[]>("series", { "match[]": match, limit: SERIES_MAX }), undefined);
      return (found?.data ?? []).map((labels) => new Map(Object.entries(labels)));
    },
    metricNames: async (prefix) => {
      const names = await orEmpty(queries.fetchQuery(metricNamesQuery), []);
      return names.length > OPTIONS_MAX ? narrowed(names, prefix ?? "") : names;
    },
    flags: () => Promise.resolve({}),
  };
}

/** The names that hold what was typed, those that begin with it first. */
export function narrowed(names: string[], typed: string): string[] {
  const text = typed.toLowerCase();
  const first: string[] = [];
  const rest: string[] = [];
  for (const name of names) {
    const at = name.toLowerCase().indexOf(text);
    if (at === 0) first.push(name);
    else if (at > 0 && rest.length < OPTIONS_MAX) rest.push(name);
    if (first.length >= OPTIONS_MAX) break;
  }
  return [...first, ...rest].slice(0, OPTIONS_MAX);
}

/** The name as a node: its signature above what it does. No markup of the server is ever run. */
function docOf(found: FunctionDoc): Completion["info"] {
  return () => {
    const box = document.createElement("div");
    const head = document.createElement("code");
    head.textContent = found.signature || found.name;
    const text = document.createElement("p");
    text.textContent = found.doc;
    box.append(head, text);
    return box;
  };
}

/** The name with its parentheses, the cursor between them; where they are there already, the name alone. */
function call(view: EditorView, { label }: Completion, from: number, to: number): void {
  const opened = view.state.sliceDoc(to, to + 1) === "(";
  view.dispatch({ changes: { from, to, insert: opened ? label : `${label}()` }, selection: { anchor: from + label.length + 1 }, userEvent: "input.complete" });
}

export function completion(queries: QueryClient, language: Language): Extension {
  const strategy = new HybridComplete(clientOf(queries), METADATA_MAX);
  const complete = async (context: CompletionContext): Promise<CompletionResult | null> => {
    // Operators are offered when they are asked for, not after every parenthesis.
    if (!context.explicit && !context.matchBefore(/[\w:.]+$|[{,(["'[=~]\s*$/)) return null;
    const result = await strategy.promQL(context);
    if (result === null) return null;
    const functions = await queries.fetchQuery(functionsQuery).catch(() => []);
    const known = new Map(functions.map((one) => [one.name, one]));
    const listed = new Set(result.options.map((option) => option.label));
    const offersFunctions = result.options.some((option) => option.type === "function");
    const options = result.options.map((option): Completion => {
      if (option.type !== "function") return option;
      const found = known.get(option.label);
      return { ...option, apply: call, ...(found ? { detail: detailOf(found), info: docOf(found) as never } : {}) };
    });
    if (offersFunctions) for (const one of functions) if (!listed.has(one.name)) options.push({ label: one.name, type: "function", detail: detailOf(one), info: docOf(one) as never, apply: call });
    const { validFor, ...rest } = result;
    // A list that was narrowed by what was typed is asked for again when more is.
    return options.length >= OPTIONS_MAX || validFor === undefined ? { ...rest, options } : { ...rest, options, validFor };
  };
  return language.data.of({ autocomplete: complete });
}

function detailOf({ name, signature }: FunctionDoc): string {
  return signature.startsWith(name) ? signature.slice(name.length) : signature;
}
