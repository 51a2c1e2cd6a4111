// The timeline, straight from the journal, and the composer under it.

import { useQuery } from "@tanstack/react-query";
import { Link, useLocation } from "@tanstack/react-router";
import { useEffect, useState } from "react";
import { timelineQuery } from "../../api/queries";
import type { Incident, TimelineCategory, TimelineEntry } from "../../api/schema";
import { CATEGORIES } from "../../router";
import { css as ui, Empty, Loaded, Panel } from "../../ui/basics";
import { Icon, type IconName } from "../../ui/icons";
import { Time } from "../../ui/time";
import { Composer } from "./Composer";
import css from "./incidents.module.css";
import { told, type Told } from "./story";

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
              resetScroll={false}
            >
              {category === show ? <strong>{category ?? "all"}</strong> : (category ?? "all")}
            </Link>
          ))}
        </div>
      }
    >
      <Loaded query={timeline} what="the timeline">
        {() => <Entries id={id} entries={entries.filter((entry) => show === undefined || entry.category === show)} />}
      </Loaded>
      {status !== "resolved" && <Composer id={id} />}
    </Panel>
  );
}

function Entries({ id, entries }: { id: string; entries: TimelineEntry[] }) {
  const here = useLocation({ select: (location) => location.hash });
  const loaded = entries.length > 0;
  useEffect(() => {
    if (loaded && here) document.getElementById(here)?.scrollIntoView({ block: "center" });
  }, [here, loaded]);
  if (!loaded) return <Empty title="Nothing of this kind has happened." />;
  return (
    <ol className={css.timeline}>
      {told(entries).map((line) => (
        <Line key={line.entry.fact.seq} id={id} line={line} here={here} />
      ))}
    </ol>
  );
}

function anchor(entry: TimelineEntry): string {
  return `fact-${entry.fact.seq}`;
}

function Line({ id, line, here }: { id: string; line: Told; here: string }) {
  const [unfolded, setUnfolded] = useState(() => line.others.some((other) => anchor(other) === here));
  return (
    <>
      <Entry id={id} entry={line.entry} here={here}>
        {line.others.length > 0 && (
          <button type="button" className={css.fold} aria-expanded={unfolded} onClick={() => setUnfolded(!unfolded)}>
            {unfolded ? "fold" : `${line.others.length} more ${line.others.length === 1 ? "fact" : "facts"}`}
          </button>
        )}
      </Entry>
      {unfolded && line.others.map((other) => <Entry key={other.fact.seq} id={id} entry={other} here={here} folded />)}
    </>
  );
}

interface EntryProps {
  id: string;
  entry: TimelineEntry;
  here: string;
  folded?: boolean;
  children?: React.ReactNode;
}

function Entry({ id, entry, here, folded = false, children }: EntryProps) {
  const { fact } = entry;
  // That it opened is what everybody looks for.
  const opened = fact.kind === "incident.opened";
  return (
    <li id={anchor(entry)} className={css.entry} data-category={opened ? "alert" : entry.category} data-here={anchor(entry) === here} data-folded={folded}>
      <Link to="/incidents/$id" params={{ id }} search={(old) => old} hash={anchor(entry)} resetScroll={false} hashScrollIntoView={false} title="Link to this entry" className={css.when}>
        <Time at={fact.occurred_at} />
      </Link>
      <span className={css.mark} title={entry.category}>
        <Icon name={opened ? "incident" : ICONS[entry.category]} size={14} />
        <span className="visually-hidden">{entry.category}</span>
      </span>
      <div>
        {entry.sentence}{" "}
        <small>
          {fact.actor.kind === "system" ? "" : `${fact.actor.id} via ${fact.actor.via} · `}#{fact.seq}
        </small>{" "}
        {children}
        {entry.text && <p className={css.said}>{entry.text}</p>}
      </div>
    </li>
  );
}
