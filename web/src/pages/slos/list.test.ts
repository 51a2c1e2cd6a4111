import { expect, test } from "vitest";
import type { Slo } from "../../api/schema";
import { bandOf, csv, matches } from "./list";

const slo = (change: Partial<Slo> = {}) =>
  ({ name: "a", display_name: "Orders, all", service: "checkout", environment: "prod", owner: "=cmd", objective: 0.999, window_seconds: 60, state: "ok", sli: null, budget: { left_ratio: 0.5, left_events: 1, left_minutes: null }, burns: [], labels: { tier: "1", team: "shop" }, ...change }) as unknown as Slo;

test("a filter takes names, services and labels", () => {
  const check = (query: string, expected: boolean) => expect(matches(slo(), query)).toBe(expected);
  check("", true);
  check("checkout tier=1", true);
  check("ORDERS", true);
  check("checkout tier=2", false);
});

test("bands are quarters of the budget", () => {
  const check = (left: number | null, expected: string) => expect(bandOf(left)).toBe(expected);
  check(null, "unknown");
  check(-0.2, "spent");
  check(0, "spent");
  check(0.25, "low");
  check(0.76, "full");
});

test("CSV quotes what needs it, and holds no formula", () => {
  const line = csv([slo({ name: 'a"b' })]).split("\r\n")[1];
  expect(line).toBe('"a""b",checkout,prod,ok,0.999,60,,0.5,1,,,,,,0,\'=cmd,tier=1 team=shop');
});
