// The incident room: what is hurt, what happened, who was told, what did it, and what to do about it.

import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { useState } from "react";
import { incidentQuery, timelineQuery, useIncidentChange } from "../../api/queries";
import type { Incident, Severity } from "../../api/schema";
import { copyText } from "../../lib/clipboard";
import { budgetPercent, duration, percent } from "../../lib/format";
import { useShortcut } from "../../shell/keys";
import { useTitle } from "../../shell/scope";
import { Button, buttonClass, css as ui, Loaded, Pill, State } from "../../ui/basics";
import { FormDialog } from "../../ui/forms";
import { Elapsed, Time, useNow } from "../../ui/time";
import { toast } from "../../ui/toast";
import { Acknowledge } from "./Acknowledge";
import { BurningSli } from "./BurningSli";
import { Acts, Alerts, Deliveries, RecoveryPanel } from "./Evidence";
import { updateDue } from "./story";
import { Suspects } from "./Suspects";
import { TimelinePanel } from "./TimelinePanel";
import css from "./incidents.module.css";

const route = getRouteApi("/incidents/$id");

export function IncidentPage() {
  const { id } = route.useParams();
  const { show } = route.useSearch();
  const incident = useQuery(incidentQuery(id));
  useTitle(incident.data ? `${incident.data.summary.number} ${incident.data.summary.title}` : "Incident");
  return (
    <main className={ui.page} id="main" tabIndex={-1}>
      <Loaded query={incident} what="the incident">
        {(data) => (
          <>
            <Header incident={data} />
            <div className={ui.columns}>
              <div className={ui.stack}>
                <TimelinePanel incident={data} show={show} />
                <Deliveries items={data.deliveries} />
              </div>
              <div className={ui.stack}>
                <BurningSli incident={data} />
                <RecoveryPanel incident={data} />
                <Suspects incident={data} />
                <Acts items={data.acts} />
                <Alerts items={data.alerts} />
              </div>
            </div>
          </>
        )}
      </Loaded>
    </main>
  );
}

/** The clock that those who wait for news go by. */
function UpdateDue({ incident: { summary } }: { incident: Incident }) {
  const entries = useQuery(timelineQuery(summary.id)).data?.entries;
  const now = useNow();
  const due = entries && updateDue(summary.severity, summary.opened_at, entries);
  if (due === undefined) return null;
  const seconds = Math.round((due - now) / 1000);
  const text = duration(Math.max(60, Math.round(Math.abs(seconds) / 60) * 60));
  return seconds < 0 ? (
    <Pill tone="warn" icon="now">
      update overdue by {text}
    </Pill>
  ) : (
    <Pill tone="unknown" icon="now">
      next update in {text}
    </Pill>
  );
}

function isAddress(runbook: string): boolean {
  return /^https?:/.test(runbook);
}

/** A runbook that is a file lies in the production repo, which has no address here. */
function openRunbook(runbook: string): void {
  if (isAddress(runbook)) {
    open(runbook, "_blank", "noreferrer");
    return;
  }
  copyText(runbook);
  toast(`The runbook is ${runbook} of the production repo; its path is copied`);
}

function Runbook({ at }: { at: string }) {
  if (isAddress(at))
    return (
      <a href={at} target="_blank" rel="noreferrer" aria-keyshortcuts="r">
        Runbook
      </a>
    );
  return (
    <span>
      runbook: <code>{at}</code>
    </span>
  );
}

type DialogName = "assign" | "resolve" | "severity";

