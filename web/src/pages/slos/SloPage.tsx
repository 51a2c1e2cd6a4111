// One SLO: what is promised, what was kept, how fast the budget goes, and the query behind each number.

import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { useMemo } from "react";
import { deploysQuery, historyQuery, incidentsQuery, sloQuery } from "../../api/queries";
import type { Burn, BurnWindow, Slo, SloHistory } from "../../api/schema";
import { TimeSeries, type Marker } from "../../chart/TimeSeries";
import { budgetLeft, rates } from "../../lib/budget";
import { burn, count, duration, percent, windowName, word } from "../../lib/format";
import { stepSeconds } from "../../lib/range";
import { useScope, useTitle } from "../../shell/scope";
import { BudgetBar, CopyButton, css as ui, Loaded, Panel, Pill, State } from "../../ui/basics";
import { Queried } from "../../ui/overlay";
import { Time } from "../../ui/time";
import css from "./slos.module.css";

const route = getRouteApi("/slos/$name");

export function SloPage() {
  const { name } = route.useParams();
  useTitle(name);
  const slo = useQuery(sloQuery(name));
  return (
    <main className={ui.page} id="main" tabIndex={-1}>
      <Loaded query={slo} what={`the SLO ${name}`}>
        {(data) => (
          <>
            <Head slo={data} />
            <Tiles slo={data} />
            <Charts slo={data} />
            <BurnTable slo={data} />
            <Configuration slo={data} />
          </>
        )}
      </Loaded>
    </main>
  );
}

function Head({ slo }: { slo: Slo }) {
  return (
    <div>
      <div className={ui.pageHead}>
        <h1>{slo.display_name || slo.name}</h1>
        <State value={slo.state} />
        <span className={ui.grow} />
        <Link to="/services" search={{ peek: slo.service }}>
          {slo.service} · {slo.environment}
        </Link>
        <span className={ui.muted}>owner: {slo.owner ?? "none"}</span>
      </div>
      <p>{slo.reason}</p>
      {slo.description && <p className={ui.sub}>{slo.description}</p>}
    </div>
  );
}

/** PromQL for a rate over a whole window. */
function overWindow(query: string, seconds: number): string {
  return `sum_over_time((${query})[${windowName(seconds)}:1m]) * 60`;
}

function Tiles({ slo }: { slo: Slo }) {
  const { budget, indicator } = slo;
  return (
    <dl className={css.tiles}>
      <div className={css.tile}>
        <dt>Objective over {windowName(slo.window_seconds)}</dt>
        <dd>
          {percent(slo.objective)}
          <small>{indicator.good}</small>
        </dd>
      </div>
      <div className={css.tile}>
        <dt>SLI now</dt>
        <dd>
          <Queried label="SLI over the window" query={`${overWindow(indicator.good_query, slo.window_seconds)} / (${overWindow(indicator.total_query, slo.window_seconds)})`}>
            {percent(slo.sli)}
          </Queried>
          <small>
            {count(budget.bad_events)} bad of {count(budget.total_events)} {indicator.total}
          </small>
        </dd>
      </div>
      <div className={css.tile}>
        <dt>Error budget left</dt>
        <dd>
          {percent(budget.left_ratio, 1)} <BudgetBar ratio={budget.left_ratio} />
          <small>
            {count(budget.left_events)} of {count(budget.allowed_events)} events · {duration(budget.left_minutes == null ? null : budget.left_minutes * 60)} of {duration(budget.allowed_minutes * 60)}
          </small>
        </dd>
      </div>
      <div className={css.tile}>
        <dt>Budget gone in</dt>
        <dd>
          {slo.state === "exhausted" ? "it is gone" : slo.time_to_exhaustion_seconds == null ? "not spent down" : duration(slo.time_to_exhaustion_seconds)}
          <small>
            at the present burn; last event <Time at={slo.last_event_at} relative />
          </small>
        </dd>
      </div>
    </dl>
  );
}

