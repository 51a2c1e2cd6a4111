// The rest of an incident: recovery, who was told, what was run, which alerts.

import { Link } from "@tanstack/react-router";
import type { Act, Alert, Attempt, Delivery, Incident } from "../../api/schema";
import { count, duration, word } from "../../lib/format";
import { css as ui, Empty, Panel, Pill, State } from "../../ui/basics";
import { Time } from "../../ui/time";
import css from "./incidents.module.css";

export function RecoveryPanel({ incident }: { incident: Incident }) {
  const { recovery } = incident;
  if (!recovery) return null;
  return (
    <Panel title="Recovery" note={`well for ${duration(recovery.window_seconds)} ends it`}>
      <div className={css.recovery}>
        <p>{recovery.sentence}</p>
        <progress value={Math.min(recovery.elapsed_seconds, recovery.window_seconds)} max={recovery.window_seconds} aria-label="Recovery" />
        <p className={ui.muted}>
          {duration(recovery.elapsed_seconds)} of {duration(recovery.window_seconds)} · {count(recovery.bad_events)} bad of {count(recovery.total_events)} events, at most{" "}
          {count(recovery.allowed_bad_events)} allowed, at least {count(recovery.min_events)} needed
        </p>
      </div>
    </Panel>
  );
}

export function Deliveries({ items }: { items: Delivery[] }) {
  return (
    <Panel title="Who was told">
      {items.length === 0 ? (
        <Empty title="Nobody was told." command="evenkeel check ./production">
          No route of routing.yaml leads to a receiver for this incident.
        </Empty>
      ) : (
        <div className={ui.scroll} tabIndex={0} role="region" aria-label="Deliveries">
          <table className={ui.table}>
            <thead>
              <tr>
                {["Receiver", "What", "State", "Queued", "Attempts"].map((label) => (
                  <th key={label} scope="col">
                    {label}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {items.map((item) => (
                <tr key={item.id}>
                  <td>
                    <span className={ui.strong}>{item.receiver}</span>
                    <p className={css.target}>
                      {item.channel === "email" ? "e-mail" : item.channel} · {item.target}
                    </p>
                  </td>
                  <td>{item.subject}</td>
                  <td>
                    <State value={item.state} />
                    {item.next_attempt_at && (
                      <p className={ui.muted}>
                        again <Time at={item.next_attempt_at} />
                      </p>
                    )}
                  </td>
                  <td className={ui.nowrap}>
                    <Time at={item.queued_at} />
                  </td>
                  <td className={css.attempts}>
                    <ol>
                      {item.attempts.map((attempt) => (
                        <li key={attempt.at}>
                          <AttemptLine attempt={attempt} />
                        </li>
                      ))}
                      {item.attempts.length === 0 && <li className={ui.muted}>none yet</li>}
                    </ol>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </Panel>
  );
}

function AttemptLine({ attempt }: { attempt: Attempt }) {
  return (
    <>
      <Time at={attempt.at} /> · {attempt.error ?? "delivered"}
      {attempt.http_status != null && <> · HTTP {attempt.http_status}</>}
      {attempt.latency_seconds != null && <span className={ui.muted}> · {duration(attempt.latency_seconds)}</span>}
    </>
  );
}

export function Acts({ items }: { items: Act[] }) {
  if (items.length === 0) return null;
  return (
    <Panel title="What was run">
      <ul>
        {items.map((act) => (
          <li key={act.id} className={css.suspect}>
            <div className={css.row}>
              <h3>{act.title}</h3>
              <State value={act.state} />
            </div>
            <p>
              {act.by.kind === "system" ? "Evenkeel" : act.by.id}: {act.reason}
            </p>
            <p className={ui.muted}>
              <code>{act.command}</code>
              {act.started_at && (
                <>
                  {" "}
                  · <Time at={act.started_at} />
                </>
              )}
              {act.ended_at && (
                <>
                  {" "}
                  to <Time at={act.ended_at} />
                </>
              )}
              {act.outcome && <> · {act.outcome}</>}
            </p>
          </li>
        ))}
      </ul>
    </Panel>
  );
}

export function Alerts({ items }: { items: Alert[] }) {
  return (
    <Panel title="Alerts">
      <ul>
        {items.map((alert) => (
          <li key={alert.id} className={css.suspect}>
            <div className={css.row}>
              {alert.slo ? (
                <Link to="/slos/$name" params={{ name: alert.slo }} className={ui.strong}>
                  {alert.slo}
                </Link>
              ) : (
                <h3>{alert.service}</h3>
              )}
              {alert.firing ? (
                <Pill tone="bad" icon="fire">
                  firing
                </Pill>
              ) : (
                <Pill tone="ok" icon="check">
                  resolved
                </Pill>
              )}
              <span className={ui.muted}>{word(alert.severity)}</span>
            </div>
            <p>{alert.summary}</p>
            {alert.joined_because && <p>Joined: {alert.joined_because}</p>}
            <p className={ui.muted}>
              {alert.service} · since <Time at={alert.started_at} />
              {alert.resolved_at && (
                <>
                  {" "}
                  to <Time at={alert.resolved_at} />
                </>
              )}
            </p>
          </li>
        ))}
      </ul>
    </Panel>
  );
}
