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
  return entries.reduce((lines, entry) => (OPENING.includes(entry.fact.kind) ? withOpening(lines, entry) : withOther(lines, entry)), [] as Told[]);
}

/** What opens an incident takes in all that its moment told before; later facts of it go to the line of their alert. */
function withOpening(lines: Told[], entry: TimelineEntry): Told[] {
  const moment = lines.filter((line) => OPENING.includes(line.entry.fact.kind) && isOneMoment(line.entry, entry));
  if (entry.fact.kind === "incident.opened") return [...lines.filter((line) => !moment.includes(line)), { entry, others: moment.flatMap(all) }];
  const line = moment.find((item) => item.entry.fact.kind === "incident.opened" || isOneAlert(item.entry, entry));
  if (line === undefined) return [...lines, { entry, others: [] }];
  line.others.push(entry);
  return lines;
}

/** Of a run of measurements the newest is told. */
function withOther(lines: Told[], entry: TimelineEntry): Told[] {
  const last = lines.at(-1);
  if (last && MEASURED.includes(entry.fact.kind) && last.entry.fact.kind === entry.fact.kind) return [...lines.slice(0, -1), { entry, others: [...last.others, last.entry] }];
  return [...lines, { entry, others: [] }];
}

function all({ entry, others }: Told): TimelineEntry[] {
  return [entry, ...others];
}

function isOneMoment(a: TimelineEntry, b: TimelineEntry): boolean {
  return Math.abs(Date.parse(b.fact.occurred_at) - Date.parse(a.fact.occurred_at)) <= MOMENT_MS;
}

function alertOf({ fact: { payload } }: TimelineEntry): unknown {
  return typeof payload === "object" && payload !== null && "alert" in payload ? payload.alert : undefined;
}

function isOneAlert(a: TimelineEntry, b: TimelineEntry): boolean {
  const alert = alertOf(a);
  return alert !== undefined && alert === alertOf(b);
}

const UPDATE_MINUTES: Partial<Record<Severity, number>> = { sev1: 30, sev2: 60 };

/** When others expect to hear again, in Unix milliseconds; absent where nobody waits. */
export function updateDue(severity: Severity, openedAt: string, entries: TimelineEntry[]): number | undefined {
  const minutes = UPDATE_MINUTES[severity];
  if (minutes === undefined) return undefined;
  const last = entries.filter((entry) => entry.category === "update").at(-1);
  return Date.parse(last?.fact.occurred_at ?? openedAt) + minutes * 60_000;
}