function Charts({ slo }: { slo: Slo }) {
  const { range, seconds } = useScope();
  const history = useQuery(historyQuery(slo.name, seconds, stepSeconds(seconds)));
  const markers = useMarkers(slo);
  return (
    <Loaded query={history} what="the history">
      {(data) => <HistoryCharts slo={slo} history={data} markers={markers} range={range} />}
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

function HistoryCharts({ slo, history, markers, range }: { slo: Slo; history: SloHistory; markers: Marker[]; range: string }) {
  const { points, step_seconds: step } = history;
  const left = useMemo(() => budgetLeft(points, slo.budget, step, slo.window_seconds), [points, slo.budget, step, slo.window_seconds]);
  const rate = useMemo(() => rates(points, step), [points, step]);
  const leftLine = useMemo(() => [{ label: "budget left", values: left.value, color: "--chart-1", fill: true }], [left]);
  const totalLine = useMemo(() => [{ label: "requests a second", values: rate.total, color: "--chart-1" }], [rate]);
  const badLine = useMemo(() => [{ label: "bad", values: rate.ratio, color: "--chart-2", fill: true }], [rate]);
  const perSecond = (value: number | null | undefined) => (value == null ? "–" : value < 10 ? value.toFixed(1) : count(value));
  return (
    <>
      <Panel
        title="Error budget"
        note={`last ${range}, each point ${duration(step)}${slo.backfilled ? " · part of the window was back-filled" : ""}`}
      >
        <TimeSeries
          label={`Error budget left over the last ${range}; now ${percent(slo.budget.left_ratio)}`}
          at={left.at}
          lines={leftLine}
          format={(value) => percent(value, 1)}
          limit={{ value: 0, label: "exhausted" }}
          markers={markers}
        />
      </Panel>
      <div className={`${ui.columns} ${ui.even}`}>
        <Panel title={<Queried label="Requests a second" query={slo.indicator.total_query}>Requests</Queried>} note={slo.indicator.total}>
          <TimeSeries label={`Requests a second over the last ${range}`} at={rate.at} lines={totalLine} format={perSecond} markers={markers} min={0} />
        </Panel>
        <Panel title={<Queried label="Share of bad events" query={`1 - (${slo.indicator.good_query}) / (${slo.indicator.total_query})`}>Errors</Queried>} note="share of requests that were bad">
          <TimeSeries
            label={`Share of bad requests over the last ${range}`}
            at={rate.at}
            lines={badLine}
            format={(value) => percent(value)}
            limit={{ value: 1 - slo.objective, label: `allowed ${percent(1 - slo.objective)}` }}
            markers={markers}
            min={0}
          />
        </Panel>
      </div>
    </>
  );
}

function BurnTable({ slo }: { slo: Slo }) {
  return (
    <Panel title="Burn rates" note="fires when both windows reach the threshold">
      <div className={ui.scroll} tabIndex={0} role="region" aria-label="Burn rates">
        <table className={ui.table}>
          <thead>
            <tr>
              <th scope="col">State</th>
              <th scope="col">Severity</th>
              <th scope="col" className={ui.num}>
                Threshold
              </th>
              <th scope="col" className={ui.num}>
                Long
              </th>
              <th scope="col" className={ui.num}>
                Short
              </th>
              <th scope="col" className={ui.num}>
                Bad, long
              </th>
              <th scope="col" className={ui.num}>
                All gone in
              </th>
              <th scope="col">Since</th>
            </tr>
          </thead>
          <tbody>
            {slo.burns.map((row) => (
              <BurnRow key={row.threshold} row={row} />
            ))}
          </tbody>
        </table>
      </div>
    </Panel>
  );
}

function BurnRow({ row }: { row: Burn }) {
  return (
    <tr>
      <td>
        {row.firing ? (
          <Pill tone="bad" icon="fire">
            firing
          </Pill>
        ) : row.held_back ? (
          <span title={row.held_back}>
            <Pill tone="warn" icon="pause">
              held back
            </Pill>
            <p className={ui.muted}>{row.held_back}</p>
          </span>
        ) : row.long.burn == null ? (
          <Pill tone="unknown" icon="question">
            no events
          </Pill>
        ) : (
          <Pill tone="ok" icon="check">
            quiet
          </Pill>
        )}
      </td>
      <td>{word(row.severity)}</td>
      <td className={ui.num}>{burn(row.threshold)}</td>
      <Window window={row.long} />
      <Window window={row.short} />
      <td className={ui.num}>
        {count(row.long.bad_events)} of {count(row.long.total_events)}
      </td>
      <td className={ui.num}>{duration(row.exhaustion_seconds)}</td>
      <td>{row.since ? <Time at={row.since} /> : <span className={ui.muted}>–</span>}</td>
    </tr>
  );
}

function Window({ window }: { window: BurnWindow }) {
  const name = windowName(window.window_seconds);
  return (
    <td className={ui.num}>
      <Queried label={`Burn over ${name}`} query={window.query}>
        {burn(window.burn)}
      </Queried>{" "}
      <span className={ui.muted}>{name}</span>
    </td>
  );
}

function Configuration({ slo }: { slo: Slo }) {
  return (
    <Panel title="Configuration" note={`${slo.source.path}:${slo.source.line}, read-only here: change it in the production repo`} actions={<CopyButton text={slo.source.text} />}>
      <pre className={css.source} tabIndex={0} role="region" aria-label="OpenSLO document">
        <code>{slo.source.text}</code>
      </pre>
    </Panel>
  );
}
