// Buttons, pills, panels, and the three different drawings of nothing: loading, empty, failed.

import { useEffect, useRef, useState, type ButtonHTMLAttributes, type ReactNode } from "react";
import { ApiError } from "../api/client";
import type { ActState, DeliveryState, DeployState, GateOutcome, IncidentStatus, Severity, SloState } from "../api/schema";
import { copyText } from "../lib/clipboard";
import { word } from "../lib/format";
import { Icon, type IconName } from "./icons";
import css from "./ui.module.css";

export { css };

export function cx(...names: (string | false | null | undefined)[]): string {
  return names.filter(Boolean).join(" ");
}

type Look = "plain" | "primary" | "danger" | "dangerSolid" | "quiet";
export function buttonClass(look: Look = "plain", small = false): string {
  return cx(css.button, look !== "plain" && css[look], small && css.small);
}

export function Button({ look = "plain", small = false, className, ...rest }: ButtonHTMLAttributes<HTMLButtonElement> & { look?: Look; small?: boolean }) {
  return <button type="button" className={cx(buttonClass(look, small), className)} {...rest} />;
}

export type Tone = "ok" | "warn" | "bad" | "info" | "unknown";

/** A state: its shape and its word say it, colour only repeats it. */
export function Pill({ tone, icon, children }: { tone: Tone; icon: IconName; children: ReactNode }) {
  return (
    <span className={cx(css.pill, tone !== "unknown" && css[tone])}>
      <Icon name={icon} size={12} />
      {children}
    </span>
  );
}

const STATES: Record<string, [Tone, IconName]> = {
  ok: ["ok", "check"],
  burning: ["bad", "fire"],
  exhausted: ["bad", "cross"],
  insufficient_data: ["unknown", "question"],
  allow: ["ok", "check"],
  block: ["bad", "cross"],
  inconclusive: ["unknown", "question"],
  investigating: ["bad", "search"],
  identified: ["warn", "incident"],
  monitoring: ["info", "now"],
  resolved: ["ok", "check"],
  sev1: ["bad", "incident"],
  sev2: ["bad", "incident"],
  sev3: ["warn", "incident"],
  sev4: ["unknown", "incident"],
  delivered: ["ok", "check"],
  queued: ["info", "now"],
  failed: ["bad", "cross"],
  requested: ["info", "now"],
  started: ["info", "play"],
  succeeded: ["ok", "check"],
  interrupted: ["bad", "pause"],
  refused: ["warn", "cross"],
  rolled_back: ["warn", "undo"],
};
type Named = SloState | GateOutcome | IncidentStatus | Severity | DeliveryState | ActState | DeployState;

export function State({ value, label }: { value: Named; label?: string }) {
  const [tone, icon] = STATES[value] ?? ["unknown", "dot"];
  return (
    <Pill tone={tone} icon={icon}>
      {label ?? word(value)}
    </Pill>
  );
}

export function Panel({ title, note, actions, children, padded = false, id }: { title: ReactNode; note?: ReactNode; actions?: ReactNode; children: ReactNode; padded?: boolean; id?: string }) {
  return (
    <section className={css.panel} id={id} aria-label={typeof title === "string" ? title : undefined}>
      <div className={css.panelHead}>
        <h2>{title}</h2>
        {note != null && <span className={css.panelNote}>{note}</span>}
        {actions}
      </div>
      {padded ? <div className={css.panelBody}>{children}</div> : children}
    </section>
  );
}

export function useCopy(): [boolean, (text: string) => void] {
  const [copied, setCopied] = useState(false);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  useEffect(() => () => clearTimeout(timer.current), []);
  return [
    copied,
    (text) => {
      copyText(text);
      setCopied(true);
      clearTimeout(timer.current);
      timer.current = setTimeout(() => setCopied(false), 1600);
    },
  ];
}

export function CopyButton({ text, label = "Copy" }: { text: string; label?: string }) {
  const [copied, copy] = useCopy();
  return (
    <Button look="quiet" small onClick={() => copy(text)} aria-label={copied ? "Copied" : label === "Copy" ? "Copy to the clipboard" : undefined}>
      <Icon name={copied ? "check" : "copy"} size={13} />
      {copied ? "Copied" : label}
    </Button>
  );
}

/** A command to run, with a copy button. */
export function Command({ text, label }: { text: string; label?: string }) {
  return (
    <div className={css.command}>
      <pre tabIndex={0} role="region" aria-label={label ?? "Command"}>
        <code>{text}</code>
      </pre>
      <CopyButton text={text} />
    </div>
  );
}

/** Nothing is there: says why, and the one command that changes it. */
export function Empty({ title, children, command }: { title: string; children?: ReactNode; command?: string }) {
  return (
    <div className={css.empty}>
      <strong>{title}</strong>
      {children != null && <p>{children}</p>}
      {command !== undefined && <Command text={command} />}
    </div>
  );
}

export function Loading({ what }: { what: string }) {
  return (
    <div className={css.skeleton} role="status" aria-label={`Loading ${what}`}>
      <i />
      <i />
      <i />
    </div>
  );
}

/** Reading failed: neither empty nor zero. */
export function Failed({ error, retry }: { error: Error; retry?: () => void }) {
  return (
    <div className={cx(css.empty, css.error)} role="alert">
      <strong>{error instanceof ApiError && error.status === 404 ? "Not found" : "Could not be read"}</strong>
      <p>{error.message}</p>
      {retry && (
        <Button small onClick={retry}>
          Try again
        </Button>
      )}
    </div>
  );
}

interface Read<T> {
  data: T | undefined;
  error: Error | null;
  refetch: () => unknown;
}

/** What a query shows while it has no data yet, when it failed, and when it has; old data outlives an error. */
export function Loaded<T>({ query, what, children }: { query: Read<T>; what: string; children: (data: T) => ReactNode }) {
  if (query.data !== undefined) return <>{children(query.data)}</>;
  if (query.error) return <Failed error={query.error} retry={() => void query.refetch()} />;
  return <Loading what={what} />;
}

export function Problem({ error }: { error: Error | null }) {
  if (!error) return null;
  return (
    <p className={css.problem} role="alert">
      {error.message}
    </p>
  );
}

/** The error budget as a bar; what is overspent is drawn left of zero. */
export function BudgetBar({ ratio }: { ratio: number | null | undefined }) {
  const WIDTH = 88;
  const ZERO = 22;
  if (ratio == null)
    return (
      <svg width={WIDTH} height={8} role="img" aria-label="budget unknown">
        <rect width={WIDTH} height={8} fill="none" stroke="var(--line-strong)" strokeDasharray="3 3" />
      </svg>
    );
  const left = Math.max(-1, Math.min(1, ratio));
  const color = ratio <= 0 ? "var(--bad)" : ratio < 0.25 ? "var(--warn)" : "var(--ok)";
  const width = left >= 0 ? left * (WIDTH - ZERO) : -left * ZERO;
  return (
    <svg width={WIDTH} height={8} role="img" aria-label={`${(ratio * 100).toFixed(0)} % of the budget left`}>
      <rect x={ZERO} width={WIDTH - ZERO} height={8} fill="var(--sunken)" />
      <rect x={left >= 0 ? ZERO : ZERO - width} width={width} height={8} fill={color} />
      <rect x={ZERO - 0.5} width={1} height={8} fill="var(--line-strong)" />
    </svg>
  );
}
