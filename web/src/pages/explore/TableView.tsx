// The values of one moment: sorted by any column, as many rows as there are, copied as TSV or CSV.

import { useVirtualizer } from "@tanstack/react-virtual";
import { useMemo, useRef } from "react";
import type { QueryData } from "../../api/prom";
import { copyText } from "../../lib/clipboard";
import { count } from "../../lib/format";
import { Button, css as ui, cx, Empty } from "../../ui/basics";
import { Icon } from "../../ui/icons";
import { Time } from "../../ui/time";
import { toast } from "../../ui/toast";
import shared from "./explore.module.css";
import css from "./result.module.css";
import { selectorOf, seriesText } from "./selector";
import type { Pane } from "./state";
import { asText, histogramText, SERIES, sorted, tableOf, TIME, VALUE, type Row } from "./table";

interface Props {
  data: QueryData;
  pane: Pane;
  change: (change: Partial<Pane>) => void;
  /** Opens a query for one series. */
  onAdd: (expression: string) => void;
}

const ROW_PX = 30;
const OVERSCAN = 12;

export function TableView({ data, pane, change, onAdd }: Props) {
  const table = useMemo(() => tableOf(data), [data]);
  const rows = useMemo(() => sorted(table.rows, pane.sort), [table, pane.sort]);
  const box = useRef<HTMLDivElement>(null);
  const virtual = useVirtualizer({ count: rows.length, getScrollElement: () => box.current, estimateSize: () => ROW_PX, overscan: OVERSCAN });
  if (rows.length === 0) return <NoResult />;
  const moments = new Set(table.rows.map((row) => row.at));
  const columns: Column[] = [
    ...(table.compact || table.columns.length === 0 ? [{ id: SERIES, label: "Series" }] : table.columns.map((name) => ({ id: `label:${name}`, label: name === "__name__" ? "metric" : name }))),
    ...(moments.size > 1 ? [{ id: TIME, label: "Time" }] : []),
    { id: VALUE, label: "Value", num: true },
  ];
  const without = new Set(Object.keys(table.shared));
  const copy = (kind: "tsv" | "csv") => {
    copyText(asText(rows, kind));
    toast(`${count(rows.length)} rows copied as ${kind.toUpperCase()}`);
  };
  const items = virtual.getVirtualItems();
  const above = items[0]?.start ?? 0;
  const below = virtual.getTotalSize() - (items.at(-1)?.end ?? 0);
  return (
    <div className={css.figure}>
      <div className={css.notes}>
        <span>
          {count(rows.length)} {rows.length === 1 ? "row" : "rows"}
          {moments.size === 1 && (
            <>
              {" "}
              at <Time at={new Date((table.rows[0]?.at ?? 0) * 1000).toISOString()} />
            </>
          )}
        </span>
        {without.size > 0 && (
          <span title="All rows have these labels">
            all: <code>{seriesText(table.shared)}</code>
          </span>
        )}
        <span className={shared.grow} />
        <Button small look="quiet" onClick={() => copy("tsv")}>
          <Icon name="copy" size={13} /> TSV
        </Button>
        <Button small look="quiet" onClick={() => copy("csv")}>
          <Icon name="copy" size={13} /> CSV
        </Button>
      </div>
      <div ref={box} className={css.rows} tabIndex={0} role="region" aria-label="Values">
        <table className={ui.table} aria-rowcount={rows.length + 1}>
          <thead>
            <tr>
              {columns.map((column) => (
                <Head key={column.id} column={column} sort={pane.sort} onSort={(sort) => change({ sort })} />
              ))}
              <th scope="col">
                <span className="visually-hidden">Open</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {above > 0 && <tr aria-hidden="true"><td style={{ height: above, padding: 0 }} colSpan={columns.length + 1} /></tr>}
            {items.map(({ index }) => {
              const row = rows[index];
              if (row === undefined) return null;
              return (
                <tr key={index} aria-rowindex={index + 2}>
                  {columns.map((column) => (
                    <td key={column.id} className={cx(column.num ? ui.num : ui.mono, css.cell)} title={column.num ? undefined : cell(row, column.id, new Set())}>
                      {column.id === TIME ? <Time at={new Date(row.at * 1000).toISOString()} /> : cell(row, column.id, table.compact ? without : new Set())}
                    </td>
                  ))}
                  <td className={ui.num}>
                    {Object.keys(row.labels).length > 0 && (
                      <Button small look="quiet" aria-label={`Query ${seriesText(row.labels)} on its own`} title="This series as a query of its own" onClick={() => onAdd(ownSelector(row))}>
                        <Icon name="explore" size={13} />
                      </Button>
                    )}
                  </td>
                </tr>
              );
            })}
            {below > 0 && <tr aria-hidden="true"><td style={{ height: below, padding: 0 }} colSpan={columns.length + 1} /></tr>}
          </tbody>
        </table>
      </div>
    </div>
  );
}

interface Column {
  id: string;
  label: string;
  num?: boolean;
}

function Head({ column, sort, onSort }: { column: Column; sort: string | undefined; onSort: (sort: string | undefined) => void }) {
  const down = sort === `-${column.id}`;
  const up = sort === column.id;
  // Numbers are looked at from the largest down.
  const first = column.num ? `-${column.id}` : column.id;
  const next = sort === first ? (column.num ? column.id : `-${column.id}`) : down || up ? undefined : first;
  return (
    <th scope="col" className={column.num ? ui.num : undefined} aria-sort={down ? "descending" : up ? "ascending" : "none"}>
      <button type="button" onClick={() => onSort(next)}>
        {column.label} {down ? "↓" : up ? "↑" : ""}
      </button>
    </th>
  );
}

function cell(row: Row, column: string, without: ReadonlySet<string>): string {
  if (column === VALUE) return row.value ?? (row.histogram ? histogramText(row.histogram) : "");
  if (column === SERIES) return seriesText(row.labels, without);
  return row.labels[column.slice("label:".length)] ?? "";
}

function ownSelector({ labels: { __name__: metric, ...labels } }: Row): string {
  return selectorOf({ metric, values: Object.fromEntries(Object.entries(labels).map(([name, value]) => [name, [value]])) }) ?? "";
}

export function NoResult() {
  return (
    <Empty title="No series matches in this time.">
      That is neither zero nor an error: nothing was stored under this selector then. Look for the name in the browser beside the query, or choose a longer time.
    </Empty>
  );
}
