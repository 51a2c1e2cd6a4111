// Numbers of a chart as people read them, in the unit that the metric's name promises.

import { bytes, duration, MISSING, percent } from "../../lib/format";
import type { LabelSet } from "../../api/prom";
import type { UnitName } from "./state";

export type Format = (value: number | null | undefined) => string;

const PREFIXES: [number, string][] = [
  [1e12, "T"],
  [1e9, "G"],
  [1e6, "M"],
  [1e3, "k"],
];

/** Three digits and more where they tell something: 12.3k, 0.00042, 1e-9. */
export function plain(value: number | null | undefined): string {
  if (value == null) return MISSING;
  if (!Number.isFinite(value)) return Number.isNaN(value) ? "NaN" : value > 0 ? "+Inf" : "−Inf";
  const size = Math.abs(value);
  const sign = value < 0 ? "−" : "";
  for (const [unit, name] of PREFIXES) if (size >= unit && size >= 1e4) return `${sign}${Number((size / unit).toPrecision(4))}${name}`;
  if (size !== 0 && size < 1e-4) return `${sign}${size.toExponential(2).replace(/\.?0+e/, "e")}`;
  return `${sign}${Number(size.toPrecision(5))}`;
}

function seconds(value: number | null | undefined): string {
  if (value == null) return MISSING;
  if (!Number.isFinite(value)) return plain(value);
  const size = Math.abs(value);
  const sign = value < 0 ? "−" : "";
  if (size === 0) return "0 s";
  if (size < 1e-3) return `${sign}${Number((size * 1e6).toPrecision(3))} µs`;
  if (size < 1) return `${sign}${Number((size * 1e3).toPrecision(3))} ms`;
  return size < 120 ? `${sign}${Number(size.toPrecision(4))} s` : duration(value);
}

const FORMATS: Record<UnitName, Format> = {
  none: plain,
  seconds,
  bytes: (value) => (value != null && Number.isFinite(value) ? (value < 0 ? `−${bytes(-value)}` : bytes(value)) : plain(value)),
  ratio: (value) => (value != null && Number.isFinite(value) ? percent(value) : plain(value)),
};

export function formatOf(unit: UnitName): Format {
  return FORMATS[unit];
}

/** The unit of what an expression gives, where its text leaves no doubt; else none. */
export function guessUnit(expression: string, series: LabelSet[]): UnitName {
  const names = new Set(series.map((labels) => labels.__name__));
  const [only] = names;
  if (names.size === 1 && only !== undefined) return ofName(only);
  const quantile = /^\s*histogram_(?:quantile|avg)\s*\(.*?\b([a-zA-Z_:][\w:]*_(?:seconds|bytes))(?:_bucket)?\b/s.exec(expression)?.[1];
  return quantile ? ofName(quantile) : "none";
}

function ofName(name: string): UnitName {
  const base = name.replace(/_(total|sum)$/, "");
  if (/_(count|bucket|info)$/.test(base)) return "none";
  if (/_timestamp_seconds$/.test(base)) return "none";
  if (/_seconds$/.test(base)) return "seconds";
  if (/_bytes$/.test(base)) return "bytes";
  return /_ratio$/.test(base) ? "ratio" : "none";
}
