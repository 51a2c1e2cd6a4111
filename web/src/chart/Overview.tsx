// The strip above the charts: a longer time, drawn small, with the part that is shown as a window that can be moved.

import { useCallback, useEffect, useRef, useState, type KeyboardEvent, type PointerEvent } from "react";
import { clock } from "../lib/format";
import type { Span } from "../lib/range";
import { usePrefs } from "../prefs";
import css from "./chart.module.css";
import { colorOf, useSystemDark } from "./draw";

export interface Envelope {
  /** Unix seconds. */
  at: number[];
  low: (number | null)[];
  high: (number | null)[];
}

interface Props {
  /** All that the strip shows, in Unix milliseconds. */
  outer: Span;
  shown: Span;
  envelope: Envelope | undefined;
  onChange: (span: Span) => void;
}

type Grip = "from" | "to" | "both";
const HEIGHT_PX = 46;
const MS_MIN = 60_000;

export function Overview({ outer, shown, envelope, onChange }: Props) {
  const host = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const [moving, setMoving] = useState<Span>();
  const drag = useRef<{ grip: Grip; x: number; span: Span }>(undefined);
  const { theme, zone } = usePrefs();
  const systemDark = useSystemDark();
  const [width, setWidth] = useState(0);
  const length = outer.to - outer.from;
  const span = moving ?? shown;

  useEffect(() => {
    const element = host.current;
    if (element === null) return;
    const resize = new ResizeObserver(() => setWidth(element.clientWidth));
    resize.observe(element);
    return () => resize.disconnect();
  }, []);
  useEffect(() => {
    if (canvas.current && width > 0) draw(canvas.current, width, outer, envelope);
  }, [width, envelope, outer.from, outer.to, theme, systemDark]);

  const moved = useCallback(
    (start: Span, grip: Grip, by: number): Span => {
      const clamp = (ms: number) => Math.max(outer.from, Math.min(outer.to, ms));
      if (grip === "from") return { from: Math.min(clamp(start.from + by), start.to - MS_MIN), to: start.to };
      if (grip === "to") return { from: start.from, to: Math.max(clamp(start.to + by), start.from + MS_MIN) };
      const from = Math.max(outer.from, Math.min(outer.to - (start.to - start.from), start.from + by));
      return { from, to: from + (start.to - start.from) };
    },
    [outer.from, outer.to],
  );

  const down = (grip: Grip) => (event: PointerEvent<HTMLElement>) => {
    event.preventDefault();
    event.currentTarget.focus();
    event.currentTarget.setPointerCapture(event.pointerId);
    drag.current = { grip, x: event.clientX, span: shown };
  };
  const move = (event: PointerEvent<HTMLElement>) => {
    const { current } = drag;
    if (current && width > 0) setMoving(moved(current.span, current.grip, ((event.clientX - current.x) / width) * length));
  };
  const up = () => {
    if (drag.current && moving) onChange(moving);
    drag.current = undefined;
    setMoving(undefined);
  };
  const key = (grip: Grip) => (event: KeyboardEvent) => {
    const sign = event.key === "ArrowLeft" ? -1 : event.key === "ArrowRight" ? 1 : 0;
    if (sign === 0) return;
    event.preventDefault();
    onChange(moved(shown, grip, (sign * length) / (event.shiftKey ? 10 : 50)));
  };
  const share = (ms: number) => `${Math.max(0, Math.min(100, ((ms - outer.from) / length) * 100))}%`;
  const text = (ms: number) => clock(new Date(ms).toISOString(), zone, Date.now(), false);
  const handle = (grip: "from" | "to", label: string) => (
    <span
      className={css.grip}
      data-grip={grip}
      role="slider"
      tabIndex={0}
      aria-label={label}
      aria-valuemin={Math.round(outer.from / 1000)}
      aria-valuemax={Math.round(outer.to / 1000)}
      aria-valuenow={Math.round(span[grip] / 1000)}
      aria-valuetext={text(span[grip])}
      onPointerDown={down(grip)}
      onPointerMove={move}
      onPointerUp={up}
      onPointerCancel={up}
      onKeyDown={key(grip)}
    />
  );
  return (
    <div ref={host} className={css.overview} role="group" aria-label="Overview of a longer time">
      <canvas ref={canvas} height={HEIGHT_PX} aria-hidden="true" />
      <span className={css.outerFrom}>{text(outer.from)}</span>
      <span className={css.outerTo}>{text(outer.to)}</span>
      <div className={css.window} style={{ left: share(span.from), right: `calc(100% - ${share(span.to)})` }} data-moving={moving !== undefined}>
        <span className={css.body} onPointerDown={down("both")} onPointerMove={move} onPointerUp={up} onPointerCancel={up} />
        {handle("from", "Begin of the time shown")}
        {handle("to", "End of the time shown")}
      </div>
    </div>
  );
}

function draw(canvas: HTMLCanvasElement, width: number, outer: Span, envelope: Envelope | undefined): void {
  const ratio = devicePixelRatio;
  canvas.width = width * ratio;
  canvas.height = HEIGHT_PX * ratio;
  const ctx = canvas.getContext("2d");
  if (ctx === null || envelope === undefined) return;
  const known = [...envelope.low, ...envelope.high].filter((value): value is number => value !== null);
  if (known.length === 0) return;
  const low = known.reduce((a, b) => Math.min(a, b), Math.min(0, known[0] ?? 0));
  const high = known.reduce((a, b) => Math.max(a, b), low);
  const x = (at: number) => ((at * 1000 - outer.from) / (outer.to - outer.from)) * canvas.width;
  const y = (value: number) => canvas.height - 3 * ratio - ((value - low) / (high - low || 1)) * (canvas.height - 8 * ratio);
  ctx.fillStyle = colorOf("--chart-fill");
  ctx.strokeStyle = colorOf("--chart-1");
  ctx.lineWidth = ratio;
  const single = envelope.high.every((value, i) => value === envelope.low[i]);
  for (const [from, to] of runs(envelope.high)) {
    ctx.beginPath();
    for (let i = from; i <= to; i += 1) ctx.lineTo(x(envelope.at[i] ?? 0), y(envelope.high[i] ?? 0));
    ctx.stroke();
    for (let i = to; i >= from; i -= 1) ctx.lineTo(x(envelope.at[i] ?? 0), single ? canvas.height : y(envelope.low[i] ?? 0));
    ctx.fill();
  }
}

/** First and last index of each stretch without a gap. */
function runs(values: (number | null)[]): [number, number][] {
  const found: [number, number][] = [];
  let start = -1;
  values.forEach((value, i) => {
    if (value !== null && start < 0) start = i;
    if (value === null && start >= 0) {
      found.push([start, i - 1]);
      start = -1;
    }
  });
  if (start >= 0) found.push([start, values.length - 1]);
  return found;
}
