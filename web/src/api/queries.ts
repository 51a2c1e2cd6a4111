// Every read of the application, with its key; facts that arrive make them stale (live.ts).

import { queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";
import type { Span } from "../lib/range";
import { nameAsked } from "../shell/name";
import { get, post } from "./client";
import { isPaused } from "./live";
import type {
  Accepted,
  DeployList,
  FactList,
  GateCheckRequest,
  GateVerdict,
  GateVerdictList,
  Incident,
  IncidentList,
  Postmortem,
  ServiceList,
  ServiceMap,
  SloHistory,
  SloList,
  Slo,
  Status,
  TestNotificationAnswer,
  Timeline,
  Whoami,
} from "./schema";

/** Telemetry writes no facts, so what is counted from it is read again by the clock. */
const LIVE_MS = 5_000;
const live = (ms = LIVE_MS) => (isPaused() ? false : ms);
const LIST_MAX = 200;

export const statusQuery = queryOptions({
  queryKey: ["status"],
  queryFn: ({ signal }) => get<Status>("status", {}, signal),
  refetchInterval: () => live(),
});

export const whoamiQuery = queryOptions({
  queryKey: ["whoami"],
  queryFn: ({ signal }) => get<Whoami>("whoami", {}, signal),
  staleTime: Infinity,
});

export const slosQuery = queryOptions({
  queryKey: ["slos"],
  queryFn: ({ signal }) => get<SloList>("slos", {}, signal),
  refetchInterval: () => live(),
});

export const sloQuery = (name: string) =>
  queryOptions({
    queryKey: ["slo", name],
    queryFn: ({ signal }) => get<Slo>(`slos/${encodeURIComponent(name)}`, {}, signal),
    refetchInterval: () => live(),
  });

/**
 * The counts of a window, or of one that was `before` seconds earlier. One that moves with the clock is read again,
 * one that stands still once.
 */
export const historyQuery = (name: string, window: { seconds: number; fixed?: Span | undefined }, step: number, before = 0) =>
  queryOptions({
    queryKey: ["slo", name, "history", window.fixed ?? window.seconds, step, before],
    queryFn: ({ signal }) => {
      const { from, to } = window.fixed ?? { from: Date.now() - window.seconds * 1000, to: Date.now() };
      const at = (ms: number) => new Date(ms - before * 1000).toISOString();
      return get<SloHistory>(`slos/${encodeURIComponent(name)}/history`, { from: at(from), to: at(to), step }, signal);
    },
    refetchInterval: () => (window.fixed ? false : live(Math.max(LIVE_MS, step * 500))),
  });

export const incidentsQuery = (status?: "open" | "resolved") =>
  queryOptions({
    queryKey: ["incidents", status ?? "all"],
    queryFn: ({ signal }) => get<IncidentList>("incidents", { status }, signal),
    refetchInterval: () => live(),
  });

export const incidentQuery = (id: string) =>
  queryOptions({
    queryKey: ["incident", id],
    queryFn: ({ signal }) => get<Incident>(`incidents/${id}`, {}, signal),
    refetchInterval: () => live(),
  });

export const timelineQuery = (id: string) =>
  queryOptions({
    queryKey: ["incident", id, "timeline"],
    queryFn: ({ signal }) => get<Timeline>(`incidents/${id}/timeline`, {}, signal),
  });

export const postmortemQuery = (id: string) =>
  queryOptions({
    queryKey: ["incident", id, "postmortem"],
    queryFn: ({ signal }) => get<Postmortem>(`incidents/${id}/postmortem`, {}, signal),
    retry: false,
  });

export interface Scope {
  service?: string | undefined;
  env?: string | undefined;
}

export const deploysQuery = (scope: Scope) =>
  queryOptions({
    queryKey: ["deploys", scope.service, scope.env],
    queryFn: ({ signal }) => get<DeployList>("deploys", { service: scope.service, environment: scope.env, limit: LIST_MAX }, signal),
  });

export const verdictsQuery = (scope: Scope) =>
  queryOptions({
    queryKey: ["verdicts", scope.service, scope.env],
    queryFn: ({ signal }) =>
      get<GateVerdictList>("gate/verdicts", { service: scope.service, environment: scope.env, limit: LIST_MAX }, signal),
  });

/** So many of the newest facts are searched for changes of the configuration. */
const CONFIG_FACTS = 5_000;

/** Changes of the configuration among the newest facts; the answer changes when the journal has grown by a thousand. */
export const configQuery = (lastSeq: number) => {
  const after = Math.max(0, Math.floor((lastSeq - CONFIG_FACTS) / 1_000) * 1_000);
  return queryOptions({
    queryKey: ["config", after],
    queryFn: ({ signal }) => get<FactList>("journal", { kind: "config.", after, limit: 1_000 }, signal),
  });
};

export const verdictQuery = (id: string) =>
  queryOptions({
    queryKey: ["verdicts", id],
    queryFn: ({ signal }) => get<GateVerdict>(`gate/verdicts/${encodeURIComponent(id)}`, {}, signal),
    staleTime: Infinity,
  });

export const servicesQuery = (env?: string) =>
  queryOptions({
    queryKey: ["services", env],
    queryFn: ({ signal }) => get<ServiceList>("services", { environment: env }, signal),
    refetchInterval: () => live(),
  });

export const mapQuery = (env: string | undefined, seconds: number) =>
  queryOptions({
    queryKey: ["map", env, seconds],
    queryFn: ({ signal }) => get<ServiceMap>("services/map", { environment: env, window_seconds: seconds }, signal),
    refetchInterval: () => live(),
  });

/** A change: posts `body` and, once it is answered, reads again all that is on the page. */
function useChange<Body, Answer>(path: (body: Body) => string, bodyOf: (body: Body) => unknown = (body) => body) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: async (body: Body) => {
      await nameAsked();
      return post<Answer>(path(body), bodyOf(body));
    },
    onSuccess: () => client.invalidateQueries(),
  });
}

export type IncidentVerb = "acknowledge" | "assign" | "updates" | "resolve" | "rollback" | "severity";

export const useIncidentChange = (verb: IncidentVerb) =>
  useChange<{ id: string; body: Record<string, unknown> }, Accepted>(
    ({ id }) => `incidents/${id}/${verb}`,
    ({ body }) => body,
  );

/** Any of the verbs, as the composer's text says. */
export const useIncidentOrder = () =>
  useChange<{ id: string; verb: IncidentVerb; body: Record<string, unknown> }, Accepted>(
    ({ id, verb }) => `incidents/${id}/${verb}`,
    ({ body }) => body,
  );

export const useDraftPostmortem = () => useChange<string, Postmortem>((id) => `incidents/${id}/postmortem`, () => ({}));
export const useGateCheck = () => useChange<GateCheckRequest, GateVerdict>(() => "gate/check");
export const useTestNotification = () => useChange<{ receiver: string }, TestNotificationAnswer>(() => "notifications/test");
