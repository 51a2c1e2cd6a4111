// Answers made ready to be drawn: on one grid of time, ranked, capped, stacked, and with what was before beside them.

import type { LabelSet, MatrixItem, QueryData, Sample } from "../../api/prom";
import { seriesKey, seriesText, shortKey } from "./selector";
import type { Grid } from "./state";

export interface Frame {
  key: string;
  /** As the address names it. */
  short: string;
  labels: LabelSet;
  /** What tells it from the others. */
  name: string;
  /** All of it. */
  fullName: string;
  /** One value for each point of the grid; null where there is none. */
  values: (number | null)[];
  last: number | null;
  min: number | null;
  max: number | null;
  mean: number | null;
  /** Position among all, the largest first: colours follow it. */
  rank: number;
}

export interface Frames {
  at: number[];
  frames: Frame[];
  /** Labels that all of them share. */
  shared: LabelSet;
  /** The labels whose values make the names, when all have the same ones; else names hold both. */
  keys: string[] | undefined;
  /** Values that no axis can show. */
  infinite: number;
}

export function gridTimes({ start, end, step }: Grid): number[] {
  return Array.from({ length: Math.floor((end - start) / step + 1e-6) + 1 }, (_, i) => start + i * step);
}

/** The labels, with their values, that all of the sets have. */
export function sharedLabels(sets: LabelSet[]): LabelSet {
  const first = sets[0];
  if (first === undefined || sets.length < 2) return {};
  return Object.fromEntries(Object.entries(first).filter(([name, value]) => sets.every((labels) => labels[name] === value)));
}

/** The series of an answer. A scalar is one without labels. */
export function seriesOf(data: QueryData): MatrixItem[] {
  if (data.resultType === "matrix") return data.result;
  if (data.resultType === "vector") return data.result.map(({ metric, value, histogram }) => ({ metric, ...(value ? { values: [value] } : {}), ...(histogram ? { histograms: [histogram] } : {}) }));
  return data.resultType === "scalar" ? [{ metric: {}, values: [data.result] }] : [];
}

/** More of them are told apart by their names only. */
const KEYS_MAX = 3;

/** The labels that tell the series apart, when each series has just these. */
function commonKeys(sets: LabelSet[], without: ReadonlySet<string>): string[] | undefined {
  const of = (labels: LabelSet) => Object.keys(labels).filter((name) => !without.has(name)).sort();
  const first = sets[0] && of(sets[0]);
  if (first === undefined || sets.length < 2 || first.length === 0 || first.length > KEYS_MAX) return undefined;
  const text = first.join();
  return sets.every((labels) => of(labels).join() === text) ? first : undefined;
}

export function framesOf(items: MatrixItem[], grid: Grid): Frames {
  const at = gridTimes(grid);
  const floats = items.filter((item) => (item.values?.length ?? 0) > 0);
  const shared = sharedLabels(floats.map((item) => item.metric));
  const without = new Set(Object.keys(shared));
  const keys = commonKeys(floats.map((item) => item.metric), without);
  let infinite = 0;
  const frames = floats.map(({ metric, values }): Frame => {
    const drawn = new Array<number | null>(at.length).fill(null);
    let [min, max, sum, count, last] = [Infinity, -Infinity, 0, 0, null as number | null];
    for (const [time, text] of values ?? []) {
      const value = numberOf(text);
      if (!Number.isFinite(value)) {
        if (!Number.isNaN(value)) infinite += 1;
        continue;
      }
      const index = Math.round((time - grid.start) / grid.step);
      if (index < 0 || index >= at.length) continue;
      drawn[index] = value;
      min = Math.min(min, value);
      max = Math.max(max, value);
      sum += value;
      count += 1;
      last = value;
    }
    const key = seriesKey(metric);
    const name = keys ? keys.map((label) => metric[label] || '""').join(" · ") : seriesText(metric, without);
    const known = count > 0;
    return { key, short: shortKey(key), labels: metric, name, fullName: seriesText(metric), values: drawn, last, min: known ? min : null, max: known ? max : null, mean: known ? sum / count : null, rank: 0 };
  });
  frames.sort((a, b) => (b.max ?? -Infinity) - (a.max ?? -Infinity) || (a.key < b.key ? -1 : 1));
  frames.forEach((frame, rank) => (frame.rank = rank));
  return { at, frames, shared, keys, infinite };
}

/** A value of the API: `NaN`, `+Inf`, `-Inf` or a number. */
export function numberOf(text: string): number {
  if (text === "+Inf" || text === "Inf") return Infinity;
  if (text === "-Inf") return -Infinity;
  return Number(text);
}

/** What was `offset` seconds before, by the key of the series it belongs to, on the grid of now. */
export function ghostsOf(items: MatrixItem[], grid: Grid, offset: number): Map<string, (number | null)[]> {
  const { frames } = framesOf(
    items.map(({ metric, values }) => ({ metric, values: (values ?? []).map(([time, value]): Sample => [time + offset, value]) })),
    grid,
  );
  return new Map(frames.map((frame) => [frame.key, frame.values]));
}

export interface Choice {
  hide: ReadonlySet<string>;
  only: string | undefined;
  most: number;
}

/** Which of them are drawn; the largest when there are too many. */
export function drawn(frames: Frame[], { hide, only, most }: Choice): Frame[] {
  if (only !== undefined) {
    const one = frames.filter((frame) => frame.short === only);
    if (one.length > 0) return one;
  }
  return frames.slice(0, most).filter((frame) => !hide.has(frame.short));
}

/** Each upon those before it; a gap adds nothing, and stays a gap where all have one. */
export function stacked(lines: (number | null)[][]): (number | null)[][] {
  const length = lines[0]?.length ?? 0;
  const sum = new Array<number>(length).fill(0);
  const seen = new Array<boolean>(length).fill(false);
  return lines.map((line) =>
    line.map((value, i) => {
      if (value !== null) {
        sum[i] = (sum[i] ?? 0) + value;
        seen[i] = true;
      }
      return seen[i] ? (sum[i] ?? null) : null;
    }),
  );
}
