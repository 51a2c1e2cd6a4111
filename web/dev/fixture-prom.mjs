// A made-up Prometheus API for looking at Explore without a server: it knows a few expressions by how they look, and
// answers everything that a page may ask. Development only; it is not shipped.

const SERVICES = ["web", "checkout", "cart", "catalog", "payment", "search", "auth"];
const METADATA = {
  http_server_request_duration_seconds: [{ type: "histogram", unit: "seconds", help: "Duration of HTTP server requests." }],
  http_requests: [{ type: "counter", unit: "", help: "Requests that were answered, by service and code." }],
  rpc_duration_seconds: [{ type: "histogram", unit: "seconds", help: "Duration of calls, as a native histogram." }],
  process_resident_memory_bytes: [{ type: "gauge", unit: "bytes", help: "Resident memory of the process." }],
  up: [{ type: "gauge", unit: "", help: "Whether the target could be scraped." }],
};
const NAMES = ["http_requests_total", "http_server_request_duration_seconds_bucket", "http_server_request_duration_seconds_count", "http_server_request_duration_seconds_sum", "process_resident_memory_bytes", "rpc_duration_seconds", "up", ...Array.from({ length: Number(process.env.METRICS ?? 200) }, (_, i) => `shop_${["orders", "carts", "stock", "queue", "cache"][i % 5]}_${["size", "hits", "depth", "age_seconds", "errors_total"][Math.floor(i / 5) % 5]}_${i}`)].sort();
const FUNCTIONS = [
  { name: "rate", signature: "rate(v range-vector)", doc: "Per-second average rate of increase of the counters in the range. Resets are accounted for." },
  { name: "histogram_quantile", signature: "histogram_quantile(φ scalar, b instant-vector)", doc: "The φ-quantile (0 ≤ φ ≤ 1) of histograms." },
  { name: "mad_over_time", signature: "mad_over_time(v range-vector)", doc: "Median absolute deviation of the samples in the range." },
];

/** A number between 0 and 1 that is the same for the same text. */
const noise = (/** @type {string} */ text) => {
  let hash = 2166136261;
  for (const char of text) hash = Math.imul(hash ^ (char.codePointAt(0) ?? 0), 16777619);
  return ((hash >>> 0) % 1000) / 1000;
};