function Header({ incident }: { incident: Incident }) {
  const { summary } = incident;
  const [dialog, setDialog] = useState<DialogName>();
  const acknowledge = useIncidentChange("acknowledge");
  const open = summary.status !== "resolved";
  useShortcut("a", open && !summary.acknowledged ? () => acknowledge.mutate({ id: summary.id, body: {} }) : undefined);
  useShortcut("r", incident.runbook ? () => openRunbook(incident.runbook ?? "") : undefined);
  useShortcut("d", open ? () => setDialog("resolve") : undefined);
  return (
    <header className={css.head}>
      <div className={ui.pageHead}>
        <State value={summary.severity} />
        <h1 className={ui.grow}>{summary.title}</h1>
        <State value={summary.status} />
        <span className={ui.strong}>
          <Elapsed from={summary.impact.since} to={summary.resolved_at ?? summary.impact.until} />
        </span>
        {open && <UpdateDue incident={incident} />}
      </div>
      <p className={css.impact}>{summary.impact.sentence}</p>
      <div className={css.meta}>
        <span>
          {summary.number} · {summary.service} · {summary.environment}
        </span>
        {summary.impact.users_affected_ratio != null && <span>{percent(summary.impact.users_affected_ratio)} of users affected</span>}
        <span>
          since <Time at={summary.impact.since} />
        </span>
        {summary.impact.budget_spent_ratio != null && <span>{budgetPercent(summary.impact.budget_spent_ratio)} of the budget spent</span>}
        <span>assignee: {summary.assignee ?? "nobody"}</span>
        {incident.affected_services.length > 0 && <span>also hurt: {incident.affected_services.join(", ")}</span>}
        {incident.runbook && <Runbook at={incident.runbook} />}
      </div>
      <div className={css.actions}>
        <Acknowledge incident={summary} />
        {open && (
          <>
            <Button onClick={() => setDialog("assign")}>Assign</Button>
            <Button onClick={() => setDialog("severity")}>Severity</Button>
            <Button onClick={() => setDialog("resolve")} aria-keyshortcuts="d">
              Resolve
            </Button>
          </>
        )}
        <Link to="/incidents/$id/postmortem" params={{ id: summary.id }} className={buttonClass()}>
          Postmortem
        </Link>
      </div>
      <Dialogs incident={incident} dialog={dialog} close={() => setDialog(undefined)} />
    </header>
  );
}

const SEVERITIES: { value: Severity; label: string }[] = [
  { value: "sev1", label: "SEV1: most users cannot do what they came for" },
  { value: "sev2", label: "SEV2: many users, or something important" },
  { value: "sev3", label: "SEV3: some users, with a way round" },
  { value: "sev4", label: "SEV4: hardly anyone notices" },
];

function Dialogs({ incident, dialog, close }: { incident: Incident; dialog: DialogName | undefined; close: () => void }) {
  const { id, title, severity, assignee, alerts_firing: firing } = incident.summary;
  const assign = useIncidentChange("assign");
  const resolve = useIncidentChange("resolve");
  const change = useIncidentChange("severity");
  return (
    <>
      <FormDialog
        open={dialog === "assign"}
        onClose={close}
        title="Assign the incident"
        fields={[{ name: "assignee", label: "Who takes it", required: true, ...(assignee ? { initial: assignee } : {}) }]}
        submit="Assign"
        onSubmit={(body) => assign.mutateAsync({ id, body })}
      />
      <FormDialog
        open={dialog === "severity"}
        onClose={close}
        title="Change the severity"
        fields={[
          { name: "severity", label: "Severity", options: SEVERITIES, initial: severity, hint: "If unsure, the higher one." },
          { name: "reason", label: "Reason", required: true },
        ]}
        submit="Change"
        onSubmit={(body) => change.mutateAsync({ id, body })}
      />
      <FormDialog
        open={dialog === "resolve"}
        onClose={close}
        title="Resolve the incident"
        fields={[{ name: "reason", label: "Why it is over", required: true, long: true, hint: "It stands on the timeline and in the postmortem." }]}
        submit="Resolve"
        onSubmit={(body) => resolve.mutateAsync({ id, body })}
      >
        <div className={css.effect}>
          “{title}” closes for everyone, and those who were paged are told so.
          {firing > 0 && (
            <strong>
              {" "}
              {firing} {firing === 1 ? "alert still fires" : "alerts still fire"}.
            </strong>
          )}
        </div>
      </FormDialog>
    </>
  );
}
