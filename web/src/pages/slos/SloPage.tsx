// One SLO: what is promised, what was kept, how fast the budget goes, and the query behind each number.

import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { sloQuery } from "../../api/queries";
import type { Burn, BurnWindow, Indicator, Slo } from "../../api/schema";
import { burn, count, duration, windowName, word } from "../../lib/format";
import { overWindow } from "../../lib/promql";
import { useTitle } from "../../shell/scope";
import { buttonClass, CopyButton, css as ui, Loaded, Panel, Pill, State } from "../../ui/basics";
import { Queried } from "../../ui/overlay";
import { Time } from "../../ui/time";
import { Charts } from "./Charts";
import { labelsOf } from "./list";
import css from "./slos.module.css";
import { Tiles } from "./Tiles";

const route = getRouteApi("/slos/$name");

export function SloPage() {
  const { name } = route.useParams();
  useTitle(name);
  const slo = useQuery(sloQuery(name));
  return (
    <main className={ui.page} id="main" tabIndex={-1} data-timed>
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
        <Link to="/services" search={{ peek: slo.service, peek_env: slo.environment }}>
          {slo.service} · {slo.environment}
        </Link>
        <span className={ui.muted}>owner: {slo.owner ?? "none"}</span>
        <Link to="/deploys" search={{ service: slo.service, env: slo.environment }} className={buttonClass("plain", true)}>
          Gate and deploys
        </Link>
      </div>
      <p>
        {slo.reason}
        {labelsOf(slo).map((label) => (
          <Link key={label} to="/slos" search={{ q: label }} className={css.label} title="All SLOs with this label">
            {label}
          </Link>
        ))}
      </p>
      {slo.description && <p className={ui.sub}>{slo.description}</p>}
    </div>
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
              <BurnRow key={row.threshold} row={row} indicator={slo.indicator} />
            ))}
          </tbody>
        </table>
      </div>
    </Panel>
  );
}

function BurnRow({ row, indicator }: { row: Burn; indicator: Indicator }) {
  const seconds = row.long.window_seconds;
  const total = overWindow(indicator.total_query, seconds);
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
        <Queried label={`Bad events of ${windowName(seconds)}`} query={`${total} - ${overWindow(indicator.good_query, seconds)}`}>
          {count(row.long.bad_events)}
        </Queried>{" "}
        of{" "}
        <Queried label={`Events of ${windowName(seconds)}`} query={total}>
          {count(row.long.total_events)}
        </Queried>
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
