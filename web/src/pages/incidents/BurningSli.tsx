// The SLI that burns, over time: what was promised, what changed, when it began, what was done; and how it burns now.

import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useMemo } from "react";
import { deploysQuery, historyQuery, slosQuery, timelineQuery } from "../../api/queries";
import type { BurnWindow, Incident, Slo, TimelineEntry } from "../../api/schema";
import { TimeSeries, toggleFullScreen, type Marker } from "../../chart/TimeSeries";
import { budgetPercent, burn, percent, windowName } from "../../lib/format";
import { spanSearch, stepSeconds, type Span } from "../../lib/range";
import { useShortcut } from "../../shell/keys";
import { BudgetBar, css as ui, Loaded, Panel } from "../../ui/basics";
import { Queried } from "../../ui/overlay";
import { useNow } from "../../ui/time";

const BEFORE_MS = 15 * 60_000;
const AFTER_MS = 10 * 60_000;
/** So often the window of an open incident grows. */
const GROW_MS = 5 * 60_000;
const HOUR_S = 3_600;
const FIVE_MIN_S = 300;

export function BurningSli({ incident }: { incident: Incident }) {
  const slos = useQuery(slosQuery);
  const names = [...new Set(incident.alerts.toSorted((a, b) => Number(b.firing) - Number(a.firing)).flatMap((alert) => alert.slo ?? []))];
  useShortcut("f", toggleFullScreen);
  if (names.length === 0) return null;
  return (
    <Loaded query={slos} what="the SLO">
      {(list) => {
        const burning = names.flatMap((name) => list.items.find((slo) => slo.name === name) ?? []);
        const first = burning[0];
        return first && <SliPanel incident={incident} slo={first} all={burning} />;
      }}
    </Loaded>
  );
}

function SliPanel({ incident, slo, all }: { incident: Incident; slo: Slo; all: Slo[] }) {
  const span = useIncidentSpan(incident);
  const seconds = (span.to - span.from) / 1000;
  const step = stepSeconds(seconds);
  const open = incident.summary.status !== "resolved";
  const window = open ? { seconds } : { seconds, fixed: span };
  const history = useQuery({ ...historyQuery(slo.name, window, step), placeholderData: keepPreviousData });
  const markers = useIncidentMarkers(incident);
  const points = history.data?.points;
  const at = useMemo(() => (points ?? []).map((point) => Date.parse(point.at) / 1000), [points]);
  const lines = useMemo(
    () => [{ label: "good", values: (points ?? []).map((point) => (point.total && point.good != null ? point.good / point.total : null)), color: "--chart-1" }],
    [points],
  );
  const query = `(${slo.indicator.good_query}) / (${slo.indicator.total_query})`;
  return (
    <Panel
      title={
        <Queried label="Share of good events" query={query}>
          {slo.display_name || slo.name}
        </Queried>
      }
      actions={
        <Link to="/slos/$name" params={{ name: slo.name }} search={(old) => ({ ...old, ...spanSearch(span) })}>
          Open at this time
        </Link>
      }
    >
      <Loaded query={history} what="the history">
        {() => (
          <TimeSeries
            label={`Share of good events of ${slo.name} around the incident; promised are ${percent(slo.objective)}`}
            at={at}
            lines={lines}
            format={(value) => percent(value)}
            limit={{ value: slo.objective, label: `promised ${percent(slo.objective)}` }}
            markers={markers}
            max={1}
          />
        )}
      </Loaded>
      <LiveBurns slos={all} />
    </Panel>
  );
}

/** From a while before the damage until a while after it, or now. */
function useIncidentSpan({ summary }: Incident): Span {
  const now = useNow();
  const from = Math.min(Date.parse(summary.impact.since), Date.parse(summary.opened_at)) - BEFORE_MS;
  const end = summary.resolved_at ? Math.min(Date.parse(summary.resolved_at) + AFTER_MS, now) : now;
  const to = from + Math.ceil((end - from) / GROW_MS) * GROW_MS;
  return useMemo(() => ({ from, to }), [from, to]);
}

function useIncidentMarkers({ summary }: Incident): Marker[] {
  const deploys = useQuery(deploysQuery({ service: summary.service, env: summary.environment })).data;
  const entries = useQuery(timelineQuery(summary.id)).data?.entries;
  return useMemo(
    () => [
      ...(deploys?.items ?? []).map((deploy) => ({ at: Date.parse(deploy.started_at) / 1000, label: deploy.version })),
      { at: Date.parse(summary.impact.since) / 1000, label: "began" },
      { at: Date.parse(summary.opened_at) / 1000, label: summary.number },
      ...mitigations(entries ?? []),
    ],
    [deploys, entries, summary.impact.since, summary.opened_at, summary.number],
  );
}

function mitigations(entries: TimelineEntry[]): Marker[] {
  return entries.filter((entry) => entry.fact.kind === "incident.mitigated").map((entry) => ({ at: Date.parse(entry.fact.occurred_at) / 1000, label: "mitigated" }));
}

function windowOf(slo: Slo, seconds: number): BurnWindow | undefined {
  return slo.burns.flatMap((row) => [row.long, row.short]).find((window) => window.window_seconds === seconds);
}

function LiveBurns({ slos }: { slos: Slo[] }) {
  return (
    <div className={ui.scroll} tabIndex={0} role="region" aria-label="Burn now">
      <table className={ui.table}>
        <thead>
          <tr>
            <th scope="col">Burns now</th>
            <th scope="col" className={ui.num}>
              1h
            </th>
            <th scope="col" className={ui.num}>
              5m
            </th>
            <th scope="col">Budget left</th>
          </tr>
        </thead>
        <tbody>
          {slos.map((slo) => (
            <tr key={slo.name}>
              <td>
                <Link to="/slos/$name" params={{ name: slo.name }}>
                  {slo.name}
                </Link>
              </td>
              {[HOUR_S, FIVE_MIN_S].map((seconds) => (
                <td key={seconds} className={ui.num}>
                  <Burn window={windowOf(slo, seconds)} />
                </td>
              ))}
              <td>
                <div className={ui.budget}>
                  <BudgetBar ratio={slo.budget.left_ratio} />
                  <span>{budgetPercent(slo.budget.left_ratio)}</span>
                </div>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Burn({ window }: { window: BurnWindow | undefined }) {
  if (window === undefined) return <>–</>;
  return (
    <Queried label={`Burn over ${windowName(window.window_seconds)}`} query={window.query}>
      {burn(window.burn)}
    </Queried>
  );
}
