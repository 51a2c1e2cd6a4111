// The scope of everything below it: service, environment, time; and whether the page is live.

import { useQuery } from "@tanstack/react-query";
import { setPaused, useLive } from "../api/live";
import { servicesQuery } from "../api/queries";
import { RANGES, type Range } from "../lib/range";
import { setPrefs, usePrefs } from "../prefs";
import { Icon } from "../ui/icons";
import { useScope } from "./scope";
import css from "./shell.module.css";

export function ScopeBar({ onSearch }: { onSearch: () => void }) {
  const scope = useScope();
  const { zone } = usePrefs();
  const services = useQuery(servicesQuery()).data?.items ?? [];
  return (
    <div className={css.scope} role="region" aria-label="Scope">
      <Choice label="Service" value={scope.service} all="All services" options={services.map((service) => service.name)} onChange={(service) => scope.set({ service })} />
      <Choice label="Env" value={scope.env} all="All envs" options={services.map((service) => service.environment)} onChange={(env) => scope.set({ env })} />
      <label>
        <span>Time</span>
        <select data-range className={css.select} value={scope.range} onChange={(event) => scope.set({ range: event.target.value as Range })}>
          {RANGES.map((range) => (
            <option key={range} value={range}>
              last {range}
            </option>
          ))}
        </select>
      </label>
      <button type="button" className={css.live} onClick={() => setPrefs({ zone: zone === "utc" ? "local" : "utc" })} aria-label={`Times are ${zone === "utc" ? "UTC" : "local"}. Change`}>
        {zone === "utc" ? "UTC" : "Local"}
      </button>
      <span className={css.spring} />
      <button type="button" className={css.search} onClick={onSearch} aria-label="Search and actions (Ctrl K)">
        <Icon name="search" size={14} />
        <span>Search</span> <kbd>Ctrl K</kbd>
      </button>
      <LivePill />
    </div>
  );
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
