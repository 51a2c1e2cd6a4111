// One deploy, in the drawer: who, what before, by which verdict, what it did to the promises, and the way back.

import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useMemo, useState } from "react";
import { historyQuery, incidentQuery, incidentsQuery, slosQuery } from "../../api/queries";
import type { Deploy, RollbackOffer, Slo } from "../../api/schema";
import { burn, duration } from "../../lib/format";
import { css as ui, Empty, Loaded, State } from "../../ui/basics";
import { Time } from "../../ui/time";
import { RollBackButton, RollBackDialog } from "../incidents/RollBack";
import { burnsAround, tookSeconds, type Passed } from "./gate";
import { GateCell } from "./DeployTable";

const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;

interface Props {
  deploy: Deploy;
  passed: Passed | undefined;
  newest: boolean;
}

export function DeployDetail({ deploy, passed, newest }: Props) {
  const took = tookSeconds(deploy);
  return (
    <div className={ui.stack}>
      <dl className={ui.facts}>
        <dt>State</dt>
        <dd>
          <State value={deploy.state} /> {deploy.rolls_back && "rolls a deploy back"}
        </dd>
        <dt>Version</dt>
        <dd>
          {deploy.previous_version && <span className={ui.muted}>{deploy.previous_version} → </span>}
          <strong>{deploy.version}</strong>
        </dd>
        <dt>Environment</dt>
        <dd>{deploy.environment}</dd>
        <dt>Started</dt>
        <dd>
          <Time at={deploy.started_at} />
          {took !== undefined && <>, took {duration(took)}</>}
        </dd>
        <dt>By</dt>
        <dd>
          {deploy.by.id} via {deploy.by.via}
        </dd>
        {deploy.url && (
          <>
            <dt>Change</dt>
            <dd>
              <a href={deploy.url} target="_blank" rel="noreferrer">
                {deploy.url}
              </a>
            </dd>
          </>
        )}
        <dt>Gate</dt>
        <dd>
          <GateCell passed={passed} />
          {passed?.verdict && <p className={ui.muted}>{passed.verdict.sentence}</p>}
        </dd>
      </dl>
      <Effect deploy={deploy} />
      {newest && <WayBack deploy={deploy} />}
      <Link to="/services" search={{ peek: deploy.service, peek_env: deploy.environment }}>
        {deploy.service} in {deploy.environment}
      </Link>
    </div>
  );
}

function Effect({ deploy }: { deploy: Deploy }) {
  const slos = useQuery(slosQuery);
  return (
    <section className={ui.stack}>
      <h3>What it did to the SLOs</h3>
      <Loaded query={slos} what="SLOs">
        {(list) => {
          const own = list.items.filter((slo) => slo.service === deploy.service && slo.environment === deploy.environment);
          if (own.length === 0) return <Empty title="Nothing is promised for this service." />;
          return (
            <table className={ui.table}>
              <thead>
                <tr>
                  <th scope="col">SLO</th>
                  <th scope="col" className={ui.num}>
                    Burn, hour before
                  </th>
                  <th scope="col" className={ui.num}>
                    Hour after
                  </th>
                </tr>
              </thead>
              <tbody>
                {own.map((slo) => (
                  <EffectRow key={slo.name} slo={slo} at={Date.parse(deploy.started_at)} />
                ))}
              </tbody>
            </table>
          );
        }}
      </Loaded>
    </section>
  );
}

function EffectRow({ slo, at }: { slo: Slo; at: number }) {
  const fixed = useMemo(() => ({ from: at - HOUR_MS, to: Math.min(at + HOUR_MS, Math.ceil(Date.now() / MINUTE_MS) * MINUTE_MS) }), [at]);
  const history = useQuery(historyQuery(slo.name, { seconds: 0, fixed }, 10)).data;
  const burns = history && burnsAround(history.points, at, slo.objective);
  const worse = burns?.after !== undefined && burns.after > Math.max(1, 2 * (burns.before ?? 0));
  return (
    <tr>
      <td>
        <Link to="/slos/$name" params={{ name: slo.name }}>
          {slo.name}
        </Link>
      </td>
      <td className={ui.num}>{burn(burns?.before)}</td>
      <td className={ui.num}>
        {worse ? <strong className={ui.badText}>{burn(burns?.after)}</strong> : burn(burns?.after)}
      </td>
    </tr>
  );
}

/** The open incident's offer, where it is about this deploy. */
function WayBack({ deploy }: { deploy: Deploy }) {
  const open = useQuery(incidentsQuery("open")).data?.items.filter((item) => item.service === deploy.service && item.environment === deploy.environment) ?? [];
  return open.map((summary) => <Offer key={summary.id} id={summary.id} deploy={deploy} />);
}

function Offer({ id, deploy }: { id: string; deploy: Deploy }) {
  const offer: RollbackOffer | null | undefined = useQuery(incidentQuery(id)).data?.rollback;
  const [asking, setAsking] = useState(false);
  if (offer?.deploy.id !== deploy.id) return null;
  return (
    <>
      <RollBackButton offer={offer} onClick={() => setAsking(true)} />
      <RollBackDialog id={id} offer={offer} open={asking} onClose={() => setAsking(false)} />
    </>
  );
}
