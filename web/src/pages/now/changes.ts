// What changed of late, whatever kind of change it was, newest first.

import type { Deploy, Fact } from "../../api/schema";

export type Change = { at: string; key: string } & ({ deploy: Deploy } | { config: Fact; sentences: string[] });

/** Deploys and applied configurations since `from`, in Unix milliseconds. */
export function changesSince(from: number, deploys: Deploy[], configs: Fact[]): Change[] {
  const all: Change[] = [
    ...deploys.map((deploy) => ({ at: deploy.started_at, key: deploy.id, deploy })),
    ...configs.map((config) => ({ at: config.occurred_at, key: config.id, config, sentences: sentencesOf(config.payload) })),
  ];
  return all.filter((change) => Date.parse(change.at) >= from).sort((a, b) => Date.parse(b.at) - Date.parse(a.at));
}

function sentencesOf(payload: unknown): string[] {
  const changes = typeof payload === "object" && payload !== null && "changes" in payload ? payload.changes : [];
  return Array.isArray(changes) ? changes.filter((change) => typeof change === "string") : [];
}
