import { expect, test } from "vitest";
import { withRun, type Past } from "./history";

test("a query stands once, the newest first", () => {
  const twice = withRun(withRun(withRun([], "a", 1), "b", 2), "a", 3);
  expect(twice).toEqual([{ x: "a", at: 3, runs: 2 }, { x: "b", at: 2, runs: 1 }]);
});

test("what is starred outlives a hundred others", () => {
  let all: Past[] = [{ x: "kept", at: 0, runs: 1, starred: true }];
  for (let i = 0; i < 150; i += 1) all = withRun(all, `q${i}`, i);
  expect(all).toHaveLength(100);
  expect(all.some((one) => one.x === "kept")).toBe(true);
  expect(all[0]?.x).toBe("q149");
});
