// Services: who calls whom as seen in traces, and how each is.

import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { mapQuery, servicesQuery, statusQuery } from "../../api/queries";
import type { Requests, Service } from "../../api/schema";
import { count, duration, percent } from "../../lib/format";
import { useScope, useTitle } from "../../shell/scope";
import { css as ui, Empty, Failed, Loaded, Panel, Pill, State } from "../../ui/basics";
import { Drawer } from "../../ui/overlay";
import { Time } from "../../ui/time";
import { endpointsOf } from "../connect/endpoints";
import { MapView } from "./MapView";
import { ServiceDetail } from "./ServiceDetail";

const route = getRouteApi("/services");

export function ServicesPage() {
  useTitle("Services");
  const scope = useScope();
  const { peek, peek_env: env } = route.useSearch();
  const navigate = route.useNavigate();
  const services = useQuery(servicesQuery(scope.env));
  const map = useQuery(mapQuery(scope.env, scope.seconds));
  const open = found(services.data?.items ?? [], peek, env ?? scope.env);
  const show = (name?: string, environment?: string | null) => void navigate({ search: (old) => ({ ...old, peek: name, peek_env: environment ?? undefined }), resetScroll: false });
  return (
    <main className={ui.page} id="main" tabIndex={-1}>
      <h1>Services</h1>
      <Panel title="Map" note={map.data && <>calls seen in traces <Time at={map.data.from} /> to <Time at={map.data.to} /></>}>
        <Loaded query={map} what="the map">
          {(data) => (data.nodes.length === 0 ? <NoTraces /> : <MapView map={data} focus={scope.service} onOpen={show} />)}
        </Loaded>
      </Panel>
      <Panel title="All services">
        <Loaded query={services} what="services">
          {(list) => {
            const shown = list.items.filter((service) => scope.service === undefined || service.name === scope.service);
            return shown.length === 0 ? <NoTraces /> : <Table items={shown} />;
          }}
        </Loaded>
      </Panel>
      {map.data && map.data.edges.length > 0 && (
        <Panel title="Calls" note="the map as a table">
          <div className={ui.scroll} tabIndex={0} role="region" aria-label="Calls">
            <table className={ui.table}>
              <thead>
                <tr>
                  <th scope="col">Caller</th>
                  <th scope="col">Callee</th>
                  <NumberHeads />
                </tr>
              </thead>
              <tbody>
                {map.data.edges.map((edge) => (
                  <tr key={`${edge.caller} ${edge.callee} ${(edge as { environment?: string }).environment ?? ""}`}>
                    <td>{edge.caller}</td>
                    <td>{edge.callee}</td>
                    <Numbers requests={edge.requests} />
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        </Panel>
      )}
      <Drawer open={peek !== undefined} onClose={() => show()} title={open ? `${open.name} · ${open.environment}` : (peek ?? "")}>
        <div className={ui.dialogBody}>
          {open ? <ServiceDetail service={open} /> : services.error ? <Failed error={services.error} /> : services.data ? <Empty title={`Neither the catalogue nor telemetry knows this service${env ? ` in ${env}` : ""}.`} /> : null}
        </div>
      </Drawer>
    </main>
  );
}

/** The one of this environment, else the first of the name. */
function found(services: Service[], name: string | undefined, environment: string | undefined): Service | undefined {
  const named = services.filter((service) => service.name === name);
  return named.find((service) => service.environment === environment) ?? (environment === undefined ? named[0] : undefined);
}

function NoTraces() {
  const status = useQuery(statusQuery).data;
  return (
    <Empty title="No service was seen yet." {...(status ? { command: `export OTEL_EXPORTER_OTLP_ENDPOINT=${endpointsOf(status).otlpHttp}` } : {})}>
      Services appear when their telemetry arrives or the catalogue names them. <Link to="/connect">Connect your first service</Link>, or begin with:
    </Empty>
  );
}

function NumberHeads() {
  return (
    <>
      {["Requests/s", "Errors", "p50", "p95"].map((label) => (
        <th key={label} scope="col" className={ui.num}>
          {label}
        </th>
      ))}
    </>
  );
}

function Numbers({ requests }: { requests: Requests | null | undefined }) {
  if (!requests)
    return (
      <td className={`${ui.num} ${ui.muted}`} colSpan={4}>
        no telemetry
      </td>
    );
  return (
    <>
      <td className={ui.num}>{requests.per_second < 10 ? requests.per_second.toFixed(1) : count(requests.per_second)}</td>
      <td className={ui.num}>{percent(requests.error_ratio)}</td>
      <td className={ui.num}>{duration(requests.p50_seconds)}</td>
      <td className={ui.num}>{duration(requests.p95_seconds)}</td>
    </>
  );
}

function Table({ items }: { items: Service[] }) {
  return (
    <div className={ui.scroll} tabIndex={0} role="region" aria-label="Services">
      <table className={ui.table}>
        <thead>
          <tr>
            {["Service", "SLOs", "Incident", "Versions"].map((label) => (
              <th key={label} scope="col">
                {label}
              </th>
            ))}
            <NumberHeads />
            <th scope="col">Owner</th>
            <th scope="col">Last seen</th>
          </tr>
        </thead>
        <tbody>
          {items.map((service) => (
            <tr key={`${service.name} ${service.environment}`}>
              <td>
                <Link to="/services" search={(old) => ({ ...old, peek: service.name, peek_env: service.environment })} resetScroll={false} data-row className={ui.strong}>
                  {service.name}
                </Link>{" "}
                <span className={ui.muted}>{service.environment}</span>
                {!service.in_catalog && <p className={ui.muted}>not in the catalogue</p>}
              </td>
              <td>{service.slo_state ? <State value={service.slo_state} /> : <span className={ui.muted}>no SLO</span>}</td>
              <td>
                {service.open_incident ? (
                  <Link to="/incidents/$id" params={{ id: service.open_incident }}>
                    open
                  </Link>
                ) : (
                  <span className={ui.muted}>none</span>
                )}
              </td>
              <td className={ui.nowrap}>
                {service.versions.map((version) => (
                  <p key={version.version}>
                    {version.version} <span className={ui.muted}>×{version.instances}</span>
                  </p>
                ))}
              </td>
              <Numbers requests={service.requests} />
              <td>{service.owner ?? <span className={ui.muted}>none</span>}</td>
              <td className={ui.nowrap}>
                {service.telemetry_present ? (
                  <Time at={service.last_seen_at} relative />
                ) : (
                  <Pill tone="unknown" icon="question">
                    silent
                  </Pill>
                )}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
