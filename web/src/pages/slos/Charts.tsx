// One SLO over time: the budget left, requests, errors; deploys and incidents in each.

import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { deploysQuery, historyQuery, incidentsQuery } from "../../api/queries";
import type { Slo, SloHistory } from "../../api/schema";
import { TimeSeries, toggleFullScreen, type Line, type Marker } from "../../chart/TimeSeries";
import { budgetLeft, laidOver, rates, type Series } from "../../lib/budget";
import { budgetPercent, count, duration, percent } from "../../lib/format";
import { stepSeconds } from "../../lib/range";
import { useShortcut } from "../../shell/keys";
import { useScope, type Scope } from "../../shell/scope";
import { Button, css as ui, Loaded, Panel } from "../../ui/basics";
import { Queried } from "../../ui/overlay";

export function Charts({ slo }: { slo: Slo }) {
  const scope = useScope();
  const { seconds, compare } = scope;
  const step = stepSeconds(seconds);
  const history = useQuery({ ...historyQuery(slo.name, scope, step), placeholderData: keepPreviousData });
  const earlier = useQuery({ ...historyQuery(slo.name, scope, step, seconds), enabled: compare });
  const markers = useMarkers(slo);
  useShortcut("f", toggleFullScreen);
  return (
    <Loaded query={history} what="the history">
      {(data) => <HistoryCharts slo={slo} history={data} earlier={compare ? earlier.data : undefined} markers={markers} scope={scope} />}
    </Loaded>
  );
}

/** Deploys and incidents of the service, drawn into every chart. */
function useMarkers(slo: Slo): Marker[] {
  const deploys = useQuery(deploysQuery({ service: slo.service, env: slo.environment })).data;
  const incidents = useQuery(incidentsQuery()).data;
  return useMemo(
    () => [
      ...(deploys?.items ?? []).map((deploy) => ({ at: Date.parse(deploy.started_at) / 1000, label: deploy.version })),
      ...(incidents?.items ?? [])
        .filter((incident) => incident.service === slo.service && incident.environment === slo.environment)
        .map((incident) => ({ at: Date.parse(incident.opened_at) / 1000, label: "incident" })),
    ],
    [deploys, incidents, slo.service, slo.environment],
  );
}

interface ChartsProps {
  slo: Slo;
  history: SloHistory;
  earlier: SloHistory | undefined;
  markers: Marker[];
  scope: Scope;
}

function HistoryCharts({ slo, history, earlier, markers, scope }: ChartsProps) {
  const { points, step_seconds: step } = history;
  const { label, seconds, compare } = scope;
  const left = useBudgetLeft(slo, history, scope);
  const rate = useMemo(() => rates(points, step), [points, step]);
  const before = useMemo(() => {
    if (earlier === undefined) return undefined;
    const then = rates(earlier.points, earlier.step_seconds);
    return {
      total: laidOver(rate.at, { at: then.at, values: then.total }, seconds, step),
      ratio: laidOver(rate.at, { at: then.at, values: then.ratio }, seconds, step),
    };
  }, [earlier, rate, seconds, step]);
  const leftLine = useMemo(() => [{ label: "budget left", values: left.value, color: "--chart-1", fill: true }], [left]);
  const totalLine = useMemo(() => withGhost({ label: "requests a second", values: rate.total, color: "--chart-1" }, before?.total), [rate, before]);
  const badLine = useMemo(() => withGhost({ label: "bad", values: rate.ratio, color: "--chart-2", fill: true }, before?.ratio), [rate, before]);
  const perSecond = (value: number | null | undefined) => (value == null ? "–" : value < 10 ? value.toFixed(1) : count(value));
  const zoom = { onZoom: scope.show, onZoomBack: () => scope.set({ from: undefined, to: undefined }) };
  return (
    <>
      <Panel
        title="Error budget"
        note={`${label}, each point ${duration(step)}${slo.backfilled ? " · part of the window was back-filled" : ""}`}
        actions={
          <Button look="quiet" small aria-pressed={compare} aria-keyshortcuts="c" onClick={() => scope.set({ compare: compare ? undefined : true })}>
            {compare ? "Compared with the period before" : "Compare"}
          </Button>
        }
      >
        <TimeSeries
          label={`Error budget left, ${label}; now ${budgetPercent(slo.budget.left_ratio)}`}
          at={left.at}
          lines={leftLine}
          format={budgetPercent}
          limit={{ value: 0, label: "exhausted" }}
          markers={markers}
          {...zoom}
        />
      </Panel>
      <div className={`${ui.columns} ${ui.even}`}>
        <Panel title={<Queried label="Requests a second" query={slo.indicator.total_query}>Requests</Queried>} note={slo.indicator.total}>
          <TimeSeries label={`Requests a second, ${label}`} at={rate.at} lines={totalLine} format={perSecond} markers={markers} min={0} {...zoom} />
        </Panel>
        <Panel title={<Queried label="Share of bad events" query={`1 - (${slo.indicator.good_query}) / (${slo.indicator.total_query})`}>Errors</Queried>} note="share of requests that were bad">
          <TimeSeries
            label={`Share of bad requests, ${label}`}
            at={rate.at}
            lines={badLine}
            format={(value) => percent(value)}
            limit={{ value: 1 - slo.objective, label: `allowed ${percent(1 - slo.objective)}` }}
            markers={markers}
            min={0}
            {...zoom}
          />
        </Panel>
      </div>
    </>
  );
}

/**
 * The budget left over the time shown. It is reckoned back from what is left now, so that a time in the past needs the
 * counts from there until now.
 */
function useBudgetLeft(slo: Slo, history: SloHistory, { fixed, seconds }: Scope): Series {
  const [openedAt] = useState(() => Date.now());
  const to = Math.max(openedAt, fixed?.to ?? 0);
  const long = fixed ? { from: fixed.from, to } : undefined;
  const step = Math.max(stepSeconds(seconds), stepSeconds(long ? (long.to - long.from) / 1000 / 20 : 0));
  const until = useQuery({ ...historyQuery(slo.name, { seconds, fixed: long }, step), enabled: long !== undefined }).data;
  const used = fixed ? until : history;
  return useMemo(() => {
    if (used === undefined) return { at: [], value: [] };
    const { at, value } = budgetLeft(used.points, slo.budget, used.step_seconds, slo.window_seconds);
    const end = at.findIndex((time) => fixed !== undefined && time * 1000 > fixed.to);
    return end < 0 ? { at, value } : { at: at.slice(0, end), value: value.slice(0, end) };
  }, [used, slo.budget, slo.window_seconds, fixed?.to]);
}

function withGhost(line: Line, ghost: (number | null)[] | undefined): Line[] {
  return ghost ? [line, { label: "the period before", values: ghost, color: "--muted", ghost: true }] : [line];
}
