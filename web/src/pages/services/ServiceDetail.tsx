// One service, in the drawer.

import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { deploysQuery } from "../../api/queries";
import type { Service } from "../../api/schema";
import { count, duration, percent } from "../../lib/format";
import { css as ui, Empty, State } from "../../ui/basics";
import { Time } from "../../ui/time";

const DEPLOYS_SHOWN = 5;

export function ServiceDetail({ service }: { service: Service }) {
  const { requests } = service;
  return (
    <div className={ui.stack}>
      {service.description && <p>{service.description}</p>}
      <dl className={ui.facts}>
        <dt>State</dt>
        <dd>{service.slo_state ? <State value={service.slo_state} /> : "no SLO"}</dd>
        {service.open_incident && (
          <>
            <dt>Incident</dt>
            <dd>
              <Link to="/incidents/$id" params={{ id: service.open_incident }}>
                open
              </Link>
            </dd>
          </>
        )}
        <dt>Environment</dt>
        <dd>{service.environment}</dd>
        <dt>Owner</dt>
        <dd>{service.owner ?? "none; the catalogue names owners"}</dd>
        <dt>Requests</dt>
        <dd>{requests ? `${count(requests.per_second)} a second, ${percent(requests.error_ratio)} bad` : "no telemetry in the last 5 minutes"}</dd>
        <dt>Latency</dt>
        <dd>{requests ? `p50 ${duration(requests.p50_seconds)}, p95 ${duration(requests.p95_seconds)}` : "–"}</dd>
        <dt>Versions</dt>
        <dd>{service.versions.length === 0 ? "–" : service.versions.map((version) => `${version.version} on ${version.instances}`).join(", ")}</dd>
        <dt>Depends on</dt>
        <dd>{service.depends_on.length === 0 ? "nothing that the catalogue names" : service.depends_on.join(", ")}</dd>
        <dt>Last seen</dt>
        <dd>
          <Time at={service.last_seen_at} relative />
        </dd>
      </dl>
      <section className={ui.stack}>
        <h3>SLOs</h3>
        {service.slos.length === 0 ? (
          <Empty title="Nothing is promised for this service." />
        ) : (
          <ul>
            {service.slos.map((name) => (
              <li key={name}>
                <Link to="/slos/$name" params={{ name }}>
                  {name}
                </Link>
              </li>
            ))}
          </ul>
        )}
      </section>
      <RecentDeploys service={service} />
      {service.links.length > 0 && (
        <ul>
          {service.links.map((link) => (
            <li key={link.url}>
              <a href={link.url} target="_blank" rel="noreferrer">
                {link.title}
              </a>
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}

function RecentDeploys({ service }: { service: Service }) {
  const deploys = useQuery(deploysQuery({ service: service.name, env: service.environment })).data?.items ?? [];
  return (
    <section className={ui.stack}>
      <h3>Latest deploys</h3>
      {deploys.length === 0 ? (
        <p className={ui.muted}>None was recorded.</p>
      ) : (
        <ul>
          {deploys.slice(0, DEPLOYS_SHOWN).map((deploy) => (
            <li key={deploy.id}>
              {deploy.version} <State value={deploy.state} />{" "}
              <span className={ui.muted}>
                <Time at={deploy.started_at} /> by {deploy.by.id}
              </span>
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}
