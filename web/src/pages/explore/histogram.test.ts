import { expect, test } from "vitest";
import { distributionsOf, edgesOf, merged, quantile } from "./histogram";

const grid = { start: 0, end: 10, step: 10 };

test("classic buckets become cells", () => {
  const bucket = (le: string, ...values: string[]) => ({ metric: { le, job: "a" }, values: values.map((value, i): [number, string] => [i * 10, value]) });
  const found = distributionsOf([bucket("+Inf", "10", "12"), bucket("0.1", "4", "4"), bucket("0.5", "9", "9"), { metric: { job: "b" }, values: [[0, "1"]] }], grid);
  expect(found).toHaveLength(1);
  expect(found[0]?.name).toBe('{job="a"}');
  expect(found[0]?.cells[0]).toEqual([
    { left: 0, right: 0.1, count: 4 },
    { left: 0.1, right: 0.5, count: 5 },
    { left: 0.5, right: Infinity, count: 1 },
  ]);
  expect(edgesOf(found)).toEqual([0, 0.1, 0.5, Infinity]);
});

test("native histograms win over classic ones", () => {
  const found = distributionsOf([{ metric: { __name__: "h" }, histograms: [[10, { count: "3", sum: "6", buckets: [[0, "1", "2", "2"], [0, "2", "4", "1"]] }]] }], grid);
  expect(found[0]?.cells).toEqual([null, [{ left: 1, right: 2, count: 2 }, { left: 2, right: 4, count: 1 }]]);
  expect(found[0]?.sums).toEqual([null, 6]);
});

test("quantiles", () => {
  const cells = [{ left: 0, right: 10, count: 5 }, { left: 10, right: 20, count: 5 }];
  expect(quantile(cells, 0.25)).toBeCloseTo(5);
  expect(quantile(cells, 0.75)).toBeCloseTo(10 * 2 ** 0.5);
  expect(quantile([{ left: 0.5, right: Infinity, count: 1 }], 0.99)).toBe(0.5);
  expect(quantile([], 0.5)).toBeNull();
});

test("distributions add up", () => {
  const one = { key: "", name: "", sums: [], cells: [[{ left: 0, right: 1, count: 1 }], null] };
  expect(merged([one, { ...one, cells: [[{ left: 0, right: 1, count: 2 }, { left: 1, right: 2, count: 1 }], null] }])).toEqual([[{ left: 0, right: 1, count: 3 }, { left: 1, right: 2, count: 1 }], null]);
});
