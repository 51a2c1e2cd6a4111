// Histograms over time: a heat map, and the quantiles of each series at the crosshair.

import { useMemo, useState } from "react";
import type { MatrixItem } from "../../api/prom";
import { Heatmap } from "../../chart/Heatmap";
import { count } from "../../lib/format";
import type { Scope } from "../../shell/scope";
import { css as ui, cx, Empty } from "../../ui/basics";
import { Time } from "../../ui/time";
import shared from "./explore.module.css";
import css from "./result.module.css";
import { gridTimes } from "./frames";
import { distributionsOf, edgesOf, merged, quantile, QUANTILES } from "./histogram";
import type { Grid, Pane } from "./state";
import { formatOf, guessUnit, plain } from "./units";

interface Props {
  items: MatrixItem[];
  grid: Grid;
  pane: Pane;
  scope: Scope;
  letter: string;
}

const ROWS_MAX = 200;

export function DistributionView({ items, grid, pane, scope, letter }: Props) {
  const distributions = useMemo(() => distributionsOf(items, grid), [items, grid]);
  const at = useMemo(() => gridTimes(grid), [grid]);
  const edges = useMemo(() => edgesOf(distributions), [distributions]);
  const columns = useMemo(() => merged(distributions), [distributions]);
  const [cursor, setCursor] = useState<number | null>(null);
  const unit = pane.unit ?? distributionUnit(pane.x, items);
  const format = formatOf(unit);
  if (distributions.length === 0)
    return (
      <Empty title="This answer holds no histogram.">
        A distribution needs native histograms, or classic buckets with their <code>le</code>: <code>sum by (le) (rate(…_bucket[5m]))</code>.
      </Empty>
    );
  const index = cursor ?? columns.findLastIndex((column) => column !== null);
  const cumulative = !/\b(i?rate|increase|i?delta)\s*\(/.test(pane.x);
  return (
    <div className={css.figure}>
      <div className={css.notes}>
        {distributions.length > 1 && <span>the sum of {count(distributions.length)} histograms</span>}
        {cumulative && <span>counts since the start of each process; rate(…) shows what is new at each moment</span>}
      </div>
      <Heatmap label={`Heat map of query ${letter}, ${edges.length} bucket edges, ${scope.label}`} at={at} columns={columns} edges={edges} format={format} onZoom={scope.show} onZoomBack={() => scope.set({ from: undefined, to: undefined })} onCursor={setCursor} />
      <div className={ui.scroll} tabIndex={0} role="region" aria-label="Quantiles">
        <table className={ui.table}>
          <thead>
            <tr>
              <th scope="col">
                Histogram at <Time at={at[index] === undefined ? null : new Date(at[index] * 1000).toISOString()} />
              </th>
              <th scope="col" className={ui.num}>
                Count
              </th>
              <th scope="col" className={ui.num}>
                Mean
              </th>
              {QUANTILES.map((q) => (
                <th key={q} scope="col" className={ui.num}>
                  p{q * 100}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {distributions.slice(0, ROWS_MAX).map((one) => {
              const cells = one.cells[index] ?? [];
              const total = cells.reduce((sum, cell) => sum + cell.count, 0);
              const sum = one.sums[index];
              return (
                <tr key={one.key}>
                  <td className={cx(ui.mono, css.wrap)}>{one.name}</td>
                  <td className={ui.num}>{one.cells[index] == null ? "–" : plain(total)}</td>
                  <td className={ui.num}>{sum == null || total === 0 ? "–" : format(sum / total)}</td>
                  {QUANTILES.map((q) => (
                    <td key={q} className={ui.num}>
                      {format(quantile(cells, q))}
                    </td>
                  ))}
                </tr>
              );
            })}
          </tbody>
        </table>
      </div>
      {distributions.length > ROWS_MAX && <p className={shared.quiet}>the first {ROWS_MAX} of {count(distributions.length)} histograms</p>}
    </div>
  );
}

/** Buckets are edges in the unit of the metric, whatever was done to their counts. */
function distributionUnit(expression: string, items: MatrixItem[]) {
  const named = /\b([a-zA-Z_:][\w:]*_(?:seconds|bytes))(?:_bucket)?\b/.exec(expression)?.[1];
  return named ? guessUnit("", [{ __name__: named }]) : guessUnit(expression, items.map((item) => item.metric));
}
