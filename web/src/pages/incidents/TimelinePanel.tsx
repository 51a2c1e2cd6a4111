// The timeline, straight from the journal, and the composer under it.

import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useRef, type FormEvent } from "react";
import { timelineQuery, useIncidentChange } from "../../api/queries";
import type { Incident, IncidentStatus, TimelineCategory, TimelineEntry } from "../../api/schema";
import { word } from "../../lib/format";
import { CATEGORIES } from "../../router";
import { useShortcut } from "../../shell/keys";
import { Button, css as ui, Empty, Loaded, Panel, Problem } from "../../ui/basics";
import { Icon, type IconName } from "../../ui/icons";
import { Time } from "../../ui/time";
import css from "./incidents.module.css";

const ICONS: Record<TimelineCategory, IconName> = {
  alert: "fire",
  change: "deploy",
  notification: "bell",
  response: "person",
  update: "note",
  act: "undo",
  gate: "gate",
  recovery: "check",
  other: "dot",
};

export function TimelinePanel({ incident, show }: { incident: Incident; show: TimelineCategory | undefined }) {
  const { id, status } = incident.summary;
  const timeline = useQuery(timelineQuery(id));
  const entries = timeline.data?.entries ?? [];
  const present = CATEGORIES.filter((category) => entries.some((entry) => entry.category === category));
  return (
    <Panel
      title="Timeline"
      actions={
        <div className={css.row} role="group" aria-label="Show only">
          {[undefined, ...present].map((category) => (
            <Link
              key={category ?? "all"}
              to="/incidents/$id"
              params={{ id }}
              search={(old) => ({ ...old, show: category })}
              className={`${ui.button} ${ui.small} ${ui.quiet}`}
              aria-current={category === show ? "true" : undefined}
              replace
            >
              {category === show ? <strong>{category ?? "all"}</strong> : (category ?? "all")}
            </Link>
          ))}
        </div>
      }
    >
      <Loaded query={timeline} what="the timeline">
        {() => <Entries entries={entries.filter((entry) => show === undefined || entry.category === show)} />}
      </Loaded>
      {status !== "resolved" && <Composer id={id} status={status} />}
    </Panel>
  );
}

function Entries({ entries }: { entries: TimelineEntry[] }) {
  if (entries.length === 0) return <Empty title="Nothing of this kind has happened." />;
  return (
    <ol className={css.timeline}>
      {entries.map((entry) => (
        <li key={entry.fact.seq} id={`fact-${entry.fact.seq}`} className={css.entry} data-category={entry.category}>
          <Time at={entry.fact.occurred_at} />
          <span className={css.mark} title={entry.category}>
            <Icon name={ICONS[entry.category]} size={14} />
            <span className="visually-hidden">{entry.category}</span>
          </span>
          <div>
            {entry.sentence}{" "}
            <small>
              {entry.fact.actor.kind === "system" ? "" : `${entry.fact.actor.id} via ${entry.fact.actor.via} · `}#{entry.fact.seq}
            </small>
            {entry.text && <p className={css.said}>{entry.text}</p>}
          </div>
        </li>
      ))}
    </ol>
  );
}

const STATUSES: IncidentStatus[] = ["investigating", "identified", "monitoring"];

function Composer({ id, status }: { id: string; status: IncidentStatus }) {
  const update = useIncidentChange("updates");
  const text = useRef<HTMLTextAreaElement>(null);
  useShortcut("m", () => text.current?.focus());
  const send = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = event.currentTarget;
    const data = new FormData(form);
    const next = data.get("status");
    update.mutate({ id, body: { text: String(data.get("text")), ...(next === status ? {} : { status: next }) } }, { onSuccess: () => form.reset() });
  };
  return (
    <form className={css.composer} onSubmit={send} key={status}>
      <label>
        <span className="visually-hidden">Update</span>
        <textarea
          ref={text}
          name="text"
          className={ui.input}
          required
          maxLength={4096}
          placeholder="What do you know, what do you try?   m"
          onKeyDown={(event) => {
            if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) event.currentTarget.form?.requestSubmit();
            if (event.key === "Escape") event.currentTarget.blur();
          }}
        />
      </label>
      <Problem error={update.error} />
      <div className={css.row}>
        <label className={css.row}>
          Status
          <select name="status" className={ui.input} defaultValue={status} style={{ width: "auto" }}>
            {STATUSES.map((value) => (
              <option key={value} value={value}>
                {word(value)}
              </option>
            ))}
          </select>
        </label>
        <Button type="submit" disabled={update.isPending}>
          Post update
        </Button>
      </div>
    </form>
  );
}
