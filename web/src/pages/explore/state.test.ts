import { expect, test } from "vitest";
import { autoStep, gridOf, readSearch, readStep, stepText } from "./state";

test("an address is read for what it holds, and no more", () => {
  expect(readSearch({})).toEqual({ v: undefined, panes: undefined, ghost: undefined, since: undefined, ex: undefined, every: undefined, browse: undefined, metric: undefined });
  const { v, panes } = readSearch({ v: 1, panes: ["up", { x: "rate(x[5m])", view: "table", step: 15, stack: true, most: 1e9, evil: 1, hide: ["a", 3] }, { x: "c", view: "chart" }, 7, null] });
  expect(v).toBe(1);
  expect(panes).toEqual([{ x: "up" }, { x: "rate(x[5m])", view: "table", step: 15, stack: true, hide: ["a"] }, { x: "c" }]);
  expect(readSearch({ panes: Array.from({ length: 40 }, () => "up") }).panes).toHaveLength(8);
});

test("steps are round and give few hundred points", () => {
  for (const seconds of [60, 900, 3_600, 21_600, 86_400, 604_800, 2_592_000, 31_536_000]) {
    const points = seconds / autoStep(seconds);
    expect(points).toBeLessThanOrEqual(360);
    expect(points).toBeGreaterThan(seconds === 60 ? 59 : 80);
  }
});

test("the grid stands still while the window moves", () => {
  expect(gridOf({ seconds: 60, fixed: undefined }, 15, 1_000_007_000)).toEqual({ start: 999_945, end: 1_000_005, step: 15 });
  expect(gridOf({ seconds: 0, fixed: { from: 1_000, to: 1_500 } }, 15, 0)).toEqual({ start: 0, end: 0, step: 15 });
});

test("steps are read and written as PromQL has them", () => {
  const check = (text: string, seconds: number | undefined) => expect(readStep(text)).toBe(seconds);
  check("15s", 15);
  check(" 1m30s ", 90);
  check("90", 90);
  check("500ms", 0.5);
  check("0", undefined);
  check("1x", undefined);
  check("", undefined);
  expect([90, 3600, 0.5, 86400].map(stepText)).toEqual(["90s", "1h", "500ms", "1d"]);
});
