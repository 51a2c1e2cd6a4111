// The one chart: lines over time by uPlot, with limits, markers of changes, and gaps drawn as gaps.

import { useEffect, useMemo, useRef, useState } from "react";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { clock } from "../lib/format";
import type { Span } from "../lib/range";
import { usePrefs } from "../prefs";
import css from "./chart.module.css";
import { choose, colorOf, labelWidth, line, SYNC, timeLabels, useSystemDark } from "./draw";

export interface Line {
  label: string;
  values: (number | null)[];
  /** A custom property of tokens.css. */
  color: string;
  fill?: boolean;
  /** Dashed: what was before. */
  ghost?: boolean;
}

export interface Marker {
  /** Unix seconds. */
  at: number;
  label: string;
}

interface Props {
  /** What the chart shows, for those who do not see it. */
  label: string;
  at: number[];
  lines: Line[];
  format: (value: number | null | undefined) => string;
  limit?: { value: number; label: string };
  markers?: Marker[];
  height?: number;
  min?: number;
  /** What no value exceeds. */
  max?: number;
  /** A part of the time was chosen, in Unix milliseconds. */
  onZoom?: ((span: Span) => void) | undefined;
  onZoomBack?: (() => void) | undefined;
}

export function TimeSeries(props: Props) {
  const known = props.lines.some((line) => line.values.some((value) => value != null));
  if (!known)
    return (
      <div className={css.figure}>
        <div className={css.none}>No telemetry in this range: unknown, which is not zero.</div>
      </div>
    );
  return <Plot {...props} />;
}

/** Names of markers stand below each other, so that near ones can be read. */
const LANES = 4;

/** Left to the legend in full screen. */
const LEGEND_PX = 70;

/** The chart under the pointer or with the focus, else the first, fills the screen; or gives it back. */
export function toggleFullScreen(): void {
  if (document.fullscreenElement) {
    void document.exitFullscreen();
    return;
  }
  const figures = [...document.querySelectorAll<HTMLElement>("main figure")];
  const figure = figures.find((item) => item.matches(":hover, :focus-within")) ?? figures[0];
  void figure?.requestFullscreen();
}

const NO_MARKERS: Marker[] = [];

