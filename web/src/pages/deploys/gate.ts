// What a deploy has to do with the gate, how long it took, and what it did to a promise.

import type { Deploy, GateVerdict, SloPoint } from "../../api/schema";

/** The verdict that the deploy went by; its id alone where the verdict itself is not at hand. */
export interface Passed {
  id: string;
  verdict: GateVerdict | undefined;
  /** It was deployed although the gate had blocked it. */
  against: boolean;
}

/** The verdict that is named, else the newest one on this version before it; undefined when the gate was not asked. */
export function passedBy(deploy: Deploy, verdicts: GateVerdict[]): Passed | undefined {
  const verdict = deploy.gate ? verdicts.find((item) => item.id === deploy.gate) : newestBefore(deploy, verdicts);
  const id = deploy.gate ?? verdict?.id;
  return id === undefined ? undefined : { id, verdict, against: verdict?.outcome === "block" && !deploy.rolls_back };
}

function newestBefore(deploy: Deploy, verdicts: GateVerdict[]): GateVerdict | undefined {
  const at = Date.parse(deploy.started_at);
  return verdicts
    .filter((item) => item.service === deploy.service && item.environment === deploy.environment && item.version === deploy.version && Date.parse(item.at) <= at)
    .toSorted((a, b) => Date.parse(b.at) - Date.parse(a.at))[0];
}

/** Seconds that it took; undefined when nobody said: one that was recorded in one go says nothing. */
export function tookSeconds(deploy: Pick<Deploy, "started_at" | "finished_at">): number | undefined {
  const seconds = (Date.parse(deploy.finished_at ?? "") - Date.parse(deploy.started_at)) / 1000;
  return seconds > 0 ? seconds : undefined;
}

/** Whether no later one went to the same place. */
export function isNewest(deploy: Deploy, deploys: Deploy[]): boolean {
  return !deploys.some((other) => other.service === deploy.service && other.environment === deploy.environment && Date.parse(other.started_at) > Date.parse(deploy.started_at));
}

/** How fast the budget went before and after a moment; undefined where there was no event. */
export function burnsAround(points: SloPoint[], at: number, objective: number): { before: number | undefined; after: number | undefined } {
  const over = (wanted: SloPoint[]) => {
    const total = wanted.reduce((sum, point) => sum + (point.total ?? 0), 0);
    const good = wanted.reduce((sum, point) => sum + (point.good ?? 0), 0);
    return total > 0 ? (total - good) / total / (1 - objective) : undefined;
  };
  return { before: over(points.filter((point) => Date.parse(point.at) < at)), after: over(points.filter((point) => Date.parse(point.at) >= at)) };
}
