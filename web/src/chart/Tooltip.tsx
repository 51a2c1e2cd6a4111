// What stands under the crosshair: the largest values first, the nearest line brought out, what was before beside it.

import { clock } from "../lib/format";
import { usePrefs } from "../prefs";
import css from "./chart.module.css";
import type { Dot } from "./exemplars";
import type { SeriesLine } from "./MetricChart";

export interface Tip {
  index: number;
  left: number;
  top: number;
  /** Of the chart. */
  width: number;
  /** The key of the line that is nearest. */
  raised: string | undefined;
  dot: Dot | undefined;
}

const ROWS_MAX = 14;
const GAP_PX = 14;

interface Props {
  tip: Tip;
  at: number[];
  lines: SeriesLine[];
  format: (value: number | null | undefined) => string;
}

export function Tooltip({ tip, at, lines, format }: Props) {
  const { zone } = usePrefs();
  const { index, dot } = tip;
  const rows = lines.filter((line) => line.values[index] != null).sort((a, b) => (b.values[index] ?? 0) - (a.values[index] ?? 0));
  const shown = around(rows, rows.findIndex((line) => line.key === tip.raised));
  const right = tip.left > tip.width / 2;
  const time = at[index];
  return (
    <div className={css.tip} style={{ top: Math.max(0, tip.top - 20), ...(right ? { right: tip.width - tip.left + GAP_PX } : { left: tip.left + GAP_PX }) }} aria-hidden="true">
      <p className={css.tipTime}>{time !== undefined && clock(new Date(time * 1000).toISOString(), zone, Date.now())}{zone === "utc" ? " UTC" : ""}</p>
      {dot && (
        <p className={css.tipDot}>
          ◇ exemplar {format(dot.value)} · {Object.entries(dot.labels).map(([name, value]) => `${name}=${value}`).join(" ")} · click
        </p>
      )}
      {rows.length === 0 && <p className={css.tipMore}>no sample here</p>}
      {shown.map((line) => (
        <p key={line.key} className={css.tipRow} data-raised={line.key === tip.raised}>
          <i className={css.swatch} style={{ background: `var(${line.color})` }} />
          <span>{line.name}</span>
          <b>{format(line.values[index])}</b>
          {line.ghost && <em>{change(line.values[index], line.ghost[index], format)}</em>}
        </p>
      ))}
      {rows.length > shown.length && <p className={css.tipMore}>{rows.length - shown.length} more</p>}
    </div>
  );
}

/** The first rows, and always the one that is brought out. */
function around(rows: SeriesLine[], raised: number): SeriesLine[] {
  if (raised < ROWS_MAX) return rows.slice(0, ROWS_MAX);
  const one = rows[raised];
  return one ? [...rows.slice(0, ROWS_MAX - 1), one] : rows.slice(0, ROWS_MAX);
}

/** `was 12 (+8 %)`. */
function change(now: number | null | undefined, before: number | null | undefined, format: Props["format"]): string {
  if (before == null) return "was unknown";
  const percent = now == null || before === 0 ? "" : ` (${now >= before ? "+" : "−"}${Math.abs(((now - before) / before) * 100).toFixed(0)} %)`;
  return `was ${format(before)}${percent}`;
}
