// How values are spread over time: a column for each moment, a row for each bucket, darker where more fell into it.

import { useEffect, useMemo, useRef, useState } from "react";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { clock } from "../lib/format";
import type { Span } from "../lib/range";
import { usePrefs } from "../prefs";
import css from "./chart.module.css";
import { choose, colorOf, SYNC, timeLabels, useSystemDark } from "./draw";

export interface HeatCell {
  left: number;
  right: number;
  count: number;
}

interface Props {
  label: string;
  at: number[];
  /** The cells of each moment; null where nothing is known. */
  columns: (HeatCell[] | null)[];
  /** The edges of all cells, in order. */
  edges: number[];
  format: (value: number | null | undefined) => string;
  height?: number;
  onZoom?: ((span: Span) => void) | undefined;
  onZoomBack?: (() => void) | undefined;
  onCursor?: ((index: number | null) => void) | undefined;
}

const AXIS_PX = 76;

export function Heatmap({ label, at, columns, edges, format, height = 280, onZoom, onZoomBack, onCursor }: Props) {
  const box = useRef<HTMLDivElement>(null);
  const [hover, setHover] = useState<{ index: number; row: number; left: number; top: number } | null>(null);
  const { theme, zone } = usePrefs();
  const systemDark = useSystemDark();
  const rows = useMemo(() => new Map(edges.map((edge, row) => [edge, row])), [edges]);
  const most = useMemo(() => columns.reduce((max, column) => (column ?? []).reduce((own, cell) => Math.max(own, cell.count), max), 0), [columns]);
  const latest = useRef({ format, onZoom, onZoomBack, onCursor });
  latest.current = { format, onZoom, onZoomBack, onCursor };

  useEffect(() => {
    const host = box.current;
    if (host === null) return;
    const grid = { stroke: colorOf("--line"), width: 1 };
    const axis = { stroke: colorOf("--muted"), ticks: grid, font: "11px system-ui" };
    let inside = false;
    const chart = new uPlot(
      {
        width: host.clientWidth || 300,
        height,
        legend: { show: false },
        cursor: {
          sync: { key: SYNC, setSeries: false, filters: { sub: () => true, pub: (type) => type === "mousemove" || type === "mouseleave" } },
          drag: { x: true, y: false, setScale: false, dist: 4 },
          bind: {
            dblclick: () => () => {
              latest.current.onZoomBack?.();
              return null;
            },
          },
          points: { show: false },
        },
        ...(zone === "utc" ? { tzDate: (ts: number) => uPlot.tzDate(new Date(ts * 1000), "Etc/UTC") } : {}),
        scales: { x: { range: (u) => [u.data[0][0] ?? 0, (u.data[0].at(-1) ?? 1) + stepOf(u.data[0])] }, y: { range: () => [0, Math.max(1, edges.length - 1)] } },
        axes: [
          { ...axis, grid: { show: false }, space: 74, size: 28, values: (_u, ticks) => timeLabels(ticks, zone) },
          { ...axis, grid: { show: false }, size: AXIS_PX, splits: () => rowTicks(edges.length), values: (_u, ticks) => ticks.map((tick) => latest.current.format(edges[tick])) },
        ],
        series: [{}, { points: { show: false }, paths: () => null }],
        hooks: {
          setCursor: [
            (u) => {
              const { idx, left = -1, top = -1 } = u.cursor;
              latest.current.onCursor?.(idx ?? null);
              const row = Math.floor(u.posToVal(top, "y"));
              setHover(inside && idx != null && left >= 0 ? { index: Math.floor((u.posToVal(left, "x") - (u.data[0][0] ?? 0)) / stepOf(u.data[0])), row, left: left + u.over.offsetLeft, top } : null);
            },
          ],
          setSelect: [(u) => choose(u, latest.current.onZoom)],
          draw: [(u) => drawCells(u, columns, rows, most)],
        },
      },
      [at, at.map(() => null)] as unknown as uPlot.AlignedData,
      host,
    );
    chart.over.addEventListener("mouseenter", () => (inside = true));
    chart.over.addEventListener("mouseleave", () => {
      inside = false;
      setHover(null);
    });
    const resize = new ResizeObserver(() => chart.setSize({ width: host.clientWidth, height }));
    resize.observe(host);
    return () => {
      resize.disconnect();
      chart.destroy();
    };
  }, [at, columns, edges, rows, most, theme, systemDark, zone, height]);

  const cell = hover && columns[hover.index]?.find((one) => (rows.get(one.left) ?? 0) <= hover.row && hover.row < (rows.get(one.right) ?? 0));
  const time = hover && at[hover.index];
  return (
    <div ref={box} className={css.plot} role="img" aria-label={label}>
      {hover && time != null && (
        <div className={css.tip} style={{ top: hover.top, ...(hover.left > (box.current?.clientWidth ?? 0) / 2 ? { right: (box.current?.clientWidth ?? 0) - hover.left + 14 } : { left: hover.left + 14 }) }} aria-hidden="true">
          <p className={css.tipTime}>{clock(new Date(time * 1000).toISOString(), zone, Date.now())}</p>
          {columns[hover.index] == null ? (
            <p className={css.tipMore}>no histogram here</p>
          ) : (
            <p>
              {format(edges[hover.row])} to {format(edges[hover.row + 1])}: <b>{cell ? Number(cell.count.toPrecision(4)) : 0}</b>
            </p>
          )}
        </div>
      )}
    </div>
  );
}

function stepOf(at: ArrayLike<number>): number {
  return at.length > 1 ? (at[1] ?? 1) - (at[0] ?? 0) : 1;
}

const TICKS = 9;

function rowTicks(edges: number): number[] {
  const every = Math.max(1, Math.ceil(edges / TICKS));
  return Array.from({ length: Math.ceil(edges / every) }, (_, i) => i * every);
}

function drawCells(u: uPlot, columns: (HeatCell[] | null)[], rows: Map<number, number>, most: number): void {
  const { ctx } = u;
  const times = u.data[0];
  const step = stepOf(times);
  ctx.save();
  ctx.beginPath();
  ctx.rect(u.bbox.left, u.bbox.top, u.bbox.width, u.bbox.height);
  ctx.clip();
  ctx.fillStyle = colorOf("--chart-1");
  columns.forEach((column, index) => {
    const time = times[index];
    if (column === null || time === undefined) return;
    const left = Math.round(u.valToPos(time, "x", true));
    const right = Math.round(u.valToPos(time + step, "x", true));
    for (const cell of column) {
      const bottom = u.valToPos(rows.get(cell.left) ?? 0, "y", true);
      const top = u.valToPos(rows.get(cell.right) ?? 0, "y", true);
      // The root, so that a few are seen beside many.
      ctx.globalAlpha = 0.08 + 0.92 * Math.sqrt(cell.count / (most || 1));
      ctx.fillRect(left, Math.round(top), Math.max(1, right - left), Math.max(1, Math.round(bottom) - Math.round(top)));
    }
  });
  ctx.restore();
}
