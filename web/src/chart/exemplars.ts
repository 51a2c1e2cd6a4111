// Exemplars as dots on a chart: single observations that know their trace.

import type uPlot from "uplot";
import { colorOf } from "./draw";

export interface Dot {
  /** Unix seconds. */
  at: number;
  value: number;
  labels: Record<string, string>;
  /** Of the series it was seen in. */
  series: Record<string, string>;
}

const RADIUS = 4;
const NEAR_PX = 9;

/** Where it stands in the plotting area; one above or below it stands at the edge. */
function place(u: uPlot, dot: Dot): { x: number; y: number } {
  const y = u.valToPos(dot.value, "y");
  const height = u.over.clientHeight;
  return { x: u.valToPos(dot.at, "x"), y: Number.isFinite(y) ? Math.max(RADIUS, Math.min(height - RADIUS, y)) : height - RADIUS };
}

export function drawExemplars(u: uPlot, dots: Dot[]): void {
  if (dots.length === 0) return;
  const { ctx } = u;
  const ratio = devicePixelRatio;
  ctx.save();
  ctx.fillStyle = colorOf("--panel");
  ctx.strokeStyle = colorOf("--code-function");
  ctx.lineWidth = 1.8 * ratio;
  ctx.setLineDash([]);
  const size = RADIUS * ratio;
  for (const dot of dots) {
    const { x, y } = place(u, dot);
    if (x < 0 || x > u.over.clientWidth) continue;
    const [left, top] = [u.bbox.left + x * ratio, u.bbox.top + y * ratio];
    ctx.beginPath();
    ctx.moveTo(left, top - size);
    ctx.lineTo(left + size, top);
    ctx.lineTo(left, top + size);
    ctx.lineTo(left - size, top);
    ctx.closePath();
    ctx.fill();
    ctx.stroke();
  }
  ctx.restore();
}

/** The one under the pointer. */
export function nearestExemplar(u: uPlot, dots: Dot[], left: number, top: number): Dot | undefined {
  let best: Dot | undefined;
  let least = NEAR_PX;
  for (const dot of dots) {
    const { x, y } = place(u, dot);
    const far = Math.hypot(x - left, y - top);
    if (far < least) [best, least] = [dot, far];
  }
  return best;
}
