// Deploys, and the gate that they pass.

import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import type { FormEvent } from "react";
import { deploysQuery, servicesQuery, useGateCheck, verdictQuery, verdictsQuery } from "../../api/queries";
import type { Deploy, GateOutcome, GateVerdict } from "../../api/schema";
import { useScope, useTitle } from "../../shell/scope";
import { Button, Command, css as ui, cx, Empty, Loaded, Panel, Problem, State } from "../../ui/basics";
import { Drawer } from "../../ui/overlay";
import { Elapsed, Time } from "../../ui/time";
import css from "./deploys.module.css";

const route = getRouteApi("/deploys");

export function DeploysPage() {
  useTitle("Deploys and gates");
  const { verdict } = route.useSearch();
  const navigate = route.useNavigate();
  return (
    <main className={ui.page} id="main" tabIndex={-1}>
      <h1>Deploys and gates</h1>
      <div className={cx(ui.columns, css.columns)}>
        <div className={ui.stack}>
          <DeployPanel />
          <Verdicts />
        </div>
        <GateForm />
      </div>
      <Drawer open={verdict !== undefined} onClose={() => void navigate({ search: (old) => ({ ...old, verdict: undefined }) })} title="Gate verdict">
        <div className={ui.dialogBody}>{verdict && <OneVerdict id={verdict} />}</div>
      </Drawer>
    </main>
  );
}

/** The one that the address names, also where the lists do not have it. */
function OneVerdict({ id }: { id: string }) {
  const listed = useQuery(verdictsQuery(useScope())).data?.items.find((item) => item.id === id);
  const asked = useQuery({ ...verdictQuery(id), enabled: listed === undefined });
  if (listed) return <VerdictView verdict={listed} />;
  return (
    <Loaded query={asked} what="the verdict">
      {(data) => <VerdictView verdict={data} />}
    </Loaded>
  );
}

function DeployPanel() {
  const scope = useScope();
  const deploys = useQuery(deploysQuery(scope));
  return (
    <Panel title="Deploys">
      <Loaded query={deploys} what="deploys">
        {(list) =>
          list.items.length === 0 ? (
            <Empty title="No deploy was recorded." command="evenkeel deploy record --service checkout --version 1.9.1">
              Let the pipeline record each deploy, by this command, by the API or by CDEvents:
            </Empty>
          ) : (
            <div className={ui.scroll} tabIndex={0} role="region" aria-label="Deploys">
              <table className={ui.table}>
                <thead>
                  <tr>
                    {["Service", "Version", "Env", "State", "Started", "Took", "By", "Gate"].map((label) => (
                      <th key={label} scope="col">
                        {label}
                      </th>
                    ))}
                  </tr>
                </thead>
                <tbody>
                  {list.items.map((deploy) => (
                    <DeployRow key={deploy.id} deploy={deploy} />
                  ))}
                </tbody>
              </table>
            </div>
          )
        }
      </Loaded>
    </Panel>
  );
}

function DeployRow({ deploy }: { deploy: Deploy }) {
  return (
    <tr>
      <td>
        <Link to="/services" search={{ peek: deploy.service }} data-row className={ui.strong}>
          {deploy.service}
        </Link>
      </td>
      <td className={ui.nowrap}>
        {deploy.previous_version && <span className={ui.muted}>{deploy.previous_version} → </span>}
        {deploy.url ? (
          <a href={deploy.url} target="_blank" rel="noreferrer">
            {deploy.version}
          </a>
        ) : (
          deploy.version
        )}
      </td>
      <td>{deploy.environment}</td>
      <td>
        <State value={deploy.state} /> {deploy.rolls_back && <span className={ui.muted}>rollback</span>}
      </td>
      <td className={ui.nowrap}>
        <Time at={deploy.started_at} />
      </td>
      <td className={ui.nowrap}>
        <Elapsed from={deploy.started_at} to={deploy.finished_at} />
      </td>
      <td>
        {deploy.by.id} <span className={ui.muted}>{deploy.by.via}</span>
      </td>
      <td>
        {deploy.gate ? (
          <Link to="/deploys" search={(old) => ({ ...old, verdict: deploy.gate ?? undefined })}>
            verdict
          </Link>
        ) : (
          <span className={ui.muted}>not asked</span>
        )}
      </td>
    </tr>
  );
}

const OUTCOMES: (GateOutcome | undefined)[] = [undefined, "block", "inconclusive", "allow"];

