// What all charts share: colours of the theme for a canvas, the labels of axes, the choice of a time, the crosshair.

import { useSyncExternalStore } from "react";
import uPlot from "uplot";
import type { Zone } from "../lib/format";
import type { Span } from "../lib/range";

/** Charts of one key share the crosshair. */
export const SYNC = "evenkeel";

const dark = matchMedia("(prefers-color-scheme: dark)");
export function useSystemDark(): boolean {
  return useSyncExternalStore(
    (listener) => {
      dark.addEventListener("change", listener);
      return () => dark.removeEventListener("change", listener);
    },
    () => dark.matches,
  );
}

/** Room for the longest label of an axis, in pixels. */
export function labelWidth(labels: string[] | null): number {
  const longest = Math.max(0, ...(labels ?? []).map((label) => label.length));
  return Math.max(62, 16 + longest * 7);
}

/** The colour that a custom property has now; a canvas knows none. */
export function colorOf(name: string): string {
  const probe = document.createElement("i");
  probe.style.color = `var(${name})`;
  document.body.append(probe);
  const color = getComputedStyle(probe).color;
  probe.remove();
  return color;
}

/** What was drawn over becomes the time that is shown. */
export function choose(u: uPlot, onZoom: ((span: Span) => void) | undefined): void {
  const { left, width } = u.select;
  if (width <= 0) return;
  u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
  onZoom?.({ from: u.posToVal(left, "x") * 1000, to: u.posToVal(left + width, "x") * 1000 });
}

/** Days over long times, seconds where the ticks are that near. */
export function timeLabels(ticks: number[], zone: Zone): string[] {
  const long = (ticks.at(-1) ?? 0) - (ticks[0] ?? 0) > 2 * 86_400;
  const fine = (ticks[1] ?? 0) - (ticks[0] ?? 0) < 60;
  const pad = (n: number) => String(n).padStart(2, "0");
  return ticks.map((tick) => {
    const date = zone === "utc" ? uPlot.tzDate(new Date(tick * 1000), "Etc/UTC") : new Date(tick * 1000);
    if (long) return `${pad(date.getMonth() + 1)}-${pad(date.getDate())}`;
    return `${pad(date.getHours())}:${pad(date.getMinutes())}${fine ? `:${pad(date.getSeconds())}` : ""}`;
  });
}

export function line(ctx: CanvasRenderingContext2D, x1: number, y1: number, x2: number, y2: number): void {
  ctx.beginPath();
  ctx.moveTo(x1, y1);
  ctx.lineTo(x2, y2);
  ctx.stroke();
}
