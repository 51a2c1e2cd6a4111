// What the timeline tells: facts of one moment that say one thing become one line; and when the next update is due.

import type { Severity, TimelineEntry } from "../../api/schema";

/** One line, and the facts that it stands for besides its own. */
export interface Told {
  entry: TimelineEntry;
  others: TimelineEntry[];
}

/** Facts that an alert makes when it opens an incident or joins one. */
const OPENING = ["alert.fired", "incident.opened", "incident.alert_joined"];
/** Facts that are measured again and again; the newest of a run tells it. */
const MEASURED = ["incident.impact_measured", "incident.recovery_measured"];
const MOMENT_MS = 1_000;

export function told(entries: TimelineEntry[]): Told[] {
  const lines: Told[] = [];
  for (const entry of entries) {
    const last = lines.at(-1);
    if (last && isOneMoment(last, entry)) join(last, entry, entry.fact.kind === "incident.opened");
    else if (last && MEASURED.includes(entry.fact.kind) && last.entry.fact.kind === entry.fact.kind) join(last, entry, true);
    else lines.push({ entry, others: [] });
  }
  return lines;
}

function isOneMoment({ entry, others }: Told, next: TimelineEntry): boolean {
  const apart = Date.parse(next.fact.occurred_at) - Date.parse(entry.fact.occurred_at);
  return (
    OPENING.includes(entry.fact.kind) &&
    OPENING.includes(next.fact.kind) &&
    Math.abs(apart) <= MOMENT_MS &&
    // A second alert at the same moment is a second thing.
    ![entry, ...others].some((other) => other.fact.kind === next.fact.kind)
  );
}

function join(line: Told, next: TimelineEntry, leads: boolean): void {
  if (leads) {
    line.others.push(line.entry);
    line.entry = next;
  } else line.others.push(next);
  line.others.sort((a, b) => a.fact.seq - b.fact.seq);
}

const UPDATE_MINUTES: Partial<Record<Severity, number>> = { sev1: 30, sev2: 60 };

/** When others expect to hear again, in Unix milliseconds; absent where nobody waits. */
export function updateDue(severity: Severity, openedAt: string, entries: TimelineEntry[]): number | undefined {
  const minutes = UPDATE_MINUTES[severity];
  if (minutes === undefined) return undefined;
  const last = entries.filter((entry) => entry.category === "update").at(-1);
  return Date.parse(last?.fact.occurred_at ?? openedAt) + minutes * 60_000;
}
