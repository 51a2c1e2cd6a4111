import { expect, test } from "vitest";
import { startsOf } from "./starts";

test("first queries are about what is there", () => {
  const asked = startsOf(["http_seconds_bucket", "http_seconds_count", "orders_total", "up"]).map((start) => start.x);
  expect(asked).toContain("sum(rate(http_seconds_count[5m]))");
  expect(asked).toContain("histogram_quantile(0.95, sum by (le) (rate(http_seconds_bucket[5m])))");
  expect(asked).toContain("up == 0");
  expect(asked).toContain("sum(rate(orders_total[5m]))");
  expect(startsOf(["a"])[0]?.x).toBe("a");
});
