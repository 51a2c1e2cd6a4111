// The addresses of the application. The URL is the state: scope, filters, sorting and what is open stand in it, typed.

import { createRootRoute, createRoute, createRouter, lazyRouteComponent, retainSearchParams, Link } from "@tanstack/react-router";
import { appUrl } from "./api/client";
import type { GateOutcome, TimelineCategory } from "./api/schema";
import { isRange, type Range } from "./lib/range";
import { WAYS, type Way } from "./lib/ways";
import { readCardinality } from "./pages/explore/cardinality";
import { readSearch } from "./pages/explore/state";
import { NowPage } from "./pages/now/NowPage";
import { BANDS, type Band } from "./pages/slos/list";
import { Shell } from "./shell/Shell";
import { css, Empty } from "./ui/basics";

/** What the scope bar holds; every page keeps it. */
export interface ScopeSearch {
  service?: string | undefined;
  env?: string | undefined;
  range?: Range | undefined;
  /** The two ends of a time that stands still, RFC 3339; they win over `range`. */
  from?: string | undefined;
  to?: string | undefined;
  /** Draw the period before as a ghost. */
  compare?: boolean | undefined;
}

function text(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : typeof value === "number" ? String(value) : undefined;
}

function oneOf<T extends string>(value: unknown, allowed: readonly T[]): T | undefined {
  return allowed.includes(value as T) ? (value as T) : undefined;
}

const root = createRootRoute({
  validateSearch: (search: Record<string, unknown>): ScopeSearch => ({
    service: text(search.service),
    env: text(search.env),
    range: isRange(search.range) ? search.range : undefined,
    from: text(search.from),
    to: text(search.to),
    compare: search.compare === true ? true : undefined,
  }),
  search: { middlewares: [retainSearchParams(["service", "env", "range", "from", "to", "compare"])] },
  component: Shell,
  notFoundComponent: NotFound,
});

function NotFound() {
  return (
    <main className={css.page} id="main" tabIndex={-1}>
      <h1>There is no such page</h1>
      <Empty title="The address leads nowhere.">
        <Link to="/">Go to Now</Link>, or press <kbd>Ctrl K</kbd> and search.
      </Empty>
    </main>
  );
}

const now = createRoute({ getParentRoute: () => root, path: "/", component: NowPage });

export const SLO_SORTS = ["budget", "name", "objective", "sli", "burn", "burn6h", "burn3d", "exhaustion", "firing", "owner"] as const;
export type SloSort = (typeof SLO_SORTS)[number];
const slos = createRoute({
  getParentRoute: () => root,
  path: "/slos",
  validateSearch: (search: Record<string, unknown>): { sort?: SloSort | undefined; down?: boolean | undefined; q?: string | undefined; band?: Band | undefined } => ({
    band: oneOf(search.band, BANDS),
    sort: oneOf(search.sort, SLO_SORTS),
    down: search.down === true ? true : undefined,
    q: text(search.q),
  }),
  component: lazyRouteComponent(() => import("./pages/slos/SloListPage"), "SloListPage"),
});
const slo = createRoute({
  getParentRoute: () => root,
  path: "/slos/$name",
  component: lazyRouteComponent(() => import("./pages/slos/SloPage"), "SloPage"),
});

const incidents = createRoute({
  getParentRoute: () => root,
  path: "/incidents",
  validateSearch: (search: Record<string, unknown>): { status?: "open" | "resolved" | undefined } => ({
    status: oneOf(search.status, ["open", "resolved"] as const),
  }),
  component: lazyRouteComponent(() => import("./pages/incidents/IncidentListPage"), "IncidentListPage"),
});
export const CATEGORIES = ["alert", "change", "notification", "response", "update", "act", "gate", "recovery", "other"] as const satisfies readonly TimelineCategory[];
const incident = createRoute({
  getParentRoute: () => root,
  path: "/incidents/$id",
  validateSearch: (search: Record<string, unknown>): { show?: TimelineCategory | undefined } => ({ show: oneOf(search.show, CATEGORIES) }),
  component: lazyRouteComponent(() => import("./pages/incidents/IncidentPage"), "IncidentPage"),
});
const postmortem = createRoute({
  getParentRoute: () => root,
  path: "/incidents/$id/postmortem",
  component: lazyRouteComponent(() => import("./pages/incidents/PostmortemPage"), "PostmortemPage"),
});

const deploys = createRoute({
  getParentRoute: () => root,
  path: "/deploys",
  validateSearch: (search: Record<string, unknown>): { verdict?: string | undefined; deploy?: string | undefined; outcome?: GateOutcome | undefined } => ({
    verdict: text(search.verdict),
    deploy: text(search.deploy),
    outcome: oneOf(search.outcome, ["allow", "block", "inconclusive"] as const),
  }),
  component: lazyRouteComponent(() => import("./pages/deploys/DeploysPage"), "DeploysPage"),
});

const services = createRoute({
  getParentRoute: () => root,
  path: "/services",
  validateSearch: (search: Record<string, unknown>): { peek?: string | undefined; peek_env?: string | undefined } => ({ peek: text(search.peek), peek_env: text(search.peek_env) }),
  component: lazyRouteComponent(() => import("./pages/services/ServicesPage"), "ServicesPage"),
});

const connect = createRoute({
  getParentRoute: () => root,
  path: "/connect",
  validateSearch: (search: Record<string, unknown>): { way?: Way | undefined; protocol?: "grpc" | undefined } => ({ way: oneOf(search.way, WAYS), protocol: oneOf(search.protocol, ["grpc"] as const) }),
  component: lazyRouteComponent(() => import("./pages/connect/ConnectPage"), "ConnectPage"),
});

const explore = createRoute({
  getParentRoute: () => root,
  path: "/explore",
  validateSearch: readSearch,
  component: lazyRouteComponent(() => import("./pages/explore/ExplorePage"), "ExplorePage"),
});
const cardinality = createRoute({
  getParentRoute: () => root,
  path: "/explore/cardinality",
  validateSearch: readCardinality,
  component: lazyRouteComponent(() => import("./pages/explore/CardinalityPage"), "CardinalityPage"),
});

export const router = createRouter({
  routeTree: root.addChildren([now, slos, slo, incidents, incident, postmortem, deploys, services, explore, cardinality, connect]),
  basepath: appUrl.pathname.replace(/\/$/, ""),
  defaultPreload: "intent",
  scrollRestoration: true,
});

declare module "@tanstack/react-router" {
  interface Register {
    router: typeof router;
  }
}
