// Cardinality: which metrics, labels and values make the series, how near the limits are, and what was refused.

import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { useEffect, useMemo, useState, type FormEvent } from "react";
import { flagsQuery, tsdbQuery, type Share, type TsdbStatus } from "../../api/prom";
import { rootUrl } from "../../api/client";
import { bytes, count, percent, word } from "../../lib/format";
import { useTitle } from "../../shell/scope";
import { Button, buttonClass, css as ui, cx, Empty, Loaded, Panel, Pill } from "../../ui/basics";
import { Icon } from "../../ui/icons";
import { Time } from "../../ui/time";
import { largestService, limits, narrowed, ownMetrics, pairOf, refusals, TOPS, type OwnMetric } from "./cardinality";
import css from "./cardinality.module.css";
import shared from "./explore.module.css";
import { Focused } from "./Focused";
import { labelName, quoted, selectorOf } from "./selector";
import { ShareTable } from "./ShareTable";

const route = getRouteApi("/explore/cardinality");
const TOP = 20;

export function CardinalityPage() {
  useTitle("Cardinality");
  const { top = TOP, match, label } = route.useSearch();
  const navigate = route.useNavigate();
  const set = (change: { top?: number | undefined; match?: string | undefined; label?: string | undefined }) => void navigate({ search: (old) => ({ ...old, ...change }) as never, resetScroll: false });
  const status = useQuery(tsdbQuery(top));
  const own = useOwn();
  const focused = match !== undefined || label !== undefined;
  return (
    <main className={ui.page} id="main" tabIndex={-1}>
      <div className={ui.pageHead}>
        <h1>Cardinality</h1>
        <span className={ui.grow} />
        <Match match={match} label={label} onChange={set} />
        <label className={shared.choice}>
          <span>Top</span>
          <select value={top} onChange={(event) => set({ top: Number(event.target.value) })}>
            {TOPS.map((one) => (
              <option key={one}>{one}</option>
            ))}
          </select>
        </label>
        <Link to="/explore" className={buttonClass("plain", true)}>
          Explore
        </Link>
      </div>
      <Loaded query={status} what="the statistics of the store">
        {(data) => (
          <>
            <Head status={data} own={own} />
            <Refused own={own} onLabel={(one) => set({ label: one, match: undefined })} />
            {focused ? <Focused match={match} label={label} top={top} onMatch={(next) => set({ match: next })} onLabel={(next) => set({ label: next })} /> : data === null ? <Missing top={top} set={set} /> : <Tops status={data} set={set} />}
          </>
        )}
      </Loaded>
    </main>
  );
}

/** What this server says about itself; nothing where it does not. */
function useOwn(): OwnMetric[] {
  return (
    useQuery({
      queryKey: ["own metrics"],
      queryFn: async ({ signal }) => {
        const response = await fetch(new URL("metrics", rootUrl), { credentials: "same-origin", signal });
        return response.ok ? ownMetrics(await response.text()) : [];
      },
      refetchInterval: 30_000,
      retry: false,
    }).data ?? NONE
  );
}

const NONE: OwnMetric[] = [];

function Match({ match, label, onChange }: { match: string | undefined; label: string | undefined; onChange: (change: { match?: string | undefined; label?: string | undefined }) => void }) {
  const [text, setText] = useState(match ?? "");
  useEffect(() => setText(match ?? ""), [match]);
  const send = (event: FormEvent) => {
    event.preventDefault();
    onChange({ match: text.trim() || undefined });
  };
  return (
    <form className={css.match} onSubmit={send}>
      <input className={ui.input} data-filter value={text} onChange={(event) => setText(event.target.value)} placeholder='Only series of, such as {job="web"}' aria-label="Only series of this selector" autoComplete="off" spellCheck={false} />
      <Button small type="submit">
        Focus
      </Button>
      {(match ?? label) !== undefined && (
        <Button small look="quiet" onClick={() => onChange({ match: undefined, label: undefined })}>
          <Icon name="cross" size={13} /> All series
        </Button>
      )}
    </form>
  );
}

