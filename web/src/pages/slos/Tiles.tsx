// What one SLO promises, what was kept, what is left, and until when; the query behind each number.

import type { Slo } from "../../api/schema";
import { budgetPercent, burn, count, duration, percent, windowName } from "../../lib/format";
import { overWindow } from "../../lib/promql";
import { BudgetBar, cx } from "../../ui/basics";
import { Queried } from "../../ui/overlay";
import { Time, useNow } from "../../ui/time";
import css from "./slos.module.css";

const MINUTE_MS = 60_000;

export function Tiles({ slo }: { slo: Slo }) {
  const { budget, indicator } = slo;
  const good = overWindow(indicator.good_query, slo.window_seconds);
  const total = overWindow(indicator.total_query, slo.window_seconds);
  const bad = `${total} - ${good}`;
  const share = Number((1 - slo.objective).toPrecision(6));
  const left = `${total} * ${share} - (${bad})`;
  const minutes = (value: number | null | undefined) => duration(value == null ? null : value * 60);
  return (
    <dl className={css.tiles}>
      <div className={css.tile}>
        <dt>Objective over {windowName(slo.window_seconds)}</dt>
        <dd>
          {percent(slo.objective)}
          <small>{indicator.good}</small>
        </dd>
      </div>
      <div className={css.tile}>
        <dt>SLI over {windowName(slo.window_seconds)}</dt>
        <dd>
          <span className={cx(slo.sli != null && slo.sli < slo.objective && css.below)}>
            <Queried label="SLI over the window" query={`${good} / ${total}`}>
              {percent(slo.sli)}
            </Queried>
          </span>
          <small>
            <Queried label="Bad events of the window" query={bad}>
              {count(budget.bad_events)}
            </Queried>{" "}
            bad of{" "}
            <Queried label="Events of the window" query={total}>
              {count(budget.total_events)}
            </Queried>{" "}
            {indicator.total}
          </small>
        </dd>
      </div>
      <div className={css.tile}>
        <dt>Error budget left</dt>
        <dd>
          <Queried label="Share of the budget left" query={`1 - (${bad}) / (${total} * ${share})`}>
            {budgetPercent(budget.left_ratio)}
          </Queried>{" "}
          <BudgetBar ratio={budget.left_ratio} />
          <small>
            <Queried label="Bad events left" query={left}>
              {count(budget.left_events)}
            </Queried>{" "}
            of {count(budget.allowed_events)} events
          </small>
          <small>
            {minutes(budget.left_minutes)} of {minutes(budget.allowed_minutes)} of full outage
          </small>
        </dd>
      </div>
      <Projection slo={slo} />
    </dl>
  );
}

/** When the budget is spent, should it go on like this. */
function Projection({ slo }: { slo: Slo }) {
  const now = useNow();
  const left = slo.time_to_exhaustion_seconds;
  const fastest = slo.burns[0]?.long;
  const rate = fastest && (
    <Queried label={`Burn over ${windowName(fastest.window_seconds)}`} query={fastest.query}>
      {burn(fastest.burn)}
    </Queried>
  );
  const spent = left == null ? undefined : new Date(Math.round((now + left * 1000) / MINUTE_MS) * MINUTE_MS).toISOString();
  return (
    <div className={css.tile}>
      <dt>Budget gone in</dt>
      <dd>
        {slo.state === "exhausted" ? "it is gone" : left == null ? "not spent down" : duration(left)}
        <small>
          {spent !== undefined && slo.state !== "exhausted" ? (
            <>
              At this rate ({rate} over {windowName(fastest?.window_seconds ?? 0)}) it is spent at <Time at={spent} seconds={false} />.
            </>
          ) : (
            <>
              {rate} over {windowName(fastest?.window_seconds ?? 0)}
            </>
          )}
        </small>
        <small>
          last event <Time at={slo.last_event_at} relative />
        </small>
      </dd>
    </div>
  );
}