function Verdicts() {
  const scope = useScope();
  const { outcome } = route.useSearch();
  const verdicts = useQuery(verdictsQuery(scope));
  return (
    <Panel
      title="Gate verdicts"
      actions={OUTCOMES.map((value) => (
        <Link key={value ?? "all"} to="/deploys" search={(old) => ({ ...old, outcome: value })} className={`${ui.button} ${ui.small} ${ui.quiet}`} aria-current={value === outcome ? "true" : undefined} replace>
          {value === outcome ? <strong>{value ?? "all"}</strong> : (value ?? "all")}
        </Link>
      ))}
    >
      <Loaded query={verdicts} what="verdicts">
        {(list) => {
          const shown = list.items.filter((item) => outcome === undefined || item.outcome === outcome);
          if (shown.length === 0)
            return (
              <Empty title={list.items.length === 0 ? "The gate was not asked yet." : "No verdict of this kind."} command="evenkeel gate check --service checkout --version 1.9.1">
                Let the pipeline ask before it deploys; exit 0 allows, 1 blocks, 8 is inconclusive:
              </Empty>
            );
          return (
            <ul>
              {shown.map((item) => (
                <li key={item.id} className={css.verdict}>
                  <State value={item.outcome} />
                  <div>
                    <Link to="/deploys" search={(old) => ({ ...old, verdict: item.id })} data-row className={ui.strong}>
                      {item.service} {item.version}
                    </Link>{" "}
                    <span className={ui.muted}>
                      {item.environment} · <Time at={item.at} /> · {item.by.id}
                    </span>
                    <p>{item.sentence}</p>
                  </div>
                </li>
              ))}
            </ul>
          );
        }}
      </Loaded>
    </Panel>
  );
}

function VerdictView({ verdict }: { verdict: GateVerdict }) {
  return (
    <div className={ui.stack}>
      <div className={css.sentence} data-outcome={verdict.outcome}>
        <State value={verdict.outcome} />
        <p>{verdict.sentence}</p>
      </div>
      <div className={ui.scroll} tabIndex={0} role="region" aria-label="Rules">
        <table className={ui.table}>
          <thead>
            <tr>
              <th scope="col">Rule</th>
              <th scope="col">Found</th>
              <th scope="col">Limit</th>
            </tr>
          </thead>
          <tbody>
            {verdict.rules.map((rule) => (
              <tr key={rule.name}>
                <td>
                  <State value={rule.outcome} label={rule.name.replaceAll("_", " ")} />
                  <p className={ui.muted}>{rule.reason}</p>
                </td>
                <td>{rule.value}</td>
                <td>{rule.limit}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <dl className={ui.facts}>
        <dt>Asked</dt>
        <dd>
          <Time at={verdict.at} /> by {verdict.by.id} via {verdict.by.via}
        </dd>
        <dt>Fact</dt>
        <dd>#{verdict.seq}</dd>
        <dt>Configuration</dt>
        <dd>
          <code>{verdict.config_hash?.slice(0, 16) ?? "none applied"}</code>
        </dd>
      </dl>
      <Command text={`evenkeel gate check --service ${verdict.service} --version ${verdict.version} --env ${verdict.environment}`} />
    </div>
  );
}

function GateForm() {
  const check = useGateCheck();
  const scope = useScope();
  const services = useQuery(servicesQuery()).data?.items ?? [];
  const send = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const data = new FormData(event.currentTarget);
    const field = (name: string) => String(data.get(name) ?? "").trim();
    check.mutate({ service: field("service"), version: field("version"), ...(field("environment") ? { environment: field("environment") } : {}) });
  };
  return (
    <Panel title="Ask the gate" note="the verdict is recorded as a fact">
      <form className={ui.dialogBody} onSubmit={send}>
        <label className={ui.field}>
          Service
          <input name="service" className={ui.input} list="gate-services" required defaultValue={scope.service} autoComplete="off" />
        </label>
        <datalist id="gate-services">
          {[...new Set(services.map((service) => service.name))].map((name) => (
            <option key={name} value={name} />
          ))}
        </datalist>
        <label className={ui.field}>
          Version
          <input name="version" className={ui.input} required autoComplete="off" />
        </label>
        <label className={ui.field}>
          Environment
          <input name="environment" className={ui.input} defaultValue={scope.env ?? "prod"} autoComplete="off" />
        </label>
        <Problem error={check.error} />
        <div className={ui.dialogFoot}>
          <Button type="submit" look="primary" disabled={check.isPending}>
            May it go out?
          </Button>
        </div>
        <div aria-live="polite">{check.data && <VerdictView verdict={check.data} />}</div>
      </form>
    </Panel>
  );
}
