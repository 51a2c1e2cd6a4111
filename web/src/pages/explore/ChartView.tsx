// An answer as a chart: what is drawn of it and what is not, compared with before, deploys above it, exemplars in it.

import { useQuery } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { exemplarsQuery, type MatrixItem } from "../../api/prom";
import type { Deploy } from "../../api/schema";
import { MetricChart, type SeriesLine } from "../../chart/MetricChart";
import type { Dot } from "../../chart/exemplars";
import { colorAt, dashAt } from "../../chart/palette";
import { count } from "../../lib/format";
import type { Scope } from "../../shell/scope";
import { Button } from "../../ui/basics";
import { DeployLane } from "./DeployLane";
import { Exemplars } from "./Exemplars";
import css from "./result.module.css";
import { drawn, framesOf, ghostsOf, numberOf, stacked, type Frames } from "./frames";
import { Legend } from "./Legend";
import { seriesText } from "./selector";
import type { Grid, Pane } from "./state";
import { formatOf, guessUnit } from "./units";

export const DRAWN = 50;
const MORE = 250;

interface Props {
  items: MatrixItem[];
  /** What was before, on its own times. */
  before: { items: MatrixItem[]; offset: number; word: string } | undefined;
  grid: Grid;
  pane: Pane;
  change: (change: Partial<Pane>) => void;
  scope: Scope;
  deploys: Deploy[];
  exemplars: boolean;
  letter: string;
}

export function ChartView({ items, before, grid, pane, change, scope, deploys, exemplars, letter }: Props) {
  const frames = useMemo(() => named(framesOf(items, grid), pane.x), [items, grid, pane.x]);
  const ghosts = useMemo(() => (before ? ghostsOf(before.items, grid, before.offset) : undefined), [before, grid]);
  const [cursor, setCursor] = useState<number | null>(null);
  const [focus, setFocus] = useState<string>();
  const [area, setArea] = useState({ left: 0, width: 0 });
  const most = pane.most ?? DRAWN;
  const hide = useMemo(() => new Set(pane.hide), [pane.hide]);
  const unit = pane.unit ?? guessUnit(pane.x, items.map((item) => item.metric));
  const format = formatOf(unit);
  const lines = useMemo(() => linesOf(frames, { hide, only: pane.only, most }, ghosts, pane.stack === true), [frames, hide, pane.only, most, ghosts, pane.stack]);
  const dots = useDots(exemplars, pane.x, grid);
  const [dot, setDot] = useState<Dot>();
  const listed = frames.frames.slice(0, most);
  const label = `Chart of query ${letter}: ${frames.frames.length} series, ${scope.label}. Arrow keys move the crosshair.`;
  const toggle = (short: string) => change({ hide: hide.has(short) ? [...hide].filter((key) => key !== short) : [...hide, short], only: undefined });
  return (
    <figure className={css.figure}>
      <Notes frames={frames} most={most} pane={pane} change={change} lines={lines.length} before={before?.word} />
      <DeployLane deploys={deploys} grid={grid} area={area} />
      <MetricChart
        label={label}
        at={frames.at}
        lines={lines}
        format={format}
        stacked={pane.stack === true}
        log={pane.log === true}
        binary={unit === "bytes"}
        focus={focus}
        dots={dots.dots}
        onZoom={scope.show}
        onZoomBack={() => scope.set({ from: undefined, to: undefined })}
        onCursor={setCursor}
        onArea={(next) => setArea((old) => (old.left === next.left && old.width === next.width ? old : next))}
        onDot={setDot}
      />
      <figcaption>
        <Legend
          entries={listed.map((frame) => ({ frame, color: colorAt(frame.rank), hidden: pane.only !== undefined && listed.some((one) => one.short === pane.only) ? frame.short !== pane.only : hide.has(frame.short), ghost: ghosts?.get(frame.key) }))}
          keys={frames.keys}
          format={format}
          index={cursor}
          only={pane.only}
          compared={before !== undefined}
          onToggle={toggle}
          onOnly={(only) => change({ only })}
          onFocus={setFocus}
        />
        {exemplars && <Exemplars found={dots} chosen={dot} onChoose={setDot} format={format} />}
      </figcaption>
    </figure>
  );
}

