// All incidents, newest first.

import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { incidentsQuery, useIncidentChange } from "../../api/queries";
import type { IncidentSummary } from "../../api/schema";
import { percent } from "../../lib/format";
import { focusedIncident, useShortcut } from "../../shell/keys";
import { inScope, useScope, useTitle } from "../../shell/scope";
import { css as ui, Empty, Loaded, Panel, State } from "../../ui/basics";
import { Elapsed, Time } from "../../ui/time";
import { Acknowledge } from "./Acknowledge";

const route = getRouteApi("/incidents");
const TABS = [
  [undefined, "All"],
  ["open", "Open"],
  ["resolved", "Resolved"],
] as const;

export function IncidentListPage() {
  useTitle("Incidents");
  const scope = useScope();
  const { status } = route.useSearch();
  const incidents = useQuery(incidentsQuery(status));
  const acknowledge = useIncidentChange("acknowledge");
  useShortcut("a", () => {
    const id = focusedIncident();
    if (id !== undefined && incidents.data?.items.some((item) => item.id === id && !item.acknowledged && item.status !== "resolved")) acknowledge.mutate({ id, body: {} });
  });
  return (
    <main className={ui.page} id="main" tabIndex={-1}>
      <h1>Incidents</h1>
      <Panel
        title={status === undefined ? "All" : status === "open" ? "Open" : "Resolved"}
        actions={TABS.map(([value, label]) => (
          <Link key={label} to="/incidents" search={(old) => ({ ...old, status: value })} className={`${ui.button} ${ui.small}`} aria-current={value === status ? "page" : undefined}>
            {label}
          </Link>
        ))}
      >
        <Loaded query={incidents} what="incidents">
          {(list) => <Rows items={list.items.filter((item) => inScope(scope, item))} />}
        </Loaded>
      </Panel>
    </main>
  );
}

function Rows({ items }: { items: IncidentSummary[] }) {
  if (items.length === 0)
    return (
      <Empty title="No incident here." command="evenkeel incident list">
        A burn that pages opens one by itself.
      </Empty>
    );
  return (
    <div className={ui.scroll} tabIndex={0} role="region" aria-label="Incidents">
      <table className={ui.table}>
        <thead>
          <tr>
            {["Severity", "Incident", "Status", "Began", "Lasted", "Bad", "Assignee", "Acknowledged"].map((label) => (
              <th key={label} scope="col" className={label === "Bad" ? ui.num : undefined}>
                {label}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {items.map((item) => (
            <tr key={item.id} data-incident={item.id}>
              <td>
                <State value={item.severity} />
              </td>
              <td>
                <Link to="/incidents/$id" params={{ id: item.id }} data-row className={ui.strong}>
                  {item.title}
                </Link>
                <p className={ui.muted}>
                  {item.number} · {item.service} · {item.environment}
                  {item.top_suspect && <> · suspect: {item.top_suspect}</>}
                </p>
              </td>
              <td>
                <State value={item.status} />
              </td>
              <td className={ui.nowrap}>
                <Time at={item.impact.since} />
              </td>
              <td className={ui.nowrap}>
                <Elapsed from={item.opened_at} to={item.resolved_at} />
              </td>
              <td className={ui.num}>{percent(item.impact.bad_ratio)}</td>
              <td>{item.assignee ?? <span className={ui.muted}>nobody</span>}</td>
              <td>{item.acknowledged || item.status !== "resolved" ? <Acknowledge incident={item} small /> : <span className={ui.muted}>nobody</span>}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
