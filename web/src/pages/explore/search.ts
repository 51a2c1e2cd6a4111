// Finding a metric among a hundred thousand: every word must occur in its name or its help.

import type { Metadata } from "../../api/prom";

export interface MetricRow {
  name: string;
  type: string | undefined;
  unit: string | undefined;
  help: string | undefined;
}

/** Endings that a family's samples have beside its name. */
const ENDINGS = /_(?:total|bucket|count|sum|created|info)$/;

/** What is known of a metric: under its own name, or under its family's. */
export function describe(name: string, metadata: Record<string, Metadata[]> | null | undefined): MetricRow {
  const found = metadata?.[name]?.[0] ?? metadata?.[name.replace(ENDINGS, "")]?.[0];
  return { name, type: found?.type && found.type !== "unknown" ? found.type : typeOf(name), unit: found?.unit || undefined, help: found?.help || undefined };
}

/** What the name alone promises. */
function typeOf(name: string): string | undefined {
  if (/_total$/.test(name)) return "counter";
  if (/_(bucket|count|sum)$/.test(name)) return "histogram";
  return /_info$/.test(name) || name === "target_info" ? "info" : undefined;
}

/** Those that hold every word; a name that begins with the text first, then names, then helps. */
export function findMetrics(names: string[], text: string, metadata: Record<string, Metadata[]> | null | undefined): string[] {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return names;
  const [first, second, third]: [string[], string[], string[]] = [[], [], []];
  const whole = words.join("_");
  for (const name of names) {
    const lower = name.toLowerCase();
    if (lower.startsWith(whole)) first.push(name);
    else if (words.every((word) => lower.includes(word))) second.push(name);
    else if (metadata) {
      const { help } = describe(name, metadata);
      const both = help && `${lower} ${help.toLowerCase()}`;
      if (both && words.every((word) => both.includes(word))) third.push(name);
    }
  }
  return [...first, ...second, ...third];
}
