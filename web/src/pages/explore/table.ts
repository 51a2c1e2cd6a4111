// The values of one moment as rows: columns of the labels that differ, sorted, and as text to paste elsewhere.

import type { LabelSet, NativeHistogram, QueryData } from "../../api/prom";
import { numberOf, sharedLabels } from "./frames";
import { cellsOf, quantile } from "./histogram";
import { seriesText } from "./selector";

export interface Row {
  labels: LabelSet;
  /** As the server wrote it; absent for a histogram. */
  value: string | undefined;
  histogram: NativeHistogram | undefined;
  /** Unix seconds. */
  at: number;
  /** What it is sorted by: the value, or a histogram's count. */
  number: number;
}

export interface Table {
  rows: Row[];
  /** The labels that differ, each a column. */
  columns: string[];
  shared: LabelSet;
  /** Whether the labels are many and stand in one column. */
  compact: boolean;
}

/** More columns than that stand as one. */
const COLUMNS_MAX = 8;

export function tableOf(data: QueryData): Table {
  const rows = rowsOf(data);
  const shared = sharedLabels(rows.map((row) => row.labels));
  const names = new Set<string>();
  for (const row of rows) for (const name of Object.keys(row.labels)) if (!(name in shared)) names.add(name);
  const columns = [...names].sort((a, b) => (a === "__name__" ? -1 : b === "__name__" ? 1 : a < b ? -1 : 1));
  return { rows, columns, shared, compact: columns.length > COLUMNS_MAX };
}

function rowsOf(data: QueryData): Row[] {
  if (data.resultType === "vector")
    return data.result.map(({ metric, value, histogram }) => ({
      labels: metric,
      value: value?.[1],
      histogram: histogram?.[1],
      at: value?.[0] ?? histogram?.[0] ?? 0,
      number: value ? numberOf(value[1]) : numberOf(histogram?.[1].count ?? "NaN"),
    }));
  if (data.resultType === "matrix")
    return data.result.flatMap(({ metric, values = [], histograms = [] }) => [
      ...values.map(([at, value]) => ({ labels: metric, value, histogram: undefined, at, number: numberOf(value) })),
      ...histograms.map(([at, histogram]) => ({ labels: metric, value: undefined, histogram, at, number: numberOf(histogram.count) })),
    ]);
  const [at, value] = data.result;
  return [{ labels: {}, value, histogram: undefined, at, number: numberOf(value) }];
}

export const VALUE = "value";
export const SERIES = "series";
export const TIME = "time";

/** Sorted by a column; NaN comes last either way. */
export function sorted(rows: Row[], sort: string | undefined): Row[] {
  if (sort === undefined) return rows;
  const down = sort.startsWith("-");
  const column = down ? sort.slice(1) : sort;
  const sign = down ? -1 : 1;
  const keyed = rows.map((row) => ({ row, key: column === VALUE ? row.number : column === TIME ? row.at : column === SERIES ? seriesText(row.labels) : (row.labels[column.replace(/^label:/, "")] ?? "") }));
  const order = new Intl.Collator("en", { numeric: true });
  keyed.sort((a, b) => {
    if (typeof a.key === "number" && typeof b.key === "number") return Number.isNaN(a.key) ? (Number.isNaN(b.key) ? 0 : 1) : Number.isNaN(b.key) ? -1 : a.key === b.key ? 0 : sign * (a.key < b.key ? -1 : 1);
    return sign * order.compare(String(a.key), String(b.key));
  });
  return keyed.map(({ row }) => row);
}

/** A histogram in a few words. */
export function histogramText(histogram: NativeHistogram): string {
  const cells = cellsOf(histogram);
  const parts = [`count ${histogram.count}`, `sum ${histogram.sum}`];
  for (const q of [0.5, 0.99]) {
    const value = quantile(cells, q);
    if (value !== null) parts.push(`p${q * 100} ${Number(value.toPrecision(3))}`);
  }
  return parts.join(" · ");
}

const valueText = (row: Row) => row.value ?? (row.histogram ? JSON.stringify(row.histogram) : "");

/** All of it as lines; every label has a column, whatever the page shows. */
export function asText(rows: Row[], kind: "tsv" | "csv"): string {
  const names = [...new Set(rows.flatMap((row) => Object.keys(row.labels)))].sort((a, b) => (a === "__name__" ? -1 : b === "__name__" ? 1 : a < b ? -1 : 1));
  const lines = [[...names, "value", "time"], ...rows.map((row) => [...names.map((name) => row.labels[name] ?? ""), valueText(row), new Date(row.at * 1000).toISOString()])];
  const cell = kind === "csv" ? csvCell : (text: string) => text.replaceAll(/[\t\r\n]/g, " ");
  return `${lines.map((line) => line.map(cell).join(kind === "csv" ? "," : "\t")).join("\n")}\n`;
}

/** A spreadsheet takes a cell that begins with one of these for a formula; a number is none. */
function csvCell(text: string): string {
  const safe = /^[=+\-@\t]/.test(text) && !/^[+-]?(\d|Inf)/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
