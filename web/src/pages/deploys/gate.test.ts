import { expect, test } from "vitest";
import type { Deploy, GateVerdict } from "../../api/schema";
import { burnsAround, isNewest, passedBy, tookSeconds } from "./gate";

const at = (second: number) => new Date(second * 1000).toISOString();
const deploy = (change: Partial<Deploy> = {}) => ({ id: "dpl_1", service: "checkout", environment: "prod", version: "2.0.0", started_at: at(100), gate: null, ...change }) as Deploy;
const verdict = (id: string, second: number, change: Partial<GateVerdict> = {}) => ({ id, service: "checkout", environment: "prod", version: "2.0.0", outcome: "allow", at: at(second), ...change }) as GateVerdict;

test("a deploy goes by the verdict that it names, else by the newest before it", () => {
  const check = (of: Deploy, verdicts: GateVerdict[], expected: [string, boolean] | undefined) => {
    const passed = passedBy(of, verdicts);
    expect(passed && [passed.id, passed.against]).toEqual(expected);
  };
  check(deploy(), [], undefined);
  check(deploy({ gate: "gat_x" }), [], ["gat_x", false]);
  check(deploy({ gate: "gat_1" }), [verdict("gat_1", 10), verdict("gat_2", 50, { outcome: "block" })], ["gat_1", false]);
  check(deploy(), [verdict("gat_1", 10), verdict("gat_2", 50, { outcome: "block" }), verdict("gat_3", 101)], ["gat_2", true]);
  check(deploy({ rolls_back: "dpl_0" }), [verdict("gat_2", 50, { outcome: "block" })], ["gat_2", false]);
  check(deploy(), [verdict("gat_1", 10, { environment: "staging" }), verdict("gat_2", 10, { version: "1.9.0" })], undefined);
});

test("what took no time was not measured", () => {
  const check = (finished: string | null, expected: number | undefined) => expect(tookSeconds({ started_at: at(100), finished_at: finished })).toBe(expected);
  check(null, undefined);
  check(at(100), undefined);
  check(at(142), 42);
});

test("the newest deploy of a place", () => {
  expect(isNewest(deploy(), [deploy(), deploy({ started_at: at(101), environment: "staging" })])).toBe(true);
  expect(isNewest(deploy(), [deploy({ started_at: at(101) })])).toBe(false);
});

test("burns before and after", () => {
  const points = [
    { at: at(40), good: 999, total: 1_000 },
    { at: at(100), good: 50, total: 100 },
    { at: at(160), good: null, total: null },
  ];
  const { before, after } = burnsAround(points, 100_000, 0.999);
  expect(before).toBeCloseTo(1);
  expect(after).toBeCloseTo(500);
  expect(burnsAround([], 0, 0.999)).toEqual({ before: undefined, after: undefined });
});