/** A series without labels is named by its query. */
function named(found: Frames, expression: string): Frames {
  return { ...found, frames: found.frames.map((frame) => (frame.name === "{}" ? { ...frame, name: expression.replaceAll(/\s+/g, " ") } : frame)) };
}

function linesOf({ frames }: Frames, choice: Parameters<typeof drawn>[1], ghosts: Map<string, (number | null)[]> | undefined, stack: boolean): SeriesLine[] {
  const chosen = drawn(frames, choice);
  const heights = stack ? stacked(chosen.map((frame) => frame.values)) : undefined;
  const lines = chosen.map((frame, i): SeriesLine => ({
    key: frame.key,
    name: frame.name,
    values: frame.values,
    ...(heights ? { drawn: heights[i] ?? [] } : {}),
    color: colorAt(frame.rank),
    dash: dashAt(frame.rank),
    // Heights that are added up have no before of their own.
    ghost: stack ? undefined : ghosts?.get(frame.key),
  }));
  // The uppermost of a stack is drawn first, so that those before it stay seen.
  return heights ? lines.reverse() : lines;
}

/** What the chart leaves out is said above it. */
function Notes({ frames: { frames, shared, infinite }, most, pane, change, lines, before }: { before: string | undefined; frames: Frames; most: number; pane: Pane; change: Props["change"]; lines: number }) {
  const common = Object.keys(shared).length > 0 ? seriesText(shared) : undefined;
  const hidden = Math.min(most, frames.length) - lines;
  const flat = pane.log ? frames.filter((frame) => (frame.min ?? 1) <= 0).length : 0;
  return (
    <div className={css.notes}>
      {common && (
        <span title="All series have these labels">
          all: <code>{common}</code>
        </span>
      )}
      {frames.length > most && (
        <span className={css.capped} role="status">
          showing the {count(most)} largest of {count(frames.length)} series; the table has all
          <Button small look="quiet" onClick={() => change({ most: Math.min(1_000, most + MORE) })}>
            Draw {count(Math.min(MORE, frames.length - most))} more
          </Button>
        </span>
      )}
      {before && <span>dashed: {before}</span>}
      {hidden > 0 && (
        <span>
          {count(hidden)} not drawn by choice
          <Button small look="quiet" onClick={() => change({ hide: undefined, only: undefined })}>
            Draw all
          </Button>
        </span>
      )}
      {infinite > 0 && <span>{count(infinite)} infinite values have no place on an axis</span>}
      {flat > 0 && <span>{count(flat)} series have values of zero or less, which a logarithm has no place for</span>}
      {pane.stack && frames.some((frame) => (frame.min ?? 0) < 0) && <span>negative values are taken off the stack</span>}
    </div>
  );
}

export interface FoundDots {
  dots: Dot[];
  /** The server lacks them. */
  missing: boolean;
  /** There are more than are drawn. */
  total: number;
  error: Error | null;
}

const DOTS_MAX = 300;
const NO_DOTS: Dot[] = [];

function useDots(wanted: boolean, query: string, grid: Grid): FoundDots {
  const { data, error } = useQuery({ ...exemplarsQuery(query, grid.start, grid.end), enabled: wanted });
  return useMemo(() => {
    const all = (wanted && data ? data : []).flatMap(({ seriesLabels, exemplars }) => exemplars.map((one): Dot => ({ at: one.timestamp, value: numberOf(one.value), labels: one.labels, series: seriesLabels })));
    // An even choice over the time, not the first ones.
    const every = Math.ceil(all.length / DOTS_MAX);
    const dots = all.length === 0 ? NO_DOTS : all.sort((a, b) => a.at - b.at).filter((_, i) => i % every === 0);
    return { dots, missing: wanted && data === null, total: all.length, error: wanted ? error : null };
  }, [wanted, data, error]);
}

