// Now: is it bad, for whom, since when, what changed, what do I do.

import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { incidentsQuery, slosQuery, useIncidentChange } from "../../api/queries";
import type { IncidentSummary, Slo } from "../../api/schema";
import { burn, duration, percent } from "../../lib/format";
import { focusedIncident, useShortcut } from "../../shell/keys";
import { inScope, useScope, useTitle } from "../../shell/scope";
import { cx, css as ui, Empty, Loaded, Panel, State } from "../../ui/basics";
import { Icon } from "../../ui/icons";
import { Elapsed } from "../../ui/time";
import { Acknowledge } from "../incidents/Acknowledge";
import { Changes } from "./Changes";
import { Health } from "./Health";
import css from "./now.module.css";

export function NowPage() {
  useTitle("Now");
  const scope = useScope();
  const incidents = useQuery(incidentsQuery("open"));
  const slos = useQuery(slosQuery);
  const open = incidents.data?.items.filter((incident) => inScope(scope, incident)) ?? [];
  const waiting = open.filter((incident) => !incident.acknowledged);
  const inHand = open.filter((incident) => incident.acknowledged);
  const acknowledge = useIncidentChange("acknowledge");
  useShortcut("a", () => {
    const id = focusedIncident() ?? waiting[0]?.id;
    if (waiting.some((incident) => incident.id === id) && id !== undefined) acknowledge.mutate({ id, body: {} });
  });
  return (
    <main className={ui.page} id="main" tabIndex={-1}>
      <h1 className="visually-hidden">Now</h1>
      {slos.data && incidents.data && <Verdict slos={slos.data.items.filter((slo) => inScope(scope, slo))} open={open} />}
      <div className={ui.columns}>
        <div className={ui.stack}>
          <Panel title="Needs me" note={waiting.length > 0 ? "a acknowledges" : undefined}>
            <Loaded query={incidents} what="pages">
              {() => (waiting.length === 0 ? <Empty title="No page waits for an acknowledgement." /> : <Incidents items={waiting} acknowledge />)}
            </Loaded>
          </Panel>
          <Panel title="In hand" note="open and acknowledged" actions={<Link to="/incidents">All incidents</Link>}>
            <Loaded query={incidents} what="incidents">
              {() => (inHand.length === 0 ? <Empty title={waiting.length > 0 ? "No other incident is open." : "No incident is open."} /> : <Incidents items={inHand} />)}
            </Loaded>
          </Panel>
          <Panel title="Burning now" actions={<Link to="/slos">All SLOs</Link>}>
            <Loaded query={slos} what="SLOs">
              {(list) => <Burning slos={list.items.filter((slo) => inScope(scope, slo))} />}
            </Loaded>
          </Panel>
        </div>
        <div className={ui.stack}>
          <Changes />
          <Health />
        </div>
      </div>
    </main>
  );
}

/** One sentence; not knowing is not being well. */
function Verdict({ slos, open }: { slos: Slo[]; open: IncidentSummary[] }) {
  const bad = slos.filter((slo) => slo.state === "burning" || slo.state === "exhausted");
  const unknown = slos.filter((slo) => slo.state === "insufficient_data");
  const worst = bad.toSorted((a, b) => (b.burns[0]?.long.burn ?? 0) - (a.burns[0]?.long.burn ?? 0))[0];
  const [tone, icon, title] =
    open.length > 0 || bad.length > 0
      ? (["bad", "incident", `${plural(open.length, "incident")} open, ${bad.length} of ${plural(slos.length, "SLO")} not well`] as const)
      : slos.length === 0
        ? (["unknown", "question", "Nothing is promised yet: there is no SLO"] as const)
        : unknown.length > 0
          ? (["unknown", "question", `${unknown.length} of ${plural(slos.length, "SLO")} cannot be judged for want of data`] as const)
          : (["ok", "check", slos.length === 1 ? "The SLO is within its budget" : `All ${slos.length} SLOs are within their budgets`] as const);
  return (
    <section className={cx(css.verdict, tone !== "ok" && css[tone])} aria-label="Verdict">
      <Icon name={icon} size={18} />
      <div>
        <h2>{title}</h2>
        {open[0] ? <p>{open[0].impact.sentence}</p> : worst && <p>{worst.reason}</p>}
      </div>
    </section>
  );
}

function plural(n: number, what: string): string {
  return `${n} ${what}${n === 1 ? "" : "s"}`;
}

function Incidents({ items, acknowledge = false }: { items: IncidentSummary[]; acknowledge?: boolean }) {
  return (
    <ul className={css.rows}>
      {items.map((incident) => (
        <li key={incident.id} data-incident={incident.id}>
          <State value={incident.severity} />
          <div className={css.main}>
            <Link to="/incidents/$id" params={{ id: incident.id }} data-row>
              {incident.title}
            </Link>
            <p>
              {incident.service} · {incident.environment} · <Elapsed from={incident.opened_at} />
              {incident.top_suspect && <> · suspect: {incident.top_suspect}</>}
              {!acknowledge && incident.assignee && <> · {incident.assignee}</>}
            </p>
          </div>
          {acknowledge ? <Acknowledge incident={incident} /> : <State value={incident.status} />}
        </li>
      ))}
    </ul>
  );
}

function Burning({ slos }: { slos: Slo[] }) {
  const burning = slos.filter((slo) => slo.state === "burning" || slo.state === "exhausted");
  if (slos.length === 0)
    return (
      <Empty title="There is no SLO yet." command="evenkeel apply ./production">
        An SLO says what users are promised. Write one as an OpenSLO document in the production repo and apply it.
      </Empty>
    );
  if (burning.length === 0) return <Empty title="No SLO is burning." />;
  return (
    <ul className={css.rows}>
      {burning.map((slo) => (
        <li key={slo.name}>
          <State value={slo.state} />
          <div className={css.main}>
            <Link to="/slos/$name" params={{ name: slo.name }} data-row>
              {slo.display_name || slo.name}
            </Link>
            <p>{slo.reason}</p>
          </div>
          <div className={ui.num}>
            <div className={ui.strong}>{burn(slo.burns[0]?.long.burn)}</div>
            <div className={ui.muted}>{budgetNote(slo)}</div>
          </div>
        </li>
      ))}
    </ul>
  );
}

function budgetNote(slo: Slo): string {
  const left = slo.budget.left_ratio;
  if (left != null && left < 0) return `${percent(-left, 1)} overspent`;
  return slo.time_to_exhaustion_seconds == null ? `${percent(left)} left` : `gone in ${duration(slo.time_to_exhaustion_seconds)}`;
}
