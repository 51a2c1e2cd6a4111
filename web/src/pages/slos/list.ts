// What the list of SLOs filters by, sorts by and exports.

import type { Slo } from "../../api/schema";

export const HOUR_S = 3_600;
export const BURN_WINDOWS = [HOUR_S, 6 * HOUR_S, 72 * HOUR_S] as const;

/** The labels of its document, as `name=value`. */
export function labelsOf(slo: Pick<Slo, "labels">): string[] {
  return Object.entries(slo.labels ?? {}).map(([name, value]) => `${name}=${value}`);
}

/** Every word must occur in its names, owner, environment or labels. */
export function matches(slo: Slo, query: string): boolean {
  const text = [slo.name, slo.display_name, slo.service, slo.environment, slo.owner ?? "", ...labelsOf(slo)].join(" ").toLowerCase();
  return query
    .toLowerCase()
    .split(/\s+/)
    .every((word) => text.includes(word));
}

export function longBurn(slo: Slo, seconds: number): number | null | undefined {
  return slo.burns.find((row) => row.long.window_seconds === seconds)?.long.burn;
}

export const BANDS = ["spent", "low", "half", "most", "full", "unknown"] as const;
export type Band = (typeof BANDS)[number];
export const BAND_NAMES: Record<Band, string> = { spent: "spent", low: "0–25 % left", half: "25–50 %", most: "50–75 %", full: "over 75 %", unknown: "unknown" };

/** How much of the budget is left, in quarters. */
export function bandOf(left: number | null | undefined): Band {
  if (left == null) return "unknown";
  if (left <= 0) return "spent";
  return left <= 0.25 ? "low" : left <= 0.5 ? "half" : left <= 0.75 ? "most" : "full";
}

function cell(value: string | number | null | undefined): string {
  const text = value == null ? "" : String(value);
  // A cell that begins like a formula is one to a spreadsheet.
  const safe = typeof value === "string" && /^[=+\-@\t]/.test(text) ? `'${text}` : text;
  return /[",\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

export function csv(slos: Slo[]): string {
  const head = ["name", "service", "environment", "state", "objective", "window_seconds", "sli", "budget_left_ratio", "budget_left_events", "budget_left_minutes", "burn_1h", "burn_6h", "burn_3d", "seconds_to_exhaustion", "firing", "owner", "labels"];
  const rows = slos.map((slo) => [
    slo.name,
    slo.service,
    slo.environment,
    slo.state,
    slo.objective,
    slo.window_seconds,
    slo.sli,
    slo.budget.left_ratio,
    slo.budget.left_events,
    slo.budget.left_minutes,
    ...BURN_WINDOWS.map((seconds) => longBurn(slo, seconds)),
    slo.time_to_exhaustion_seconds,
    slo.burns.filter((row) => row.firing).length,
    slo.owner,
    labelsOf(slo).join(" "),
  ]);
  return [head, ...rows].map((row) => row.map(cell).join(",")).join("\r\n");
}
