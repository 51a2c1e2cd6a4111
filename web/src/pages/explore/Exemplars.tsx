// The exemplars of a chart as a list, and the one that was chosen: the way from a point to its trace.

import type { Dot } from "../../chart/exemplars";
import { count } from "../../lib/format";
import { CopyButton, css as ui } from "../../ui/basics";
import { Time } from "../../ui/time";
import type { FoundDots } from "./ChartView";
import shared from "./explore.module.css";
import css from "./result.module.css";
import { seriesText } from "./selector";
import type { Format } from "./units";

const TRACE = ["trace_id", "traceID", "traceId", "TraceID"];
const LISTED = 20;

interface Props {
  found: FoundDots;
  chosen: Dot | undefined;
  onChoose: (dot: Dot | undefined) => void;
  format: Format;
}

export function Exemplars({ found: { dots, missing, total, error }, chosen, onChoose, format }: Props) {
  if (missing) return <p className={shared.quiet}>This server keeps no exemplars.</p>;
  if (error) return <p className={shared.quiet}>Exemplars could not be read: {error.message}</p>;
  if (dots.length === 0) return <p className={shared.quiet}>No exemplar was sent with these series in this time.</p>;
  return (
    <div className={css.exemplars}>
      {chosen && <One dot={chosen} format={format} />}
      <details>
        <summary>
          {count(total)} exemplars{total > dots.length ? `, ${count(dots.length)} drawn` : ""}
        </summary>
        <ul>
          {dots.slice(-LISTED).map((dot) => (
            <li key={`${dot.at} ${dot.value} ${traceOf(dot)}`}>
              <button type="button" className={css.seriesName} onClick={() => onChoose(dot)}>
                <Time at={new Date(dot.at * 1000).toISOString()} /> · {format(dot.value)} · {traceOf(dot) ?? seriesText(dot.labels)}
              </button>
            </li>
          ))}
        </ul>
        {dots.length > LISTED && <p className={shared.quiet}>the newest {LISTED}</p>}
      </details>
    </div>
  );
}

function traceOf(dot: Dot): string | undefined {
  return TRACE.map((name) => dot.labels[name]).find(Boolean);
}

function One({ dot, format }: { dot: Dot; format: Format }) {
  const trace = traceOf(dot);
  return (
    <dl className={ui.facts}>
      <dt>Exemplar</dt>
      <dd>
        {format(dot.value)} at <Time at={new Date(dot.at * 1000).toISOString()} />
      </dd>
      {trace && (
        <>
          <dt>Trace</dt>
          <dd>
            <code>{trace}</code> <CopyButton text={trace} label="Copy the trace id" />
          </dd>
        </>
      )}
      <dt>Labels</dt>
      <dd>
        <code>{seriesText(dot.labels)}</code>
      </dd>
      <dt>Series</dt>
      <dd>
        <code>{seriesText(dot.series)}</code>
      </dd>
    </dl>
  );
}
