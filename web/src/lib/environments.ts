// Environments as they were seen, so that no form has to guess one.

import type { Service } from "../api/schema";

type Seen = Pick<Service, "name" | "environment" | "telemetry_present">;

/** Of one service, or of all: those with telemetry first, then the one with the most services, then by name. */
export function environmentsOf(services: Seen[], service?: string): string[] {
  const found = new Map<string, number>();
  for (const item of services) {
    if (service !== undefined && item.name !== service) continue;
    found.set(item.environment, (found.get(item.environment) ?? 0) + (item.telemetry_present ? 1_000 : 1));
  }
  return [...found].sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1)).map(([environment]) => environment);
}