function Head({ status, own }: { status: TsdbStatus | null; own: OwnMetric[] }) {
  const head = status?.headStats;
  const flags = useQuery(flagsQuery).data;
  const known = useMemo(() => limits(own, flags, head?.numSeries, largestService(status?.seriesCountByLabelValuePair)), [own, flags, head?.numSeries, status]);
  if (!head && known.length === 0) return null;
  return (
    <dl className={css.tiles}>
      {head && (
        <>
          <Tile name="Series" value={count(head.numSeries)} />
          <Tile name="Label pairs" value={count(head.numLabelPairs)} />
          <Tile name="Chunks" value={count(head.chunkCount)} />
          <div>
            <dt>Samples from, to</dt>
            <dd className={css.times}>
              {head.maxTime > 0 && head.minTime < Number.MAX_SAFE_INTEGER ? (
                <>
                  <Time at={new Date(head.minTime).toISOString()} /> <Time at={new Date(head.maxTime).toISOString()} />
                </>
              ) : (
                "none yet"
              )}
            </dd>
          </div>
        </>
      )}
      {known.map(({ name, used, limit }) => {
        const share = used === undefined ? undefined : used / limit;
        return (
          <div key={name}>
            <dt>
              Limit <code>{name}</code>
            </dt>
            <dd>
              {used === undefined ? count(limit) : percent(used / limit, 1)} {used !== undefined && <small className={ui.muted}>of {count(limit)}</small>}
              {share !== undefined && (
                <span className={css.gauge} data-near={share > 0.8} role="img" aria-label={`${percent(share, 0)} used`}>
                  <i style={{ width: `${Math.min(100, share * 100)}%` }} />
                </span>
              )}
            </dd>
          </div>
        );
      })}
    </dl>
  );
}

function Tile({ name, value }: { name: string; value: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}

function Refused({ own, onLabel }: { own: OwnMetric[]; onLabel: (label: string) => void }) {
  const found = refusals(own);
  if (found.length === 0) return null;
  return (
    <Panel title="Refused" note="since the server started; old series go on">
      <div className={ui.scroll} tabIndex={0} role="region" aria-label="Refused">
        <table className={ui.table}>
          <thead>
            <tr>
              <th scope="col">Reason</th>
              <th scope="col">Label that exploded</th>
              <th scope="col">Service</th>
              <th scope="col" className={ui.num}>
                Refused
              </th>
            </tr>
          </thead>
          <tbody>
            {found.map((one) => (
              <tr key={`${one.reason} ${one.label} ${one.service} ${one.what}`}>
                <td>
                  <Pill tone="bad" icon="cross">
                    {word(one.reason)}
                  </Pill>
                </td>
                <td className={ui.mono}>
                  {one.label === undefined ? (
                    <span className={ui.muted}>–</span>
                  ) : (
                    <Button small look="quiet" onClick={() => onLabel(one.label ?? "")}>
                      {one.label}
                    </Button>
                  )}
                </td>
                <td>{one.service ?? <span className={ui.muted}>–</span>}</td>
                <td className={ui.num}>
                  {count(one.total)} {one.what}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </Panel>
  );
}

type Set = (change: { match?: string | undefined; label?: string | undefined }) => void;

function Missing({ top, set }: { top: number; set: Set }) {
  return (
    <Empty title="This server keeps no statistics of its store." command={`evenkeel query 'topk(${top}, count by (__name__) ({__name__!=""}))'`}>
      It answers nothing at <code>/api/v1/status/tsdb</code>. The series can still be counted by a query:{" "}
      <Button small onClick={() => set({ match: '{__name__!=""}' })}>
        Count all series
      </Button>
    </Empty>
  );
}

function Tops({ status, set }: { status: TsdbStatus; set: Set }) {
  const series = status.headStats?.numSeries ?? 0;
  if (series === 0 && (status.seriesCountByMetricName ?? []).length === 0)
    return (
      <Empty title="No series is stored yet.">
        Send some by OTLP, by remote write or by scraping: <Link to="/connect">Connect</Link> has the commands.
      </Empty>
    );
  const rows = (shares: Share[] | undefined) => shares ?? [];
  return (
    <div className={cx(ui.columns, ui.even)}>
      <div className={ui.stack}>
        <ShareTable
          title="Metrics by series"
          unit="series"
          total={series}
          rows={rows(status.seriesCountByMetricName).map(({ name, value }) => ({ name, value, focus: () => set({ match: selectorOf({ metric: name, values: {} }) }), query: selectorOf({ metric: name, values: {} }) ?? name }))}
        />
        <ShareTable
          title="Label pairs by series"
          unit="series"
          total={series}
          rows={rows(status.seriesCountByLabelValuePair).map(({ name, value }) => {
            const pair = pairOf(name);
            return { name, value, focus: () => set({ match: narrowed(undefined, pair.label, pair.value) }), query: `topk(20, count by (__name__) ({${pair.label === "__name__" ? "__name__" : labelName(pair.label)}=${quoted(pair.value)}}))` };
          })}
        />
      </div>
      <div className={ui.stack}>
        <ShareTable
          title="Labels by values"
          unit="values"
          rows={rows(status.labelValueCountByLabelName).map(({ name, value }) => ({ name, value, focus: () => set({ label: name }), query: `topk(20, count by (${labelName(name)}) ({${labelName(name)}!=""}))` }))}
        />
        <ShareTable
          title="Labels by memory"
          unit="bytes"
          format={bytes}
          rows={rows(status.memoryInBytesByLabelName).map(({ name, value }) => ({ name, value, focus: () => set({ label: name }), query: `topk(20, count by (${labelName(name)}) ({${labelName(name)}!=""}))` }))}
        />
      </div>
    </div>
  );
}
