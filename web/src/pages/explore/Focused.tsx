// The series of one selector, or the values of one label, counted by queries: what is behind a name of the top lists.

import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { instantQuery, SERIES_MAX, seriesQuery } from "../../api/prom";
import { count } from "../../lib/format";
import { css as ui, cx, Failed, Loaded, Panel } from "../../ui/basics";
import { narrowed } from "./cardinality";
import { facets, labelName, quoted, selectorOf } from "./selector";
import { ShareTable } from "./ShareTable";

interface Props {
  match: string | undefined;
  label: string | undefined;
  top: number;
  onMatch: (match: string) => void;
  onLabel: (label: string | undefined) => void;
}

const REFRESH_MS = 60_000;

export function Focused({ match, label, top, onMatch, onLabel }: Props) {
  return (
    <>
      {label !== undefined && <Label label={label} match={match} top={top} onMatch={onMatch} />}
      {match !== undefined && <Matched match={match} top={top} onMatch={onMatch} onLabel={onLabel} />}
    </>
  );
}

function Label({ label, match, top, onMatch }: { label: string; match: string | undefined; top: number; onMatch: (match: string) => void }) {
  const name = label === "__name__" ? "__name__" : labelName(label);
  const selector = match === undefined ? `{${name}!=""}` : match;
  const values = useQuery(instantQuery(`topk(${top}, count by (${name}) (${selector}))`, REFRESH_MS));
  const size = useQuery(instantQuery(`count(count by (${name}) (${selector}))`, REFRESH_MS)).data?.[0]?.value?.[1];
  const total = useQuery(instantQuery(`count(${selector})`, REFRESH_MS)).data?.[0]?.value?.[1];
  return (
    <Loaded query={values} what={`the values of ${label}`}>
      {(rows) => (
        <ShareTable
          title={`Values of ${label}`}
          unit="series"
          total={total === undefined ? undefined : Number(total)}
          note={size === undefined ? undefined : Number(size) > rows.length ? `the ${count(rows.length)} largest of ${count(Number(size))} values, now` : `${count(Number(size))} values, now`}
          rows={rows
            .map(({ metric, value }) => ({ name: metric[label] ?? "", value: Number(value?.[1] ?? 0) }))
            .sort((a, b) => b.value - a.value)
            .map((row) => ({ ...row, focus: () => onMatch(narrowed(match, label, row.name)), query: `topk(20, count by (__name__) ({${name}=${quoted(row.name)}}))` }))}
        />
      )}
    </Loaded>
  );
}

function Matched({ match, top, onMatch, onLabel }: { match: string; top: number; onMatch: (match: string) => void; onLabel: (label: string) => void }) {
  const total = useQuery(instantQuery(`count(${match})`, REFRESH_MS));
  const metrics = useQuery(instantQuery(`topk(${top}, count by (__name__) (${match}))`, REFRESH_MS));
  const series = useQuery(seriesQuery(match, undefined));
  const found = useMemo(() => facets(series.data ?? [], {}), [series.data]);
  if (total.error) return <Failed error={total.error} retry={() => void total.refetch()} />;
  const all = Number(total.data?.[0]?.value?.[1] ?? 0);
  const capped = (series.data?.length ?? 0) >= SERIES_MAX;
  const note = capped ? `of the first ${count(SERIES_MAX)} series` : undefined;
  return (
    <>
      <Panel title="In focus" padded>
        <p>
          <code>{match}</code> {total.data ? `has ${count(all)} series now` : "is being counted …"}
          {series.data && ` and ${count(series.data.length)}${capped ? " or more" : ""} over the last hour`}
        </p>
      </Panel>
      <div className={cx(ui.columns, ui.even)}>
        <div className={ui.stack}>
          <Loaded query={metrics} what="metrics">
            {(rows) => (
              <ShareTable
                title="Metrics by series, now"
                unit="series"
                total={all}
                rows={rows
                  .map(({ metric, value }) => ({ name: metric.__name__ ?? "", value: Number(value?.[1] ?? 0) }))
                  .sort((a, b) => b.value - a.value)
                  .map((row) => ({ ...row, focus: () => onMatch(narrowed(match.replace(/^[a-zA-Z_:][\w:]*/, ""), "__name__", row.name)), query: selectorOf({ metric: row.name, values: {} }) ?? row.name }))}
              />
            )}
          </Loaded>
          {series.data && (
            <ShareTable
              title="Label pairs by series"
              unit="series"
              note={note}
              total={series.data.length}
              rows={found
                .flatMap((facet) => facet.values.slice(0, top).map(({ value, series: number }) => ({ label: facet.label, value, number })))
                .sort((a, b) => b.number - a.number)
                .slice(0, top)
                .map((pair) => ({ name: `${pair.label}=${pair.value}`, value: pair.number, focus: () => onMatch(narrowed(match, pair.label, pair.value)), query: narrowed(match, pair.label, pair.value) }))}
            />
          )}
        </div>
        <Loaded query={series} what="series">
          {() => (
            <ShareTable
              title="Labels by values"
              unit="values"
              note={note}
              rows={[...found]
                .sort((a, b) => b.values.length - a.values.length)
                .slice(0, top)
                .map((facet) => ({ name: facet.label, value: facet.values.length, focus: () => onLabel(facet.label), query: `topk(20, count by (${labelName(facet.label)}) (${match}))` }))}
            />
          )}
        </Loaded>
      </div>
    </>
  );
}
