// How the present window's error budget came to be what it is.

import type { Budget, SloPoint } from "../api/schema";

export interface Series {
  /** Unix seconds. */
  at: number[];
  value: (number | null)[];
}

/**
 * The budget left at the end of each point, as a share of the present window's budget, reckoned back from what is
 * left now. Over a whole window it begins at 1; what was spent before the window does not count, and is not drawn.
 */
export function budgetLeft(points: SloPoint[], budget: Budget, stepSeconds: number, windowSeconds: number): Series {
  const at: number[] = [];
  const value: (number | null)[] = [];
  const known = budget.left_ratio != null && budget.allowed_events > 0;
  let left = budget.left_ratio ?? 0;
  const end = points.length * stepSeconds;
  for (let i = points.length - 1; i >= 0; i -= 1) {
    const point = points[i]!;
    at.unshift(Date.parse(point.at) / 1000 + stepSeconds);
    const inWindow = end - i * stepSeconds <= windowSeconds;
    value.unshift(known && inWindow && point.total != null ? Math.min(left, 1) : null);
    if (known) left += ((point.total ?? 0) - (point.good ?? 0)) / budget.allowed_events;
  }
  return { at, value };
}

/** Events a second, good and bad; null where nothing is known. */
export function rates(points: SloPoint[], stepSeconds: number): { at: number[]; total: (number | null)[]; bad: (number | null)[]; ratio: (number | null)[] } {
  return {
    at: points.map((point) => Date.parse(point.at) / 1000),
    total: points.map((point) => (point.total == null ? null : point.total / stepSeconds)),
    bad: points.map((point) => (point.total == null || point.good == null ? null : (point.total - point.good) / stepSeconds)),
    ratio: points.map((point) => (!point.total || point.good == null ? null : (point.total - point.good) / point.total)),
  };
}

/** Values of an earlier period laid under a later one: each where it would stand `seconds` later. */
export function laidOver(at: number[], earlier: { at: number[]; values: (number | null)[] }, seconds: number, stepSeconds: number): (number | null)[] {
  const slot = (time: number) => Math.round(time / stepSeconds);
  const known = new Map(earlier.at.map((time, i) => [slot(time + seconds), earlier.values[i]]));
  return at.map((time) => known.get(slot(time)) ?? null);
}
