// Many lines over time: a tooltip sorted by value, one line brought out, stacks, a logarithmic scale, ghosts, exemplars.

import { useEffect, useMemo, useRef, useState } from "react";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import type { Span } from "../lib/range";
import { usePrefs } from "../prefs";
import css from "./chart.module.css";
import { choose, colorOf, labelWidth, SYNC, timeLabels, useSystemDark } from "./draw";
import { drawExemplars, nearestExemplar, type Dot } from "./exemplars";
import { lonely } from "./lonely";
import { Tooltip, type Tip } from "./Tooltip";

export interface SeriesLine {
  key: string;
  name: string;
  values: (number | null)[];
  /** Where it is drawn, when that is not at its values. */
  drawn?: (number | null)[];
  /** A custom property of tokens.css. */
  color: string;
  dash?: number[] | undefined;
  /** What was before, on the same grid. */
  ghost?: (number | null)[] | undefined;
}

interface Props {
  label: string;
  at: number[];
  lines: SeriesLine[];
  format: (value: number | null | undefined) => string;
  stacked?: boolean;
  log?: boolean;
  /** Ticks at powers of two: bytes. */
  binary?: boolean;
  height?: number;
  /** The line that is brought out, from outside. */
  focus?: string | undefined;
  dots?: Dot[];
  onZoom?: ((span: Span) => void) | undefined;
  onZoomBack?: (() => void) | undefined;
  /** The index of the point under the crosshair; null when there is none. */
  onCursor?: ((index: number | null) => void) | undefined;
  /** A dot was chosen. */
  onDot?: ((dot: Dot) => void) | undefined;
  /** Left and width of the plotting area, in pixels: what lies over the chart stands by it. */
  onArea?: ((area: { left: number; width: number }) => void) | undefined;
}

const NO_DOTS: Dot[] = [];
/** Left to deploys and the legend in full screen. */
const LEGEND_PX = 320;
const FOCUS_PX = 24;
const WHEEL = 0.25;
const WHEEL_REST_MS = 180;
const POWERS_OF_TWO = Array.from({ length: 60 }, (_, i) => 2 ** i);

