import { expect, test } from "vitest";
import { drawn, framesOf, ghostsOf, seriesOf, sharedLabels, stacked } from "./frames";

const grid = { start: 100, end: 140, step: 10 };

test("series stand on the grid, with gaps, the largest first", () => {
  const { at, frames, shared, keys, infinite } = framesOf(
    [
      { metric: { __name__: "x", job: "a", env: "p" }, values: [[100, "1"], [120, "3"], [140, "+Inf"]] },
      { metric: { __name__: "x", job: "b", env: "p" }, values: [[110, "9"], [120, "NaN"]] },
      { metric: { __name__: "x", job: "h", env: "p" }, histograms: [[100, { count: "1", sum: "1" }]] },
    ],
    grid,
  );
  expect(at).toEqual([100, 110, 120, 130, 140]);
  expect(frames.map((frame) => [frame.name, frame.values, frame.last, frame.mean, frame.rank])).toEqual([
    ["b", [null, 9, null, null, null], 9, 9, 0],
    ["a", [1, null, 3, null, null], 3, 2, 1],
  ]);
  expect(shared).toEqual({ __name__: "x", env: "p" });
  expect(keys).toEqual(["job"]);
  expect(infinite).toBe(1);
});

test("series of different labels are named by both", () => {
  const { frames, keys } = framesOf([{ metric: { a: "1" }, values: [[100, "2"]] }, { metric: { b: "1" }, values: [[100, "1"]] }], grid);
  expect(keys).toBeUndefined();
  expect(frames.map((frame) => frame.name)).toEqual(['{a="1"}', '{b="1"}']);
});

test("a scalar is a series without labels", () => expect(seriesOf({ resultType: "scalar", result: [1, "2"] })).toEqual([{ metric: {}, values: [[1, "2"]] }]));

test("one series shares nothing: it needs its name", () => expect(sharedLabels([{ a: "1" }])).toEqual({}));

test("what was before lies on the grid of now", () => {
  const ghosts = ghostsOf([{ metric: { a: "1" }, values: [[60, "5"], [70, "6"]] }], grid, 40);
  expect([...ghosts.values()]).toEqual([[5, 6, null, null, null]]);
});

test("choices", () => {
  const { frames } = framesOf([1, 2, 3].map((n) => ({ metric: { n: String(n) }, values: [[100, String(n)] as [number, string]] })), grid);
  const values = (choice: Parameters<typeof drawn>[1]) => drawn(frames, choice).map((frame) => frame.last);
  const [largest] = frames;
  expect(values({ hide: new Set(), only: undefined, most: 2 })).toEqual([3, 2]);
  expect(values({ hide: new Set([largest?.short ?? ""]), only: undefined, most: 2 })).toEqual([2]);
  expect(values({ hide: new Set(), only: frames[2]?.short, most: 2 })).toEqual([1]);
  expect(values({ hide: new Set(), only: "gone", most: 9 })).toEqual([3, 2, 1]);
});

test("stacks leave gaps where all have one", () => expect(stacked([[1, null, null], [2, 3, null]])).toEqual([[1, null, null], [3, 3, null]]));
