// Connect a service: snippets with this server's addresses, and whether the first data has come.

import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { useState, type ReactNode } from "react";
import { servicesQuery, statusQuery, useTestNotification } from "../../api/queries";
import type { Status } from "../../api/schema";
import { count, word } from "../../lib/format";
import { environmentsOf } from "../../lib/environments";
import { WAYS, type Way } from "../../lib/ways";
import { useScope, useTitle } from "../../shell/scope";
import { Button, Command, css as ui, Empty, Loaded, Panel, Pill, Problem } from "../../ui/basics";
import { Time } from "../../ui/time";
import css from "./connect.module.css";
import { endpointsOf } from "./endpoints";
import { labelOf, probe, snippets } from "./snippets";

const route = getRouteApi("/connect");

export function ConnectPage() {
  useTitle("Connect");
  const { way = "go" } = route.useSearch();
  const status = useQuery(statusQuery);
  return (
    <main className={ui.page} id="main" tabIndex={-1}>
      <h1>Connect your service</h1>
      <Loaded query={status} what="addresses">
        {(data) => (
          <div className={ui.columns}>
            <Ways way={way} status={data} />
            <div className={ui.stack}>
              <FirstDataPanel status={data} />
              <Addresses status={data} />
              <TestPage status={data} />
            </div>
          </div>
        )}
      </Loaded>
    </main>
  );
}

function Ways({ way, status }: { way: Way; status: Status }) {
  const at = endpointsOf(status);
  const [loadedAt] = useState(() => Date.now());
  const { protocol = "http" } = route.useSearch();
  const scope = useScope();
  const services = useQuery(servicesQuery()).data?.items ?? [];
  const service = scope.service ?? "checkout";
  const environment = scope.env ?? environmentsOf(services, service)[0] ?? environmentsOf(services)[0] ?? "production";
  const choosable = way !== "prometheus" && at.otlpGrpc !== "";
  const used = choosable ? protocol : "http";
  return (
    <div className={ui.stack}>
      <nav className={css.ways} aria-label="Ways to connect">
        {WAYS.map((item) => (
          <Link key={item} to="/connect" search={(old) => ({ ...old, way: item })} className={ui.button} aria-current={item === way ? "page" : undefined} resetScroll={false}>
            {labelOf(item)}
          </Link>
        ))}
      </nav>
      <Panel
        title={labelOf(way)}
        note={way === "prometheus" ? "metrics" : "traces, metrics, logs"}
        actions={
          choosable &&
          ([undefined, "grpc"] as const).map((value) => (
            <Link key={value ?? "http"} to="/connect" search={(old) => ({ ...old, protocol: value })} className={`${ui.button} ${ui.small} ${ui.quiet}`} aria-current={(value ?? "http") === used ? "true" : undefined} resetScroll={false}>
              {(value ?? "http") === used ? <strong>{value === "grpc" ? "gRPC" : "HTTP"}</strong> : value === "grpc" ? "gRPC" : "HTTP"}
            </Link>
          ))
        }
      >
        <ol className={css.steps}>
          {snippets(way, { at, protocol: used, service, environment }).map((snippet) => (
            <li key={snippet.title}>
              <h3>{snippet.title}</h3>
              <Command text={snippet.text} label={snippet.title} />
            </li>
          ))}
        </ol>
      </Panel>
      <Panel title="Or try the way in by hand" note="one span of a service called hello" padded>
        <Command text={probe(at, loadedAt)} />
      </Panel>
    </div>
  );
}

function FirstDataPanel({ status }: { status: Status }) {
  const { first_data: first, ingest } = status;
  const signals = [
    ["spans", first.spans_at],
    ["logs", first.logs_at],
    ["samples", first.samples_at],
  ] as const;
  return (
    <Panel title="First data seen" note="live">
      <ul className={css.signals} aria-live="polite">
        {signals.map(([signal, at]) => {
          const counts = ingest.find((item) => item.signal === signal);
          return (
            <li key={signal}>
              <span className={ui.strong}>{signal}</span>
              {at ? (
                <Pill tone="ok" icon="check">
                  <span>
                    since <Time at={at} />
                  </span>
                </Pill>
              ) : (
                <Pill tone="unknown" icon="question">
                  waiting
                </Pill>
              )}
              <span className={ui.muted}>
                {counts ? `${count(counts.accepted)} taken` : ""}
                {counts?.rejected.map((item) => ` · ${count(item.count)} refused: ${word(item.reason)}`)}
              </span>
            </li>
          );
        })}
      </ul>
      {first.services.length === 0 ? (
        <Empty title="No service has sent anything yet.">This page shows it the moment it comes.</Empty>
      ) : (
        <div className={ui.scroll} tabIndex={0} role="region" aria-label="Services by first data">
          <table className={ui.table}>
            <tbody>
              {first.services.map((seen) => (
                <tr key={`${seen.service} ${seen.environment} ${seen.signal}`}>
                  <td>
                    <Link to="/services" search={{ peek: seen.service, peek_env: seen.environment }}>
                      {seen.service}
                    </Link>{" "}
                    <span className={ui.muted}>{seen.environment}</span>
                  </td>
                  <td>{seen.signal}</td>
                  <td className={ui.num}>
                    <Time at={seen.at} />
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </Panel>
  );
}

const PURPOSES = { http: "Pages and API", otlp_grpc: "OTLP, gRPC", otlp_http: "OTLP, HTTP" } as const;

function Addresses({ status }: { status: Status }) {
  return (
    <Panel title="Addresses" padded>
      <dl className={ui.facts}>
        {status.listeners.map((listener) => (
          <FactRow key={listener.url + listener.purpose} name={PURPOSES[listener.purpose]}>
            <code>{listener.url}</code> {listener.token_required && <span className={ui.muted}>with a token</span>}
          </FactRow>
        ))}
        <FactRow name="External URL">
          <code>{status.external_url}</code>
        </FactRow>
      </dl>
    </Panel>
  );
}

function FactRow({ name, children }: { name: string; children: ReactNode }) {
  return (
    <>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </>
  );
}

/** The other end: whether a page would reach anybody. */
function TestPage({ status }: { status: Status }) {
  const test = useTestNotification();
  const { receivers } = status.notifier;
  return (
    <Panel title="Would a page reach you?">
      {receivers.length === 0 ? (
        <Empty title="There is no receiver." command="evenkeel apply ./production">
          Name one in the production repo’s <code>routing.yaml</code> and apply it:
        </Empty>
      ) : (
        <ul className={css.signals}>
          {receivers.map((receiver) => (
            <li key={receiver}>
              <span className={ui.strong}>{receiver}</span>
              <Button small onClick={() => test.mutate({ receiver })} disabled={test.isPending}>
                Send a test page
              </Button>
            </li>
          ))}
        </ul>
      )}
      <Problem error={test.error} />
      {test.data && (
        <p className={ui.panelBody} role="status">
          Queued as {test.data.notifications.join(", ")}.
        </p>
      )}
    </Panel>
  );
}