function series(query) {
  if (/many\b/.test(query)) return Array.from({ length: 1200 }, (_, i) => ({ __name__: "many", pod: `pod-${i}`, zone: `z${i % 4}` }));
  if (/^nothing/.test(query)) return [];
  if (/process_resident/.test(query)) return SERVICES.map((service) => ({ __name__: "process_resident_memory_bytes", service, instance: `${service}-1:9090` }));
  if (/by \(le\)|_bucket/.test(query) && !/quantile/.test(query)) return ["0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "0.5", "1", "+Inf"].map((le) => ({ le }));
  if (/by \(pod\)/.test(query)) return Array.from({ length: 14 }, (_, i) => ({ pod: `pod-${i}` }));
  if (/by \(service/.test(query)) return SERVICES.map((service) => ({ service }));
  if (/^\s*(sum|count|avg)\s*\(/.test(query)) return [{}];
  if (/__name__/.test(query)) return NAMES.slice(0, 20).map((name) => ({ __name__: name }));
  return SERVICES.flatMap((service) => ["200", "500"].map((code) => ({ __name__: "http_requests_total", service, code, env: "prod" })));
}

function valueOf(query, labels, at) {
  if (/count/.test(query) && !/_count/.test(query)) return Math.round(1 + (/^count\(/.test(query) ? 800 : 90 * noise(JSON.stringify(labels))));
  const key = JSON.stringify(labels);
  const base = labels.le ? (labels.le === "+Inf" ? 100 : 100 * Math.min(1, (Number(labels.le) * 9) ** 0.5)) : 5 + 60 * noise(key);
  const bytes = /bytes/.test(query) ? 4e6 : 1;
  const bad = labels.code === "500" ? 0.04 : 1;
  const wave = labels.le ? 1 + 0.4 * Math.sin(at / 1500) : 1 + 0.3 * Math.sin(at / 900 + 6 * noise(key)) + 0.06 * noise(`${key}${at}`);
  // Something happens to checkout a quarter of an hour ago, and pod-3 was away.
  const late = labels.service === "checkout" && at > Date.now() / 1000 - 900 ? 2.6 : 1;
  if (labels.service === "search" && at % 2400 < 400) return null;
  return base * bytes * bad * wave * late;
}

/** An exponential histogram about a moving middle. */
function native(at, key) {
  const middle = 14 + 5 * Math.sin(at / 1200) + 4 * noise(key);
  const buckets = Array.from({ length: 28 }, (_, i) => [0, String(0.001 * 1.35 ** i), String(0.001 * 1.35 ** (i + 1)), String(Math.round(900 * Math.exp(-((i - middle) ** 2) / 9)))]).filter((bucket) => bucket[3] !== "0");
  const count = buckets.reduce((sum, bucket) => sum + Number(bucket[3]), 0);
  return { count: String(count), sum: String(count * 0.001 * 1.35 ** middle), buckets };
}

function problem(query) {
  if (/ratee\(/.test(query)) return [400, "bad_data", `1:${query.indexOf("ratee") + 1}: parse error: unknown function with name "ratee"`];
  if (/\[5m\)/.test(query)) return [400, "bad_data", `1:${query.indexOf("[5m)") + 4}: parse error: unexpected ")", expected "]"`];
  if (/too_much/.test(query)) return [422, "execution", "the query reads more samples than `query.max_samples` (50000000) allows"];
  if (/rate\([^[\]]+\)/.test(query) && !/\[/.test(query)) return [400, "bad_data", `1:${query.indexOf("rate(") + 6}: parse error: expected type range vector in call to function "rate", got instant vector`];
  return undefined;
}

function explain(query) {
  const node = (text, ms, samples, count, children = []) => ({ text, start: Math.max(0, query.indexOf(text)), end: Math.max(0, query.indexOf(text)) + text.length, ms, samples, series: count, children });
  const selector = /[a-z_]+(?:\{[^}]*\})?\[\w+\]/.exec(query)?.[0];
  const rate = selector && /rate\([^()]*\)/.exec(query)?.[0];
  return node(query, 18.4, 0, 7, rate ? [node(rate, 16.9, 0, 14, [node(selector, 12.2, 120_960, 14)])] : []);
}

/** The answer of one call: status and body. Undefined where there is none. */
export function promAnswer(path, query, empty) {
  const success = (data, extras = {}) => [200, { status: "success", data, ...extras }];
  const asked = query.get("query") ?? query.get("match[]") ?? "";
  if (path === "label/__name__/values") return success(empty ? [] : NAMES);
  if (path === "labels") return success(empty ? [] : ["__name__", "code", "env", "instance", "le", "pod", "service", "zone"]);
  const label = /^label\/(.+)\/values$/.exec(path)?.[1];
  if (label) return success(label === "service" ? SERVICES : label === "code" ? ["200", "500"] : ["prod"]);
  if (path === "metadata") return success(empty ? {} : METADATA);
  if (path === "series") return success(empty ? [] : /resident/.test(asked) ? series("process_resident") : SERVICES.flatMap((service, i) => ["200", "404", "500"].flatMap((code) => Array.from({ length: 2 + (i % 3) }, (_, pod) => ({ __name__: /__name__="([^"]+)"/.exec(asked)?.[1] ?? "http_requests_total", service, code, service_name: service, pod: `${service}-${pod}`, env: pod === 3 ? "staging" : "prod" })))));
  if (path === "format_query") return success(asked.replaceAll(/\s*([+*/])\s*/g, " $1 ").replaceAll(/,\s*/g, ", ").trim());
  if (path === "status/flags") return success({ "query.max_samples": "50000000", "query.max_series": "500000", "query.max_points_per_series": "11000", "query.max_memory_bytes": "268435456", "query.timeout": "2m", "query.lookback_delta": "5m", "limits.max_active_series": "200000", "limits.max_active_series_per_service": "50000" });
  if (path === "status/tsdb") return success(tsdb(Number(query.get("limit") ?? 10), empty));
  if (path === "query_exemplars") return success(exemplars(Number(query.get("start")), Number(query.get("end"))));
  if (path !== "query" && path !== "query_range") return undefined;
  const wrong = problem(asked);
  if (wrong) return [wrong[0], { status: "error", errorType: wrong[1], error: wrong[2] }];
  const found = empty ? [] : series(asked);
  const extras = /rate\(process/.test(asked) ? { infos: [`PromQL info: metric might not be a counter, name does not end in _total/_sum/_count/_bucket: "process_resident_memory_bytes" (1:${asked.indexOf("process") + 1})`], warnings: ["a damaged block of 2026-11-20 was left out"] } : {};
  const stats = { timings: { evalTotalTime: 0.0121, resultSortTime: 0, queryPreparationTime: 0.0013, innerEvalTime: 0.0107, execQueueTime: 0.00002, execTotalTime: 0.0122 }, samples: { totalQueryableSamples: found.length * 8_640, peakSamples: found.length * 361 } };
  const plan = query.get("explain") === "true" ? { explain: explain(asked) } : {};
  if (path === "query") {
    const at = Number(query.get("time") ?? Date.now() / 1000);
    return success({ resultType: "vector", result: /rpc_duration/.test(asked) ? SERVICES.slice(0, 3).map((service) => ({ metric: { service }, histogram: [at, native(at, service)] })) : found.flatMap((metric) => { const value = valueOf(asked, metric, at); return value === null ? [] : [{ metric, value: [at, String(value)] }]; }), stats, ...plan }, extras);
  }
  const [start, end, step] = [Number(query.get("start")), Number(query.get("end")), Number(query.get("step"))];
  const times = Array.from({ length: Math.floor((end - start) / step) + 1 }, (_, i) => start + i * step);
  const result = /rpc_duration/.test(asked)
    ? SERVICES.slice(0, 3).map((service) => ({ metric: { service }, histograms: times.map((at) => [at, native(at, service)]) }))
    : found.map((metric) => ({ metric, values: times.flatMap((at) => { const value = valueOf(asked, metric, at); return value === null ? [] : [[at, String(value)]]; }) }));
  return success({ resultType: "matrix", result, stats, ...plan }, extras);
}

function exemplars(start, end) {
  return SERVICES.slice(0, 3).map((service, i) => ({ seriesLabels: { __name__: "http_requests_total", service }, exemplars: Array.from({ length: 9 }, (_, n) => ({ labels: { trace_id: `4bf92f3577b34da6a3ce929d0e0e47${i}${n}` }, value: String(10 + 70 * noise(`${service}${n}`)), timestamp: start + ((end - start) * (n + 0.5)) / 9 })) }));
}

function tsdb(limit, empty) {
  if (empty) return { headStats: { numSeries: 0, numLabelPairs: 0, chunkCount: 0, minTime: 0, maxTime: 0 }, seriesCountByMetricName: [], labelValueCountByLabelName: [], memoryInBytesByLabelName: [], seriesCountByLabelValuePair: [] };
  const share = (names, most) => names.slice(0, limit).map((name, i) => ({ name, value: Math.round(most / (i + 1) ** 1.3) }));
  return {
    headStats: { numSeries: 48_312, numLabelPairs: 9_120, chunkCount: 96_700, minTime: Date.now() - 7_200_000, maxTime: Date.now() },
    seriesCountByMetricName: share(NAMES, 21_300),
    labelValueCountByLabelName: share(["pod", "user_id", "__name__", "instance", "le", "service", "code", "env"], 8_800),
    memoryInBytesByLabelName: share(["pod", "user_id", "__name__", "instance", "le", "service"], 2_400_000),
    seriesCountByLabelValuePair: share(["env=prod", "service_name=checkout", "service_name=web", "service=checkout", "code=200", "zone=z1", "__name__=http_requests_total"], 40_100),
  };
}

export const functions = FUNCTIONS;

/** What the server tells of itself. */
export const exposition = [
  "# TYPE evenkeel_ingest_refused counter",
  'evenkeel_ingest_refused_total{signal="samples",reason="series_limit",service="checkout",label="user_id"} 8412',
  'evenkeel_ingest_refused_total{signal="samples",reason="too_old"} 12',
  "# EOF",
  "",
].join("\n");
