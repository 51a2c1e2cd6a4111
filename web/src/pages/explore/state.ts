// What the address holds of Explore, version 1: the queries and how each is looked at. What is not understood is left out.

import { endsOf, type Window } from "../../shell/scope";

export const VIEWS = ["chart", "table", "distribution", "explain"] as const;
export type View = (typeof VIEWS)[number];
export const UNITS = ["none", "seconds", "bytes", "ratio"] as const;
export type UnitName = (typeof UNITS)[number];
export const GHOSTS = ["before", "week", "deploy"] as const;
export type Ghost = (typeof GHOSTS)[number];
export const REFRESHES = [5, 15, 60] as const;

export interface Pane {
  /** The expression that was run. */
  x: string;
  /** Not run and not drawn. */
  off?: true;
  view?: Exclude<View, "chart">;
  /** Seconds between points; absent when Evenkeel chooses. */
  step?: number;
  stack?: true;
  log?: true;
  unit?: UnitName;
  /** Short keys of the series that are not drawn. */
  hide?: string[];
  /** The short key of the only series that is drawn. */
  only?: string;
  /** How many series are drawn at most. */
  most?: number;
  /** The column of the table by which it is sorted; descending with a minus before it. */
  sort?: string;
}

export interface ExploreSearch {
  v?: 1 | undefined;
  panes?: Pane[] | undefined;
  /** Compare with the same time a week before, or with the time before a deploy; `compare` of the scope is the period before. */
  ghost?: "week" | "deploy" | undefined;
  /** The deploy before which is meant; the newest in the time shown when absent. */
  since?: string | undefined;
  /** Draw exemplars. */
  ex?: boolean | undefined;
  /** Run again after so many seconds. */
  every?: (typeof REFRESHES)[number] | undefined;
  /** The browser beside the queries; absent: as the screen has room. */
  browse?: "open" | "closed" | undefined;
  /** The metric whose labels are looked at. */
  metric?: string | undefined;
}

export const PANES_MAX = 8;
const EXPRESSION_CHARS_MAX = 20_000;
const HIDDEN_MAX = 200;
const SERIES_DRAWN_MAX = 1_000;

export function readSearch(search: Record<string, unknown>): ExploreSearch {
  const panes = Array.isArray(search.panes) ? search.panes.slice(0, PANES_MAX).flatMap(readPane) : undefined;
  return {
    v: panes ? 1 : undefined,
    panes,
    ghost: oneOf(search.ghost, ["week", "deploy"] as const),
    since: typeof search.since === "string" && search.since !== "" ? search.since : undefined,
    ex: search.ex === true ? true : undefined,
    every: oneOf(search.every, REFRESHES),
    browse: oneOf(search.browse, ["open", "closed"] as const),
    metric: typeof search.metric === "string" && search.metric !== "" ? search.metric : undefined,
  };
}

function oneOf<T extends string | number>(value: unknown, allowed: readonly T[]): T | undefined {
  return allowed.includes(value as T) ? (value as T) : undefined;
}

/** A pane of an address; a bare text is an expression. */
function readPane(value: unknown): Pane[] {
  if (typeof value === "string") return [{ x: value.slice(0, EXPRESSION_CHARS_MAX) }];
  if (typeof value !== "object" || value === null) return [];
  const from = value as Record<string, unknown>;
  const pane: Pane = { x: typeof from.x === "string" ? from.x.slice(0, EXPRESSION_CHARS_MAX) : "" };
  if (from.off === true) pane.off = true;
  const view = oneOf(from.view, VIEWS);
  if (view !== undefined && view !== "chart") pane.view = view;
  if (isCount(from.step, 31_536_000)) pane.step = from.step;
  if (from.stack === true) pane.stack = true;
  if (from.log === true) pane.log = true;
  const unit = oneOf(from.unit, UNITS);
  if (unit !== undefined) pane.unit = unit;
  if (Array.isArray(from.hide)) pane.hide = from.hide.filter((key) => typeof key === "string").slice(0, HIDDEN_MAX);
  if (typeof from.only === "string") pane.only = from.only;
  if (isCount(from.most, SERIES_DRAWN_MAX)) pane.most = from.most;
  if (typeof from.sort === "string") pane.sort = from.sort;
  return [pane];
}

function isCount(value: unknown, most: number): value is number {
  return typeof value === "number" && value > 0 && value <= most;
}

export const LETTERS = "ABCDEFGH";

const NICE_STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 14_400, 21_600, 43_200, 86_400];
const POINTS = 360;
/** Prometheus and Evenkeel refuse more points of a series than that. */
export const POINTS_MAX = 11_000;

/** A round step that gives a chart some 200 to 360 points. */
export function autoStep(seconds: number): number {
  return NICE_STEPS.find((step) => seconds / step <= POINTS) ?? Math.ceil(seconds / POINTS / 86_400) * 86_400;
}

export interface Grid {
  /** Unix seconds. */
  start: number;
  end: number;
  step: number;
}

/** The points of a chart: multiples of the step, so that they stay where they are while the window moves. */
export function gridOf(window: Pick<Window, "seconds" | "fixed">, step: number, now: number): Grid {
  const { from, to } = endsOf(window, now);
  const start = Math.floor(from / 1000 / step) * step;
  return { start, end: Math.max(start, Math.floor(to / 1000 / step) * step), step };
}

/** `15s`, `1m30s`, `90`: seconds; undefined when it is none. */
export function readStep(text: string): number | undefined {
  const trimmed = text.trim();
  if (/^\d+(\.\d+)?$/.test(trimmed)) return Number(trimmed) || undefined;
  if (!/^(\d+(ms|[smhdw]))+$/.test(trimmed)) return undefined;
  const size: Record<string, number> = { ms: 0.001, s: 1, m: 60, h: 3_600, d: 86_400, w: 604_800 };
  let seconds = 0;
  for (const [, number, unit] of trimmed.matchAll(/(\d+)(ms|[smhdw])/g)) seconds += Number(number) * (size[unit ?? "s"] ?? 1);
  return seconds || undefined;
}

/** A step as PromQL writes it. */
export function stepText(seconds: number): string {
  for (const [size, unit] of [[86_400, "d"], [3_600, "h"], [60, "m"], [1, "s"]] as const) if (seconds >= size && seconds % size === 0) return `${seconds / size}${unit}`;
  return `${Math.round(seconds * 1000)}ms`;
}

const STORE = "evenkeel.explore";
export type Kept = Pick<ExploreSearch, "panes" | "ghost" | "ex" | "every">;

/** Leaving the page loses no query: what was looked at last in this tab. */
export function keepView(view: Kept): void {
  try {
    sessionStorage.setItem(STORE, JSON.stringify(view));
  } catch {
    // Storage may be forbidden or full; then the page starts empty.
  }
}

export function keptView(): Kept | undefined {
  try {
    const { panes, ghost, ex, every } = readSearch(JSON.parse(sessionStorage.getItem(STORE) ?? "{}") as Record<string, unknown>);
    return panes && panes.some((pane) => pane.x !== "") ? { panes, ghost, ex, every } : undefined;
  } catch {
    return undefined;
  }
}
