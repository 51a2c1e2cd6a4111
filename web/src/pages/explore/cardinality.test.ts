import { expect, test } from "vitest";
import { largestService, limits, narrowed, ownMetrics, pairOf, readCardinality, refusals } from "./cardinality";

test("a match is narrowed by one matcher", () => {
  expect(narrowed(undefined, "job", "a")).toBe('{job="a"}');
  expect(narrowed("up", "job", "a")).toBe('up{job="a"}');
  expect(narrowed('up{env="x"}', "service.name", 'b"c')).toBe('up{env="x", "service.name"="b\\"c"}');
  expect(narrowed("{}", "__name__", "up")).toBe('{__name__="up"}');
});

test("pairs", () => expect(pairOf("job=a=b")).toEqual({ label: "job", value: "a=b" }));

test("addresses", () => expect(readCardinality({ top: 20, match: " ", label: 3 })).toEqual({ top: 20, match: undefined, label: undefined }));

test("our own metrics tell what was refused, and how near the limits are", () => {
  const own = ownMetrics(
    ["# HELP x y", 'evenkeel_ingest_refused_total{signal="samples",reason="series_limit",service="web",label="user_id"} 12', 'evenkeel_ingest_refused_total{signal="spans",reason="old"} 3', 'evenkeel_http_refused_total{why="host"} 9', "evenkeel_tsdb_series 40", "evenkeel_tsdb_series_limit 200000", "other 1"].join("\n"),
  );
  expect(own).toHaveLength(5);
  expect(refusals(own)).toEqual([{ what: "samples", reason: "series_limit", label: "user_id", service: "web", total: 12 }]);
  expect(limits(own, undefined, undefined, undefined)).toEqual([{ name: "tsdb series", used: 40, limit: 200_000 }]);
  expect(limits([], { "limits.max_active_series": "1000", "limits.max_labels": "60" }, 10, undefined)).toEqual([{ name: "limits.max_active_series", used: 10, limit: 1_000 }]);
});

test("what the store refused is told once, with its service and label", () => {
  const own = ownMetrics(
    [
      'evenkeel_ingest_refused_total{signal="samples",reason="series_limit"} 12',
      'evenkeel_ingest_refused_total{signal="samples",reason="too_many_labels"} 2',
      "evenkeel_scrape_samples_refused_total 4",
      'evenkeel_metrics_samples_refused_total{reason="series_limit",service="web",label="user_id"} 9',
      'evenkeel_metrics_samples_refused_total{reason="series_limit",service="other",label="other"} 3',
      'evenkeel_metrics_samples_refused_total{reason="too_old",service="web",label=""} 1',
    ].join("\n"),
  );
  expect(refusals(own).map(({ reason, service, label, total }) => [reason, service, label, total])).toEqual([
    ["series_limit", "web", "user_id", 9],
    ["series_limit", "other", undefined, 3],
    ["too_many_labels", undefined, undefined, 2],
    ["too_old", "web", undefined, 1],
  ]);
});

test("the largest service is looked up in the pairs", () => {
  expect(largestService([{ name: "env=prod", value: 9 }, { name: "service_name=web", value: 4 }, { name: "service_name=cart", value: 7 }])).toBe(7);
  expect(largestService(undefined)).toBeUndefined();
});
