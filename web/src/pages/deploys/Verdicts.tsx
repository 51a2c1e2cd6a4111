// What the gate said, and why.

import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { verdictQuery, verdictsQuery } from "../../api/queries";
import type { GateOutcome, GateVerdict } from "../../api/schema";
import { useScope } from "../../shell/scope";
import { Command, css as ui, Empty, Loaded, Panel, State } from "../../ui/basics";
import { Time } from "../../ui/time";
import css from "./deploys.module.css";

const route = getRouteApi("/deploys");

const OUTCOMES: (GateOutcome | undefined)[] = [undefined, "block", "inconclusive", "allow"];

export function Verdicts() {
  const scope = useScope();
  const { outcome } = route.useSearch();
  const verdicts = useQuery(verdictsQuery(scope));
  return (
    <Panel
      title="Gate verdicts"
      actions={OUTCOMES.map((value) => (
        <Link key={value ?? "all"} to="/deploys" search={(old) => ({ ...old, outcome: value })} className={`${ui.button} ${ui.small} ${ui.quiet}`} aria-current={value === outcome ? "true" : undefined} resetScroll={false}>
          {value === outcome ? <strong>{value ?? "all"}</strong> : (value ?? "all")}
        </Link>
      ))}
    >
      <Loaded query={verdicts} what="verdicts">
        {(list) => {
          const shown = list.items.filter((item) => outcome === undefined || item.outcome === outcome);
          if (shown.length === 0)
            return (
              <Empty title={list.items.length === 0 ? "The gate was not asked yet." : "No verdict of this kind."} command="evenkeel gate check --service checkout --version 1.9.1 --env production">
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

/** The one that the address names, also where the lists do not have it. */
export function OneVerdict({ id }: { id: string }) {
  const list = useQuery(verdictsQuery(useScope()));
  const listed = list.data?.items.find((item) => item.id === id);
  const asked = useQuery({ ...verdictQuery(id), enabled: list.isFetched && listed === undefined });
  if (listed) return <VerdictView verdict={listed} />;
  return (
    <Loaded query={asked} what="the verdict">
      {(data) => <VerdictView verdict={data} />}
    </Loaded>
  );
}

export function VerdictView({ verdict }: { verdict: GateVerdict }) {
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
