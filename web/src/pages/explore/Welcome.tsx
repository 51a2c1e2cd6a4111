// Before the first query: what can be asked of what is here.

import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { metricNamesQuery } from "../../api/prom";
import { count } from "../../lib/format";
import { css as ui, Empty } from "../../ui/basics";
import css from "./explore.module.css";
import { startsOf } from "./starts";

export function Welcome({ onPick }: { onPick: (expression: string) => void }) {
  const names = useQuery(metricNamesQuery);
  if (names.data === undefined) return null;
  if (names.data.length === 0)
    return (
      <Empty title="No metric is stored yet." command="curl -s localhost:7700/api/v1/label/__name__/values">
        Send some by OTLP, by remote write or by scraping: <Link to="/connect">Connect</Link> has the commands.
      </Empty>
    );
  const starts = startsOf(names.data);
  return (
    <div className={css.welcome}>
      <p className={ui.muted}>
        {count(names.data.length)} metrics are here. Type a query above (<kbd>Ctrl Space</kbd> completes, <kbd>Ctrl Enter</kbd> runs), pick a metric from the browser (<kbd>/</kbd>), or begin with one of these:
      </p>
      <ul>
        {starts.map(({ title, x }) => (
          <li key={x}>
            <button type="button" className={css.start} onClick={() => onPick(x)}>
              <b>{title}</b>
              <code>{x}</code>
            </button>
          </li>
        ))}
      </ul>
    </div>
  );
}
