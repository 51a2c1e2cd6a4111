import { expect, test } from "vitest";
import { describe, findMetrics } from "./search";

const metadata = { http_requests: [{ type: "counter", help: "Answered calls.", unit: "" }], up: [{ type: "unknown", help: "" }] };

test("a sample is described by its family", () => {
  expect(describe("http_requests_total", metadata)).toEqual({ name: "http_requests_total", type: "counter", unit: undefined, help: "Answered calls." });
  expect(describe("up", metadata)).toEqual({ name: "up", type: undefined, unit: undefined, help: undefined });
  expect(describe("x_bucket", null).type).toBe("histogram");
});

test("every word must occur, the beginning of the name wins", () => {
  const names = ["my_http_requests_total", "http_requests_total", "up"];
  expect(findMetrics(names, "http req", metadata)).toEqual(["http_requests_total", "my_http_requests_total"]);
  expect(findMetrics(names, "answered", metadata)).toEqual(["http_requests_total"]);
  expect(findMetrics(names, " ", metadata)).toEqual(names);
});

test("a hundred thousand names are searched within a key's stroke", () => {
  const names = Array.from({ length: 100_000 }, (_, i) => `service_${i % 300}_requests_kind_${i}_total`);
  const start = performance.now();
  expect(findMetrics(names, "kind_99", null).length).toBeGreaterThan(1_000);
  expect(performance.now() - start).toBeLessThan(500);
});
