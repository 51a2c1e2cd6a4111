import { expect, test } from "vitest";
import { overWindow } from "./promql";

test("a rate becomes a count over a window", () => {
  const check = (rate: string, expected: string) => expect(overWindow(rate, 3_600)).toBe(expected);
  check('rate(evenkeel_sli_good_total{slo="a"}[5m])', 'increase(evenkeel_sli_good_total{slo="a"}[1h])');
  check("good_per_second", "(good_per_second) * 3600");
});
