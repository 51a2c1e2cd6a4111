import { expect, test } from "vitest";
import { flatten } from "./plan";

test("a plan is read from the root down, with the time of each piece alone", () => {
  const node = (text: string, ms: number, children: Parameters<typeof flatten>[0][] = []) => ({ text, start: 0, end: 1, ms, samples: 0, series: 0, children });
  const rows = flatten(node("a + b", 10, [node("a", 3, [node("x", 4)]), node("b", 5)]));
  expect(rows.map((row) => [row.node.text, row.depth, row.selfMs, row.path])).toEqual([
    ["a + b", 0, 2, "0"],
    ["a", 1, 0, "0.0"],
    ["x", 2, 4, "0.0.0"],
    ["b", 1, 5, "0.1"],
  ]);
});
