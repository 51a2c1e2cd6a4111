// Distributions: native histograms, and classic ones by their `le`, as cells of a heat map and as quantiles.

import type { Bucket, LabelSet, MatrixItem, NativeHistogram } from "../../api/prom";
import { numberOf } from "./frames";
import { seriesKey, seriesText } from "./selector";
import type { Grid } from "./state";

export interface Cell {
  left: number;
  right: number;
  count: number;
}

export interface Distribution {
  key: string;
  name: string;
  /** The cells of each point of the grid; null where there is no histogram. */
  cells: (Cell[] | null)[];
  /** Sum of the observations, where it is known. */
  sums: (number | null)[];
}

/** The distributions of an answer: native histograms, or else all series that differ in `le` only. */
export function distributionsOf(items: MatrixItem[], grid: Grid): Distribution[] {
  const native = items.filter((item) => (item.histograms?.length ?? 0) > 0);
  return native.length > 0 ? native.map((item) => fromNative(item, grid)) : fromClassic(items, grid);
}

const points = ({ start, end, step }: Grid) => Math.floor((end - start) / step + 1e-6) + 1;

function fromNative({ metric, histograms = [] }: MatrixItem, grid: Grid): Distribution {
  const cells = new Array<Cell[] | null>(points(grid)).fill(null);
  const sums = new Array<number | null>(cells.length).fill(null);
  for (const [time, histogram] of histograms) {
    const index = Math.round((time - grid.start) / grid.step);
    if (index < 0 || index >= cells.length) continue;
    cells[index] = cellsOf(histogram);
    sums[index] = numberOf(histogram.sum);
  }
  return { key: seriesKey(metric), name: seriesText(metric), cells, sums };
}

export function cellsOf(histogram: NativeHistogram): Cell[] {
  return (histogram.buckets ?? []).map(([, left, right, count]: Bucket) => ({ left: numberOf(left), right: numberOf(right), count: numberOf(count) })).filter((cell) => cell.count > 0);
}

function fromClassic(items: MatrixItem[], grid: Grid): Distribution[] {
  const groups = new Map<string, { labels: LabelSet; buckets: { le: number; item: MatrixItem }[] }>();
  for (const item of items) {
    const { le, ...labels } = item.metric;
    if (le === undefined) continue;
    const key = seriesKey(labels);
    const group = groups.get(key) ?? { labels, buckets: [] };
    group.buckets.push({ le: numberOf(le), item });
    groups.set(key, group);
  }
  return [...groups].filter(([, group]) => group.buckets.length > 1).map(([key, group]) => ofGroup(key, group, grid));
}

function ofGroup(key: string, { labels, buckets }: { labels: LabelSet; buckets: { le: number; item: MatrixItem }[] }, grid: Grid): Distribution {
  buckets.sort((a, b) => a.le - b.le);
  const count = points(grid);
  const columns = buckets.map(({ item }) => {
    const values = new Array<number | null>(count).fill(null);
    for (const [time, text] of item.values ?? []) {
      const index = Math.round((time - grid.start) / grid.step);
      if (index >= 0 && index < count) values[index] = numberOf(text);
    }
    return values;
  });
  const cells = Array.from({ length: count }, (_, i) => {
    if (columns.every((column) => column[i] == null)) return null;
    let below = 0;
    let left = Math.min(0, buckets[0]?.le ?? 0);
    return buckets.flatMap(({ le }, at): Cell[] => {
      const upTo = columns[at]?.[i] ?? below;
      // Buckets of different scrapes may fall; a count below none is none.
      const cell = { left, right: le, count: Math.max(0, upTo - below) };
      below = Math.max(below, upTo);
      left = le;
      return cell.count > 0 ? [cell] : [];
    });
  });
  return { key, name: seriesText(labels), cells, sums: new Array<number | null>(count).fill(null) };
}

export const QUANTILES = [0.5, 0.9, 0.95, 0.99] as const;

/** The value below which a share `q` of the observations lies; linear within a cell, but exponential in one far from zero. */
export function quantile(cells: Cell[], q: number): number | null {
  const total = cells.reduce((sum, cell) => sum + cell.count, 0);
  if (total <= 0) return null;
  let rest = q * total;
  for (const cell of cells) {
    if (rest > cell.count) {
      rest -= cell.count;
      continue;
    }
    const { left, right } = cell;
    if (!Number.isFinite(right)) return left;
    if (!Number.isFinite(left)) return right;
    const share = rest / cell.count;
    return left > 0 && right / left < 4 ? left * (right / left) ** share : left + (right - left) * share;
  }
  return cells.at(-1)?.right ?? null;
}

/** All edges of the cells, in order: the rows of a heat map. */
export function edgesOf(distributions: Distribution[]): number[] {
  const edges = new Set<number>();
  for (const { cells } of distributions) for (const column of cells) for (const { left, right } of column ?? []) edges.add(left).add(right);
  return [...edges].sort((a, b) => a - b);
}

/** Several as one: cells with the same edges are added up. */
export function merged(distributions: Distribution[]): (Cell[] | null)[] {
  const [first] = distributions;
  if (first === undefined) return [];
  if (distributions.length === 1) return first.cells;
  return first.cells.map((_, i) => {
    const sums = new Map<string, Cell>();
    let known = false;
    for (const { cells } of distributions)
      for (const cell of cells[i] ?? []) {
        known = true;
        const key = `${cell.left} ${cell.right}`;
        const old = sums.get(key);
        sums.set(key, old ? { ...old, count: old.count + cell.count } : cell);
      }
    return known ? [...sums.values()].sort((a, b) => a.left - b.left) : null;
  });
}