function Plot({ label, at, lines, format, limit, markers = NO_MARKERS, height = 170, min, max, onZoom, onZoomBack }: Props) {
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot>(undefined);
  const [cursor, setCursor] = useState<number | null>(null);
  const { theme, zone } = usePrefs();
  const systemDark = useSystemDark();
  const latest = useRef({ markers, limit, format, onZoom, onZoomBack });
  latest.current = { markers, limit, format, onZoom, onZoomBack };
  const data = useMemo(() => [at, ...lines.map((line) => line.values)] as uPlot.AlignedData, [at, lines]);
  const shape = lines.map((line) => `${line.label}${line.color}${line.fill}${line.ghost}`).join();

  useEffect(() => {
    const host = box.current;
    if (host === null) return;
    const grid = { stroke: colorOf("--line"), width: 1 };
    const axis = { stroke: colorOf("--muted"), grid, ticks: grid, font: "11px system-ui" };
    const options: uPlot.Options = {
      width: host.clientWidth || 300,
      height,
      legend: { show: false },
      cursor: {
        // Charts share the crosshair; what is chosen on one is nobody else's.
        sync: { key: SYNC, filters: { sub: () => true, pub: (type) => type === "mousemove" || type === "mouseleave" } },
        drag: { x: true, y: false, setScale: false },
        bind: {
          dblclick: () => () => {
            latest.current.onZoomBack?.();
            return null;
          },
        },
        points: { size: 6 },
      },
      ...(zone === "utc" ? { tzDate: (ts: number) => uPlot.tzDate(new Date(ts * 1000), "Etc/UTC") } : {}),
      scales: { y: { range: (_u, low, high) => yRange(low, high, { min, max, limit: latest.current.limit?.value }) } },
      axes: [
        { ...axis, space: 70, size: 30, values: (_u, ticks) => timeLabels(ticks, zone) },
        { ...axis, size: (_u, labels) => labelWidth(labels), values: (_u, ticks) => ticks.map((tick) => latest.current.format(tick)) },
      ],
      series: [
        {},
        ...lines.map((line) => ({
          label: line.label,
          stroke: colorOf(line.color),
          width: line.ghost ? 1.1 : 1.6,
          ...(line.ghost ? { dash: [4, 3] } : {}),
          points: { show: false },
          spanGaps: false,
          ...(line.fill ? { fill: colorOf("--chart-fill") } : {}),
        })),
      ],
      hooks: {
        setCursor: [(u) => setCursor(u.cursor.idx ?? null)],
        setSelect: [(u) => choose(u, latest.current.onZoom)],
        draw: [(u) => drawMarks(u, latest.current.markers, latest.current.limit)],
      },
    };
    const chart = new uPlot(options, data, host);
    plot.current = chart;
    const fit = () => chart.setSize({ width: host.clientWidth, height: document.fullscreenElement?.contains(host) ? innerHeight - LEGEND_PX : height });
    const resize = new ResizeObserver(fit);
    resize.observe(host);
    addEventListener("fullscreenchange", fit);
    return () => {
      resize.disconnect();
      removeEventListener("fullscreenchange", fit);
      chart.destroy();
      plot.current = undefined;
    };
    // Data is set by the effect below; a chart is only made anew when its shape or its colours change.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [shape, theme, systemDark, zone, height, min, max]);

  useEffect(() => plot.current?.setData(data), [data, markers, limit?.value, limit?.label]);

  const index = cursor ?? at.length - 1;
  return (
    <figure className={css.figure}>
      <figcaption className={css.legend}>
        {lines.map((line) => (
          <span key={line.label}>
            <i className={css.swatch} style={{ background: `var(${line.color})` }} />
            {line.label} <b>{format(line.values[index])}</b>
          </span>
        ))}
        {at[index] !== undefined && <span>{clock(new Date(at[index] * 1000).toISOString(), zone, Date.now())}</span>}
      </figcaption>
      <div ref={box} className={css.plot} role="img" aria-label={label} />
    </figure>
  );
}

interface Bounds {
  min: number | undefined;
  max: number | undefined;
  limit: number | undefined;
}

/** Room about the lines and the limit; none beyond what the values can reach. */
function yRange(low: number, high: number, { min, max, limit }: Bounds): [number, number] {
  let from = Math.min(low ?? 0, limit ?? low ?? 0, min ?? low ?? 0);
  let to = Math.max(high ?? 1, limit ?? high ?? 1, max ?? high ?? 1);
  if (to <= from) to = from + 1;
  const pad = (to - from) * 0.06;
  if (min === undefined || from < min) from -= pad;
  return [from, to + pad];
}

/** The limit as a dashed line, changes as thin lines with their names. */
function drawMarks(u: uPlot, markers: Marker[], limit: Props["limit"]): void {
  const { ctx } = u;
  const { left, top, width, height } = u.bbox;
  const ratio = devicePixelRatio;
  ctx.save();
  ctx.beginPath();
  ctx.rect(left, top, width, height);
  ctx.clip();
  ctx.font = `${11 * ratio}px system-ui`;
  ctx.textAlign = "left";
  ctx.textBaseline = "alphabetic";
  ctx.lineWidth = ratio;
  ctx.setLineDash([4 * ratio, 4 * ratio]);
  if (limit) {
    ctx.strokeStyle = ctx.fillStyle = colorOf("--warn");
    const y = u.valToPos(limit.value, "y", true);
    line(ctx, left, y, left + width, y);
    const under = y - top < 16 * ratio;
    ctx.fillText(limit.label, left + 4 * ratio, under ? y + 12 * ratio : y - 4 * ratio);
  }
  ctx.strokeStyle = ctx.fillStyle = colorOf("--muted");
  let lane = 0;
  for (const marker of markers) {
    const x = u.valToPos(marker.at, "x", true);
    if (x < left || x > left + width) continue;
    line(ctx, x, top, x, top + height);
    const text = ctx.measureText(marker.label).width;
    const flip = x + text + 8 * ratio > left + width;
    ctx.fillText(marker.label, flip ? x - text - 4 * ratio : x + 4 * ratio, top + (12 + 13 * (lane % LANES)) * ratio);
    lane += 1;
  }
  ctx.restore();
}
