// How Evenkeel itself is: one sentence, and the numbers behind it.

import { useQuery } from "@tanstack/react-query";
import { statusQuery } from "../../api/queries";
import type { Status } from "../../api/schema";
import { bytes, count, duration } from "../../lib/format";
import { Loaded, Panel, Pill } from "../../ui/basics";
import css from "./now.module.css";

export function Health() {
  const status = useQuery(statusQuery);
  return (
    <Panel title="Evenkeel itself" note={status.data && `version ${status.data.build.version}`}>
      <Loaded query={status} what="health">
        {(data) => (
          <>
            <Sentence status={data} />
            <Tiles status={data} />
          </>
        )}
      </Loaded>
    </Panel>
  );
}

function Sentence({ status: { troubles } }: { status: Status }) {
  const worst = troubles[0];
  if (worst === undefined)
    return (
      <p className={css.healthSentence}>
        <Pill tone="ok" icon="check">
          well
        </Pill>{" "}
        It judges, pages and writes its journal.
      </p>
    );
  return (
    <p className={css.healthSentence}>
      <Pill tone={worst.level === "critical" ? "bad" : "warn"} icon="incident">
        {worst.component}
      </Pill>{" "}
      {worst.message}
      {troubles.length > 1 && ` (and ${troubles.length - 1} more)`}
    </p>
  );
}

function Tiles({ status }: { status: Status }) {
  const rejected = status.ingest.flatMap((counts) => counts.rejected).reduce((sum, item) => sum + item.count, 0);
  const perSecond = status.ingest.reduce((sum, counts) => sum + counts.per_second, 0);
  const { evaluator, notifier, journal, storage, repo } = status;
  const tiles: [string, string, string][] = [
    ["Judging", evaluator.last_run_at ? `${duration(evaluator.lag_seconds)} late` : "not yet", `${count(evaluator.slos)} SLOs every ${duration(evaluator.interval_seconds)}`],
    ["Paging", notifier.queued === 0 ? "nothing owed" : `${count(notifier.queued)} owed for ${duration(Math.round(notifier.oldest_queued_seconds))}`, `${count(notifier.delivered)} delivered, ${count(notifier.failed_attempts)} failed tries`],
    ["Telemetry", perSecond > 0 ? `${count(Math.round(perSecond))} a second` : "none arrives", `${count(rejected)} refused`],
    ["Journal", journal.broken ? "broken" : "whole", `${count(journal.last_seq)} facts`],
    ["Storage", bytes(storage.used_bytes), storage.free_bytes == null ? "free space unknown" : `${bytes(storage.free_bytes)} free`],
    ["Configuration", repo.config_hash ? repo.config_hash.slice(0, 10) : "none applied", repo.errors > 0 ? `${count(repo.errors)} ${repo.errors === 1 ? "error" : "errors"}` : "no errors"],
  ];
  return (
    <dl className={css.health}>
      {tiles.map(([name, value, note]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>
            {value}
            <small>{note}</small>
          </dd>
        </div>
      ))}
    </dl>
  );
}
