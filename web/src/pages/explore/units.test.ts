import { expect, test } from "vitest";
import { formatOf, guessUnit, plain } from "./units";

test("plain numbers", () => expect([0, 12.3456, 9_999, 12_345, 2.5e7, 0.00042, 1.5e-9, -3, NaN, Infinity, null].map(plain)).toEqual(["0", "12.346", "9999", "12.35k", "25M", "0.00042", "1.5e-9", "−3", "NaN", "+Inf", "–"]));

test("seconds", () => expect([0.00025, 0.25, 1.5, 90, 7_200].map(formatOf("seconds")).map((text) => text.replaceAll("\u00a0", " "))).toEqual(["250 µs", "250 ms", "1.5 s", "90 s", "2 h"]));

test("units follow the name where it is still the value's own", () => {
  const check = (expression: string, names: string[], unit: string) => expect(guessUnit(expression, names.map((name): Record<string, string> => (name ? { __name__: name } : {})))).toBe(unit);
  check("process_resident_memory_bytes", ["process_resident_memory_bytes"], "bytes");
  check("x_seconds_count", ["x_seconds_count"], "none");
  check("rate(x_seconds_sum[5m])", [""], "none");
  check("histogram_quantile(0.9, sum by (le) (rate(http_request_duration_seconds_bucket[5m])))", [""], "seconds");
  check("process_start_timestamp_seconds", ["process_start_timestamp_seconds"], "none");
});
