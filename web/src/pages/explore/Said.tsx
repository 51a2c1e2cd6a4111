// What the server said about a query: its error with the place and a hint, warnings and infos, and what the query cost.

import type { ReactNode } from "react";
import { PromError, type QueryData } from "../../api/prom";
import { bytes, count } from "../../lib/format";
import { Button } from "../../ui/basics";
import { Icon } from "../../ui/icons";
import css from "./result.module.css";
import { Limits } from "./Limits";
import type { Place, Said } from "./problems";
import type { Done } from "./useRun";

const KINDS: Record<string, string> = {
  bad_data: "The query cannot be read",
  execution: "The query failed",
  timeout: "The query took too long",
  canceled: "The query was cancelled",
  unreachable: "No answer",
  internal: "The server failed",
};

export function Failure({ error, said, onPoint, onSelect, onRetry }: { error: Error; said: Said; onPoint: (place: Place | null) => void; onSelect: (place: Place) => void; onRetry: () => void }) {
  const title = error instanceof PromError ? (KINDS[error.kind] ?? "The query failed") : "The query failed";
  return (
    <div className={css.failure} role="alert">
      <strong>
        <Icon name="incident" size={14} /> {title}
      </strong>
      <p>
        <Where place={said.place} text={/\b(\d+:\d+):/.exec(error.message)?.[1]} onPoint={onPoint} onSelect={onSelect} />
        <Marked text={said.message} setting={said.setting} />
      </p>
      {said.hint && <p className={css.hint}>{said.hint}</p>}
      {!(error instanceof PromError && error.kind === "bad_data") && (
        <Button small onClick={onRetry}>
          Try again
        </Button>
      )}
    </div>
  );
}

/** `1:21`, which marks the place in the text. */
function Where({ place, text, onPoint, onSelect }: { place: Place | undefined; text: string | undefined; onPoint: (place: Place | null) => void; onSelect: (place: Place) => void }) {
  if (place === undefined || text === undefined) return null;
  return (
    <button type="button" className={css.where} title="Go there" onClick={() => onSelect(place)} onMouseEnter={() => onPoint(place)} onMouseLeave={() => onPoint(null)} onFocus={() => onPoint(place)} onBlur={() => onPoint(null)}>
      {text}
    </button>
  );
}

/** The name of a setting stands out. */
function Marked({ text, setting }: { text: string; setting: string | undefined }) {
  const at = setting === undefined ? -1 : text.indexOf(setting);
  if (setting === undefined || at < 0) return <>{text}</>;
  return (
    <>
      {text.slice(0, at).replace(/`$/, "")}
      <code className={css.setting}>{setting}</code>
      {text.slice(at + setting.length).replace(/^`/, "")}
    </>
  );
}

export function Annotations({ warnings, infos, onPoint, onSelect }: { warnings: (Said & { text: string })[]; infos: (Said & { text: string })[]; onPoint: (place: Place | null) => void; onSelect: (place: Place) => void }) {
  if (warnings.length + infos.length === 0) return null;
  const list = (all: (Said & { text: string })[], kind: "warning" | "info"): ReactNode =>
    all.map((said) => (
      <li key={said.text} data-kind={kind}>
        <Icon name={kind === "warning" ? "incident" : "note"} size={13} />
        <span>
          <b>{kind}</b> <Where place={said.place} text={/\((\d+:\d+)\)\s*$/.exec(said.text)?.[1]} onPoint={onPoint} onSelect={onSelect} /> <Marked text={said.message} setting={said.setting} />
        </span>
      </li>
    ));
  return (
    <ul className={css.annotations} aria-label="Warnings and notes">
      {list(warnings, "warning")}
      {list(infos, "info")}
    </ul>
  );
}

/** What came, what it cost, in one line. */
export function Statistics({ done, step }: { done: Done; step: number | undefined }) {
  const { answer, ms, asked } = done;
  const { stats } = answer.data;
  const { series, points } = sizeOf(answer.data);
  const server = stats?.timings?.execTotalTime ?? stats?.timings?.evalTotalTime;
  const read = stats?.samples?.totalQueryableSamples;
  const peak = stats?.samples?.peakSamples;
  const parts: [string, string][] = [
    [count(series), series === 1 ? "series" : "series"],
    [count(points), points === 1 ? "value" : "values"],
    ...(asked.path === "query_range" && step !== undefined ? [[`${step}`, "s step"] as [string, string]] : []),
    ...(read !== undefined ? [[count(read), "samples read"] as [string, string]] : []),
    ...(peak !== undefined ? [[count(peak), "at once"] as [string, string]] : []),
    ...(server !== undefined ? [[inMs(server * 1000), "in the server"] as [string, string]] : []),
    [inMs(ms), "in all"],
    [bytes(answer.bytes), ""],
  ];
  return (
    <p className={css.stats} title={stats?.timings ? Object.entries(stats.timings).map(([name, seconds]) => `${name} ${inMs(seconds * 1000)}`).join("\n") : undefined}>
      {parts.map(([value, word]) => (
        <span key={value + word}>
          <b>{value}</b> {word}
        </span>
      ))}
      <Limits used={{ "query.max_samples": read, "query.max_series": series, "query.max_points_per_series": asked.path === "query_range" && step ? Math.floor((Number(asked.params.end) - Number(asked.params.start)) / step) + 1 : 1 }} />
    </p>
  );
}

function inMs(value: number): string {
  return value >= 10_000 ? `${(value / 1000).toFixed(1)} s` : value >= 10 ? `${Math.round(value)} ms` : `${Number(value.toPrecision(2))} ms`;
}

function sizeOf(data: QueryData): { series: number; points: number } {
  if (data.resultType === "matrix") return { series: data.result.length, points: data.result.reduce((sum, item) => sum + (item.values?.length ?? 0) + (item.histograms?.length ?? 0), 0) };
  if (data.resultType === "vector") return { series: data.result.length, points: data.result.length };
  return { series: 1, points: 1 };
}

