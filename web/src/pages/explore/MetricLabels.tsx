// The labels of one metric: click values, and the selector builds itself.

import { useQuery } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { metadataQuery, SERIES_MAX, seriesQuery } from "../../api/prom";
import { count } from "../../lib/format";
import { Button, css as ui, CopyButton, Loaded } from "../../ui/basics";
import css from "./browser.module.css";
import shared from "./explore.module.css";
import { facets, passing, quoted, selectorOf, type Facet } from "./selector";
import { describe } from "./search";

interface Props {
  metric: string;
  window: { from: number; to: number };
  onInsert: (text: string) => void;
  onReplace: (expression: string) => void;
}

export function MetricLabels({ metric, window, onInsert, onReplace }: Props) {
  const [chosen, setChosen] = useState<Record<string, string[]>>({});
  const [asked] = useState(window);
  const series = useQuery(seriesQuery(`{__name__=${quoted(metric)}}`, asked));
  const metadata = useQuery(metadataQuery).data;
  const { type, unit, help } = describe(metric, metadata);
  const selector = selectorOf({ metric, values: chosen }) ?? metric;
  const counter = type === "counter" || /_(total|count|bucket|sum)$/.test(metric);
  const toggle = (label: string, value: string) =>
    setChosen((old) => {
      const had = old[label] ?? [];
      return { ...old, [label]: had.includes(value) ? had.filter((one) => one !== value) : [...had, value] };
    });
  return (
    <div className={css.labels}>
      <h3 className={css.metricTitle}>
        <code>{metric}</code>
      </h3>
      <p className={shared.quiet}>
        {[type, unit].filter(Boolean).join(" · ")}
        {help && <> {help}</>}
      </p>
      <div className={css.selector}>
        <code>{selector}</code>
        <div className={ui.copies}>
          <Button small look="primary" onClick={() => onReplace(counter && type !== "histogram" ? `rate(${selector}[5m])` : /_bucket$/.test(metric) ? `sum by (le) (rate(${selector}[5m]))` : counter ? `rate(${selector}[5m])` : selector)}>
            {counter ? "Query its rate" : "Query"}
          </Button>
          <Button small onClick={() => onInsert(selector)}>
            Insert
          </Button>
          <CopyButton text={selector} />
        </div>
      </div>
      <Loaded query={series} what={`the series of ${metric}`}>
        {(all) => {
          const found = facets(all, chosen);
          return (
            <>
              <p className={shared.quiet} role="status">
                {count(passing(all, chosen))} of {count(all.length)} series{all.length >= SERIES_MAX ? `, of which only the first ${count(SERIES_MAX)} are counted` : ""}
              </p>
              <div className={css.facets}>
                {found.map((facet) => (
                  <FacetView key={facet.label} facet={facet} chosen={chosen[facet.label] ?? []} total={all.length} onToggle={(value) => toggle(facet.label, value)} />
                ))}
              </div>
            </>
          );
        }}
      </Loaded>
    </div>
  );
}

const VALUES_SHOWN = 12;
const VALUES_MAX = 500;

export function FacetView({ facet, chosen, total, onToggle }: { facet: Facet; chosen: string[]; total: number; onToggle: (value: string) => void }) {
  const [open, setOpen] = useState(facet.values.length > 1 && facet.values.length <= VALUES_SHOWN);
  const [text, setText] = useState("");
  const [all, setAll] = useState(false);
  const found = useMemo(() => {
    const lower = text.toLowerCase();
    return lower === "" ? facet.values : facet.values.filter(({ value }) => value.toLowerCase().includes(lower));
  }, [facet.values, text]);
  const shown = found.slice(0, all ? VALUES_MAX : VALUES_SHOWN);
  return (
    <details open={open || chosen.length > 0} onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>
        <code>{facet.label}</code> <small>{facet.values.length === 1 ? facet.values[0]?.value : `${count(facet.values.length)} values`}</small>
      </summary>
      {facet.values.length > VALUES_SHOWN && <input className={ui.input} value={text} onChange={(event) => setText(event.target.value)} placeholder="Filter values" aria-label={`Filter values of ${facet.label}`} autoComplete="off" />}
      <ul>
        {shown.map(({ value, series }) => (
          <li key={value}>
            <label className={css.value}>
              <input type="checkbox" checked={chosen.includes(value)} onChange={() => onToggle(value)} />
              <span title={value}>{value === "" ? "(empty)" : value}</span>
              <i style={{ width: `${Math.min(100, (series / Math.max(1, total)) * 100)}%` }} aria-hidden="true" />
              <small>{count(series)}</small>
            </label>
          </li>
        ))}
      </ul>
      {found.length > shown.length && (
        <Button small look="quiet" onClick={() => setAll(true)} disabled={all}>
          {all ? `the first ${count(VALUES_MAX)} of ${count(found.length)}; filter to see others` : `${count(found.length - shown.length)} more`}
        </Button>
      )}
    </details>
  );
}
