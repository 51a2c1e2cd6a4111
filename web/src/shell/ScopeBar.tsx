// The scope of everything below it: service, environment, time; and whether the page is live.

import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { setPaused, useLive } from "../api/live";
import { servicesQuery } from "../api/queries";
import { RANGES, spanOf, type Range } from "../lib/range";
import { setPrefs, usePrefs } from "../prefs";
import { cx } from "../ui/basics";
import { FormDialog } from "../ui/forms";
import { Icon } from "../ui/icons";
import { endsOf, useScope, type Scope } from "./scope";
import css from "./shell.module.css";
import { UserMenu } from "./UserMenu";

export function ScopeBar({ onSearch }: { onSearch: () => void }) {
  const scope = useScope();
  const { zone } = usePrefs();
  const services = useQuery(servicesQuery()).data?.items ?? [];
  return (
    <div className={css.scope} role="region" aria-label="Scope">
      <Choice label="Service" value={scope.service} all="All services" options={services.map((service) => service.name)} onChange={(service) => scope.set({ service })} />
      <Choice label="Env" value={scope.env} all="All envs" options={services.map((service) => service.environment)} onChange={(env) => scope.set({ env })} />
      <TimeChoice scope={scope} />
      <button type="button" className={css.live} onClick={() => setPrefs({ zone: zone === "utc" ? "local" : "utc" })} aria-label={`Times are ${zone === "utc" ? "UTC" : "local"}. Change`}>
        {zone === "utc" ? "UTC" : "Local"}
      </button>
      <span className={css.spring} />
      <button type="button" className={css.search} onClick={onSearch} aria-label="Search and actions (Ctrl K)">
        <Icon name="search" size={14} />
        <span>Search</span> <kbd>Ctrl K</kbd>
      </button>
      <LivePill />
      <UserMenu />
    </div>
  );
}

const CUSTOM = "custom";

function TimeChoice({ scope }: { scope: Scope }) {
  const [asking, setAsking] = useState(false);
  const { fixed } = scope;
  const ends = endsOf(scope);
  const choose = (value: string) => (value === CUSTOM ? setAsking(true) : scope.set({ range: value as Range, from: undefined, to: undefined }));
  return (
    <>
      <label>
        <span>Time</span>
        <select data-range className={cx(css.select, fixed && css.fixed)} value={fixed ? "fixed" : scope.range} onChange={(event) => choose(event.target.value)}>
          {fixed && <option value="fixed">{scope.label}</option>}
          {RANGES.map((range) => (
            <option key={range} value={range}>
              last {range}
            </option>
          ))}
          <option value={CUSTOM}>from … to …</option>
        </select>
      </label>
      {asking && (
        <FormDialog
          open
          onClose={() => setAsking(false)}
          title="Show a time"
          fields={[
            { name: "from", label: "From", required: true, initial: input(ends.from), hint: "In UTC, such as 2026-11-26 14:00." },
            { name: "to", label: "To", required: true, initial: input(ends.to) },
          ]}
          submit="Show"
          onSubmit={async ({ from, to }) => {
            const span = spanOf(`${from?.replace(" ", "T")}Z`, `${to?.replace(" ", "T")}Z`);
            if (span === undefined) throw new Error("These are not two times, the earlier first.");
            scope.show(span);
          }}
        />
      )}
    </>
  );
}

function input(ms: number): string {
  return new Date(ms).toISOString().slice(0, 16).replace("T", " ");
}

function Choice({ label, value, all, options, onChange }: { label: string; value: string | undefined; all: string; options: string[]; onChange: (value: string | undefined) => void }) {
  const known = [...new Set(value === undefined ? options : [...options, value])].sort();
  return (
    <label>
      <span>{label}</span>
      <select className={css.select} value={value ?? ""} onChange={(event) => onChange(event.target.value || undefined)}>
        <option value="">{all}</option>
        {known.map((option) => (
          <option key={option}>{option}</option>
        ))}
      </select>
    </label>
  );
}

function LivePill() {
  const { status, retrySeconds } = useLive();
  const text = status === "live" ? "Live" : status === "paused" ? "Paused" : retrySeconds > 0 ? `Reconnecting ${retrySeconds} s` : "Reconnecting";
  return (
    <button type="button" className={css.live} data-status={status} onClick={() => setPaused(status !== "paused")} aria-label={`${text}. ${status === "paused" ? "Resume" : "Pause"} live updates`}>
      <Icon name={status === "live" ? "dot" : status === "paused" ? "pause" : "now"} size={13} />
      {text}
    </button>
  );
}