export function MetricChart({ label, at, lines, format, stacked = false, log = false, binary = false, height = 300, focus, dots = NO_DOTS, onZoom, onZoomBack, onCursor, onDot, onArea }: Props) {
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot>(undefined);
  const [tip, setTip] = useState<Tip | null>(null);
  const { theme, zone } = usePrefs();
  const systemDark = useSystemDark();
  const latest = useRef({ lines, format, dots, onZoom, onZoomBack, onCursor, onDot, onArea });
  latest.current = { lines, format, dots, onZoom, onZoomBack, onCursor, onDot, onArea };
  const data = useMemo(() => alignedData(at, lines, log), [at, lines, log]);
  const shape = lines.map((line) => `${line.key}${line.color}${line.ghost ? "g" : ""}`).join();

  useEffect(() => {
    const host = box.current;
    if (host === null) return;
    const grid = { stroke: colorOf("--line"), width: 1 };
    const axis = { stroke: colorOf("--muted"), grid, ticks: grid, font: "11px system-ui" };
    const { lines: own } = latest.current;
    let inside = false;
    let raised: number | null = null;
    const show = (u: uPlot) => {
      const { idx, left = -1, top = -1 } = u.cursor;
      latest.current.onCursor?.(idx ?? null);
      if (!inside || idx == null || left < 0) {
        setTip(null);
        return;
      }
      const dot = nearestExemplar(u, latest.current.dots, left, top);
      setTip({ index: idx, left: left + u.over.offsetLeft, top: top + u.over.offsetTop, width: host.clientWidth, raised: raised === null ? undefined : own[raised]?.key, dot });
    };
    const chart = new uPlot(
      {
        width: host.clientWidth || 300,
        height,
        legend: { show: false },
        focus: { alpha: 0.28 },
        cursor: {
          sync: { key: SYNC, setSeries: false, filters: { sub: () => true, pub: (type) => type === "mousemove" || type === "mouseleave" } },
          drag: { x: true, y: false, setScale: false, dist: 4 },
          // What was before is no line of its own.
          focus: { prox: FOCUS_PX, dist: (_u, i, _index, value, cursor) => (i > own.length ? Infinity : value - cursor) },
          bind: {
            dblclick: () => () => {
              latest.current.onZoomBack?.();
              return null;
            },
          },
          points: { size: 6, show: (_u, i) => pointOf(own[i - 1]?.color) },
        },
        ...(zone === "utc" ? { tzDate: (ts: number) => uPlot.tzDate(new Date(ts * 1000), "Etc/UTC") } : {}),
        scales: {
          // The whole window, also where nothing was: an empty beginning is seen as one.
          x: { range: (u) => [u.data[0][0] ?? 0, Math.max(u.data[0].at(-1) ?? 1, (u.data[0][0] ?? 0) + 1)] },
          y: log ? { distr: 3, log: 10, range: (_u, low, high) => uPlot.rangeLog(low > 0 ? low : 1, high > 0 ? high : 10, 10, false) } : { range: (_u, low, high) => roomy(low, high, stacked) },
        },
        axes: [
          { ...axis, space: 74, size: 28, values: (_u, ticks) => timeLabels(ticks, zone) },
          { ...axis, space: 34, ...(binary ? { incrs: POWERS_OF_TWO } : {}), size: (_u, labels) => labelWidth(labels), values: (_u, ticks) => ticks.map((tick) => (tick == null ? "" : latest.current.format(tick))) },
        ],
        // Each is filled down to the one below it, so that no colours mix.
        ...(stacked ? { bands: own.slice(1).map((_, i): uPlot.Band => ({ series: [i + 1, i + 2] })) } : {}),
        series: [{}, ...own.map((line) => lineOptions(line, stacked)), ...own.filter((line) => line.ghost).map(ghostOptions)],
        hooks: {
          setCursor: [show],
          setSeries: [
            (u, index) => {
              raised = index === null || index > own.length ? null : index - 1;
              show(u);
            },
          ],
          setSelect: [(u) => choose(u, latest.current.onZoom)],
          draw: [(u) => drawExemplars(u, latest.current.dots)],
          setSize: [(u) => latest.current.onArea?.({ left: u.over.offsetLeft, width: u.over.clientWidth })],
          ready: [(u) => latest.current.onArea?.({ left: u.over.offsetLeft, width: u.over.clientWidth })],
        },
      },
      data,
      host,
    );
    plot.current = chart;
    const enter = () => (inside = true);
    const leave = () => {
      inside = false;
      setTip(null);
    };
    const click = (event: MouseEvent) => {
      const area = chart.over.getBoundingClientRect();
      const dot = nearestExemplar(chart, latest.current.dots, event.clientX - area.left, event.clientY - area.top);
      if (dot) latest.current.onDot?.(dot);
    };
    // Ctrl and the wheel zoom about what is under the pointer; what is left of it when the wheel rests is asked for.
    let wheeled: Span | undefined;
    let rest: ReturnType<typeof setTimeout> | undefined;
    const wheel = (event: WheelEvent) => {
      if (!event.ctrlKey) return;
      event.preventDefault();
      const times = chart.data[0];
      const now: Span = wheeled ?? { from: (times[0] ?? 0) * 1000, to: (times.at(-1) ?? 0) * 1000 };
      const share = (event.clientX - chart.over.getBoundingClientRect().left) / (chart.over.clientWidth || 1);
      const length = (now.to - now.from) * (event.deltaY < 0 ? 1 - WHEEL : 1 + WHEEL);
      const middle = now.from + (now.to - now.from) * share;
      wheeled = { from: middle - length * share, to: Math.min(middle + length * (1 - share), Date.now()) };
      clearTimeout(rest);
      rest = setTimeout(() => {
        if (wheeled) latest.current.onZoom?.(wheeled);
        wheeled = undefined;
      }, WHEEL_REST_MS);
    };
    chart.over.addEventListener("wheel", wheel, { passive: false });
    chart.over.addEventListener("mouseenter", enter);
    chart.over.addEventListener("mouseleave", leave);
    chart.over.addEventListener("click", click);
    const fit = () => {
      chart.setSize({ width: host.clientWidth, height: document.fullscreenElement?.contains(host) ? innerHeight - LEGEND_PX : height });
    };
    const resize = new ResizeObserver(fit);
    resize.observe(host);
    addEventListener("fullscreenchange", fit);
    return () => {
      clearTimeout(rest);
      resize.disconnect();
      removeEventListener("fullscreenchange", fit);
      chart.destroy();
      plot.current = undefined;
    };
    // A chart is only made anew when its shape or its colours change; what it shows is set below.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [shape, theme, systemDark, zone, height, stacked, log, binary]);

  useEffect(() => plot.current?.setData(data), [data]);
  useEffect(() => plot.current?.redraw(false), [dots]);
  useEffect(() => {
    const u = plot.current;
    if (u === undefined) return;
    const index = lines.findIndex((line) => line.key === focus);
    u.setSeries(index < 0 ? (null as unknown as number) : index + 1, { focus: true }, false);
  }, [focus, lines, shape]);

  const move = (by: number) => {
    const u = plot.current;
    if (u === undefined) return;
    const index = Math.max(0, Math.min(at.length - 1, (u.cursor.idx ?? (by > 0 ? -1 : at.length)) + by));
    u.setCursor({ left: u.valToPos(at[index] ?? 0, "x"), top: u.over.clientHeight / 2 });
  };
  return (
    <div
      ref={box}
      className={css.plot}
      role="img"
      aria-label={label}
      tabIndex={0}
      onKeyDown={(event) => {
        if (event.key !== "ArrowLeft" && event.key !== "ArrowRight") return;
        event.preventDefault();
        move((event.key === "ArrowLeft" ? -1 : 1) * (event.shiftKey ? 10 : 1));
      }}
      onBlur={() => plot.current?.setCursor({ left: -10, top: -10 })}
    >
      {tip && <Tooltip tip={tip} at={at} lines={lines} format={format} />}
    </div>
  );
}

function alignedData(at: number[], lines: SeriesLine[], log: boolean): uPlot.AlignedData {
  // A logarithm knows nothing at or below zero.
  const positive = (values: (number | null)[]) => (log ? values.map((value) => (value !== null && value > 0 ? value : null)) : values);
  return [at, ...lines.map((line) => positive(line.drawn ?? line.values)), ...lines.flatMap((line) => (line.ghost ? [positive(line.ghost)] : []))] as uPlot.AlignedData;
}

function lineOptions(line: SeriesLine, stacked: boolean): uPlot.Series {
  const color = colorOf(line.color);
  return {
    label: line.name,
    stroke: color,
    width: stacked ? 1 : 1.6,
    spanGaps: false,
    ...(line.dash && !stacked ? { dash: line.dash } : {}),
    ...(stacked ? { fill: faded(color) } : {}),
    // A value between two gaps makes no line.
    points: { show: true, size: 4, fill: color, filter: (u, series, show) => (show === false ? null : lonely(u.data[series] as (number | null)[], 0, u.data[0].length - 1)) },
  };
}

function ghostOptions(line: SeriesLine): uPlot.Series {
  return { label: `${line.name} before`, stroke: colorOf(line.color), width: 1.1, dash: [3, 4], alpha: 0.6, spanGaps: false, points: { show: false } };
}

/** The colour as a fill, whichever way the browser writes it. */
function faded(color: string): string {
  return color.startsWith("rgb(") ? color.replace("rgb(", "rgba(").replace(")", ", 0.38)") : color;
}

/** The dot on the line; what was before has none, which uPlot takes though its types do not say so. */
function pointOf(color: string | undefined): HTMLElement {
  if (color === undefined) return undefined as unknown as HTMLElement;
  const point = document.createElement("div");
  point.style.background = colorOf(color);
  point.style.borderColor = colorOf(color);
  return point;
}

/** Room about the lines; zero belongs to it when it is near, or when heights are added up. */
function roomy(low: number | null, high: number | null, stacked: boolean): [number, number] {
  let from = low ?? 0;
  let to = high ?? 1;
  if (stacked || (from > 0 && from < (to - from) * 2)) from = Math.min(0, from);
  if (to < 0 && -to < (to - from) * 2) to = 0;
  if (to === from) {
    const pad = Math.abs(to) * 0.1 || 1;
    return [from - pad, to + pad];
  }
  const pad = (to - from) * 0.06;
  return [from < 0 || from > 0 ? from - pad : from, to + pad];
}
