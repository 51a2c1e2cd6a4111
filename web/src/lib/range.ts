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

export interface Span {
  /** Unix milliseconds. */
  from: number;
  to: number;
}

const SPAN_MS_MIN = 60_000;

/** The window `share` of itself later (earlier when negative), never in the future. */
export function shifted({ from, to }: Span, share: number, now: number): Span {
  const by = Math.min((to - from) * share, now - to);
  return { from: from + by, to: to + by };
}

/** A window twice as long about the same middle, never in the future. */
export function zoomedOut({ from, to }: Span, now: number): Span {
  const by = (to - from) / 2;
  const end = Math.min(to + by, now);
  return { from: end - 4 * by, to: end };
}

/** The window that the address holds; undefined when it makes none. */
export function spanOf(from: string | undefined, to: string | undefined): Span | undefined {
  const span = { from: Date.parse(from ?? ""), to: Date.parse(to ?? "") };
  return span.to - span.from > 0 ? span : undefined;
}

/** As the address holds it: to the second, at least a minute long. */
export function spanSearch({ from, to }: Span): { from: string; to: string } {
  const text = (ms: number) => `${new Date(ms).toISOString().slice(0, 19)}Z`;
  return { from: text(Math.min(from, to - SPAN_MS_MIN)), to: text(to) };
}
