// Which reads a fact makes stale; a kind that is not known makes all of them stale.

import type { StreamEvent } from "./schema";

type Key = readonly string[];

const KEYS: Record<string, readonly string[]> = {
  act: ["incident", "incidents", "deploys"],
  alert: ["slos", "slo", "services", "map", "incidents", "incident"],
  clock: ["status"],
  deploy: ["deploys", "services", "incident"],
  gate: ["verdicts", "deploys", "incident"],
  incident: ["incidents", "services"],
  journal: ["status"],
  notification: ["incident", "status"],
  slo: ["slos", "slo"],
};

export function staleBy({ kind, subject }: Pick<StreamEvent, "kind" | "subject">): Key[] | "all" {
  const family = kind.split(".")[0] ?? "";
  const keys: Key[] | undefined = KEYS[family]?.map((key) => [key]);
  if (keys === undefined) return "all";
  return family === "incident" ? [...keys, ["incident", subject]] : keys;
}
