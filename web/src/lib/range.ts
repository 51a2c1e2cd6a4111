// The time range of the scope bar, and the step that a chart of it asks for.

export const RANGES = ["15m", "1h", "6h", "1d", "7d", "30d"] as const;
export type Range = (typeof RANGES)[number];

const SECONDS: Record<Range, number> = { "15m": 900, "1h": 3_600, "6h": 21_600, "1d": 86_400, "7d": 604_800, "30d": 2_592_000 };

export function isRange(value: unknown): value is Range {
  return RANGES.includes(value as Range);
}

export function rangeSeconds(range: Range): number {
  return SECONDS[range];
}

/** The widths in which counts are kept; a chart has at most some 500 points. */
const STEPS = [10, 60, 300, 3_600];
export function stepSeconds(seconds: number): number {
  return STEPS.find((step) => seconds / step <= 400) ?? 3_600;
}
