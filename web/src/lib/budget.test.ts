import { expect, test } from "vitest";
import type { Budget, SloPoint } from "../api/schema";
import { laidOver, budgetLeft, rates } from "./budget";
import { stepSeconds } from "./range";

const budget: Budget = {
  total_events: 300,
  bad_events: 6,
  allowed_events: 10,
  left_events: 4,
  left_ratio: 0.4,
  allowed_minutes: 40,
  left_minutes: 16,
};
const point = (minute: number, good: number | null, total: number | null): SloPoint => ({
  at: new Date(minute * 60_000).toISOString(),
  good,
  total,
});

test("the budget of a whole window burns down from all of it to what is left", () => {
  const series = budgetLeft([point(0, 100, 100), point(1, 96, 100), point(2, 98, 100)], budget, 60, 180);
  expect(series.at).toEqual([60, 120, 180]);
  expect(series.value.map((v) => Number(v?.toFixed(9)))).toEqual([1, 0.6, 0.4]);
});

test("what lies before the window is not drawn", () => {
  const points = [point(0, 90, 100), point(1, 96, 100), point(2, 98, 100)];
  expect(budgetLeft(points, budget, 60, 120).value.map((v) => v && Number(v.toFixed(9)))).toEqual([null, 0.6, 0.4]);
});

test("no telemetry is a gap, not a zero", () => {
  const points = [point(0, 96, 100), point(1, null, null), point(2, 0, 0)];
  expect(budgetLeft(points, budget, 60, 180).value).toEqual([0.4, null, 0.4]);
  expect(rates(points, 60)).toEqual({
    at: [0, 60, 120],
    total: [100 / 60, null, 0],
    bad: [4 / 60, null, 0],
    ratio: [0.04, null, null],
  });
});

test("without events nothing is known", () => {
  const none = { ...budget, left_ratio: null, allowed_events: 0 };
  expect(budgetLeft([point(0, 0, 0)], none, 60, 180).value).toEqual([null]);
});

test("a chart asks for a width that is kept", () => {
  expect([900, 3_600, 21_600, 86_400, 604_800, 2_592_000].map(stepSeconds)).toEqual([10, 10, 60, 300, 3_600, 3_600]);
});

test("an earlier period is laid under the present one", () => {
  const earlier = { at: [0, 10, 20], values: [1, null, 3] };
  expect(laidOver([60, 70, 80, 90], earlier, 60, 10)).toEqual([1, null, 3, null]);
  expect(laidOver([61, 71], earlier, 60, 10)).toEqual([1, null]);
});
