// Data for looking at the pages without a server: a bad deploy of a small shop. Development only; it is not shipped.

const DAY = 86_400;
const iso = (/** @type {number} */ ms) => new Date(ms).toISOString();

/** @typedef {import("../src/api/schema.ts")} S */

/** The state of the fixture; requests change it. */
export function makeState(now = Date.now()) {
  const ago = (/** @type {number} */ seconds) => iso(now - seconds * 1000);
  /** @type {import("../src/api/schema.ts").Actor} */
  const ci = { kind: "machine", id: "ci", via: "api" };
  /** @type {import("../src/api/schema.ts").Actor} */
  const system = { kind: "system", id: "evenkeel", via: "incident" };
  /** @type {import("../src/api/schema.ts").Actor} */
  const ana = { kind: "human", id: "ana", via: "web" };

  /** @returns {import("../src/api/schema.ts").Slo} */
  const slo = (/** @type {string} */ service, /** @type {Partial<import("../src/api/schema.ts").Slo>} */ change, burnNow = 0.4) => ({
    name: `${service}-availability`,
    display_name: `${service[0]?.toUpperCase()}${service.slice(1)} availability`,
    description: `Requests to ${service} are answered without a server error.`,
    service,
    environment: "prod",
    owner: service === "auth" ? null : "team-shop",
    labels: { tier: service === "checkout" ? "1" : "2" },
    objective: 0.999,
    window_seconds: 28 * DAY,
    indicator: {
      kind: "spans",
      good: "spans whose status is not an error",
      total: `server spans of ${service}`,
      good_query: `sum(rate(evenkeel_sli_good_total{slo="${service}-availability"}[1m]))`,
      total_query: `sum(rate(evenkeel_sli_events_total{slo="${service}-availability"}[1m]))`,
    },
    state: "ok",
    reason: "No pair of windows burns; 71 % of the budget is left.",
    evaluated_at: ago(0.4),
    sli: 0.99971,
    budget: { total_events: 9_800_000, bad_events: 2_842, allowed_events: 9_800, left_events: 6_958, left_ratio: 0.71, allowed_minutes: 40.3, left_minutes: 28.6 },
    time_to_exhaustion_seconds: null,
    burns: [
      [14.4, 3_600, 300, "page"],
      [6, 21_600, 1_800, "page"],
      [3, DAY, 7_200, "ticket"],
      [1, 3 * DAY, 21_600, "ticket"],
    ].map(([threshold, long, short, severity], i) => ({
      severity: /** @type {"page" | "ticket"} */ (severity),
      threshold: Number(threshold),
      long: { window_seconds: Number(long), burn: burnNow / (i + 1), bad_events: Math.round(burnNow * 14), total_events: 14_000 * (i + 1), query: `evenkeel_slo_burn{slo="${service}-availability",window="${long}s"}` },
      short: { window_seconds: Number(short), burn: burnNow / (i + 0.8), bad_events: Math.round(burnNow * 2), total_events: 1_200 * (i + 1), query: `evenkeel_slo_burn{slo="${service}-availability",window="${short}s"}` },
      firing: false,
      since: null,
      alert: null,
      exhaustion_seconds: (28 * DAY) / Number(threshold),
      held_back: null,
    })),
    history_seconds: 28 * DAY,
    backfilled: true,
    last_event_at: ago(1),
    source: { path: `slos/${service}.yaml`, line: 1, text: `apiVersion: openslo/v1\nkind: SLO\nmetadata:\n  name: ${service}-availability\nspec:\n  service: ${service}\n  timeWindow:\n    - duration: 28d\n      isRolling: true\n  objectives:\n    - target: 0.999\n` },
    ...change,
  });

  const checkout = slo("checkout", { state: "burning", reason: "Burns 48× over 1h and 61× over 5m; the limit is 14.4×.", sli: 0.99904, time_to_exhaustion_seconds: 4_100, budget: { total_events: 9_400_000, bad_events: 9_024, allowed_events: 9_400, left_events: 376, left_ratio: 0.04, allowed_minutes: 40.3, left_minutes: 1.6 } }, 48);
  Object.assign(checkout.burns[0] ?? {}, { firing: true, since: ago(140), alert: "alr_01kaq0000000000000000000a1" });
  const slos = [
    checkout,
    slo("web", { state: "exhausted", reason: "More than the whole budget is spent.", sli: 0.9987, budget: { total_events: 12e6, bad_events: 15_600, allowed_events: 12_000, left_events: -3_600, left_ratio: -0.3, allowed_minutes: 40.3, left_minutes: -12.1 } }, 9),
    slo("cart", {}),
    slo("catalog", {}, 0.1),
    slo("payment", { display_name: "Payment latency and availability of card authorisations" }, 0.8),
    slo("search", { state: "insufficient_data", reason: "No event was counted in the last hour.", sli: null, last_event_at: null, history_seconds: 0, budget: { total_events: 0, bad_events: 0, allowed_events: 0, left_events: 0, left_ratio: null, allowed_minutes: 40.3, left_minutes: null } }),
  ];
  for (const row of slos[5]?.burns ?? []) Object.assign(row.long, { burn: null, bad_events: 0, total_events: 0 }) && Object.assign(row.short, { burn: null });
  Object.assign(slos[4]?.burns[1] ?? {}, { held_back: "4 bad events; with under an hour of history a page needs at least 10" });

  /** @type {import("../src/api/schema.ts").Deploy[]} */
  const deploys = [
    { id: "dpl_01kaq0000000000000000000d2", service: "checkout", environment: "prod", version: "2.0.0", previous_version: "1.9.0", state: "succeeded", started_at: ago(215), finished_at: ago(205), by: ci, url: "https://git.example.org/shop/checkout/-/pipelines/812", rolls_back: null, gate: "gat_01kaq0000000000000000000g1" },
    { id: "dpl_01kaq0000000000000000000d1", service: "payment", environment: "prod", version: "1.4.2", previous_version: "1.4.1", state: "succeeded", started_at: ago(5_400), finished_at: ago(5_388), by: ci, url: null, rolls_back: null, gate: null },
    { id: "dpl_01kaq0000000000000000000d0", service: "cart", environment: "prod", version: "3.1.0", previous_version: "3.0.9", state: "rolled_back", started_at: ago(90_000), finished_at: ago(89_990), by: ana, url: null, rolls_back: null, gate: null },
  ];
  /** @returns {import("../src/api/schema.ts").GateVerdict} */
  const verdict = (/** @type {string} */ id, /** @type {"allow" | "block" | "inconclusive"} */ outcome, /** @type {string} */ service, /** @type {string} */ version, /** @type {number} */ seconds, /** @type {string} */ sentence) => ({
    id,
    service,
    environment: "prod",
    version,
    outcome,
    sentence,
    at: ago(seconds),
    by: ci,
    rules: [
      { name: "budget_left", outcome: outcome === "allow" ? "allow" : "block", value: outcome === "allow" ? "71 %" : "4 %", limit: "at least 10 %", reason: "4 % of the budget of checkout-availability is left." },
      { name: "burning_now", outcome, value: outcome === "allow" ? "0.4×" : "48×", limit: "below 14.4×", reason: "checkout-availability burns 48× over 1h and 61× over 5m." },
      { name: "open_incident", outcome, value: "1 open", limit: "none on the service or what it depends on", reason: "“Checkout burns its error budget” is open." },
      { name: "telemetry_present", outcome: outcome === "inconclusive" ? "inconclusive" : "allow", value: "1 s ago", limit: "within 5 min", reason: "The last span came 1 s ago." },
      { name: "freeze", outcome: "allow", value: "none", limit: "no freeze", reason: "No freeze is in force." },
    ],
    config_hash: "9f2c51c07f0b4f6aa9c3f77b1c3f2ad4e59cc4d0b9a4b7a1e3e6f1c2d3b4a596",
    seq: 1_180,
  });
  const verdicts = [
    verdict("gat_01kaq0000000000000000000g2", "block", "checkout", "2.0.1", 60, "Blocked: checkout burns its budget 48× faster than allowed, 4 % is left, and an incident is open."),
    verdict("gat_01kaq0000000000000000000g3", "inconclusive", "search", "0.9.0", 1_900, "Inconclusive: no telemetry of search in the last 5 minutes."),
    verdict("gat_01kaq0000000000000000000g1", "allow", "checkout", "2.0.0", 220, "Allowed: 71 % of the budget is left and nothing burns."),
  ];

  /** @type {import("../src/api/schema.ts").IncidentSummary} */
  const summary = {
    id: "inc_01kaq0000000000000000000i1",
    number: "INC-12",
    title: "Checkout burns its error budget",
    service: "checkout",
    environment: "prod",
    severity: "sev2",
    status: "investigating",
    opened_at: ago(139),
    resolved_at: null,
    acknowledged: null,
    assignee: null,
    alerts_firing: 1,
    impact: { sentence: "2,110 of 4,260 checkout requests failed (49.5 %) since 03:01:22; half of the users cannot pay.", bad_events: 2_110, total_events: 4_260, bad_ratio: 0.495, users_affected_ratio: 0.51, since: ago(205), until: null, budget_spent_ratio: 0.22 },
    top_suspect: "deploy of checkout 2.0.0",
  };
  /** @type {import("../src/api/schema.ts").IncidentSummary} */
  const old = { ...summary, id: "inc_01kaq0000000000000000000i0", number: "INC-11", title: "Payment provider refuses cards", service: "payment", severity: "sev3", status: "resolved", opened_at: ago(90_000), resolved_at: ago(87_300), acknowledged: { at: ago(89_900), by: ana }, assignee: "ana", alerts_firing: 0, impact: { ...summary.impact, sentence: "312 of 88,100 payments failed (0.35 %).", bad_ratio: 0.0035, since: ago(90_100), until: ago(87_360) }, top_suspect: "payment provider" };

  /** @type {import("../src/api/schema.ts").Incident} */
  const incident = {
    summary,
    alerts: [{ id: "alr_01kaq0000000000000000000a1", slo: "checkout-availability", service: "checkout", environment: "prod", severity: "page", firing: true, summary: "Burns 48× over 1h and 61× over 5m.", started_at: ago(140), resolved_at: null }],
    suspects: [
      {
        rank: 1, kind: "deploy", title: "Deploy of checkout 2.0.0", service: "checkout", at: ago(215), deploy: "dpl_01kaq0000000000000000000d2", score: 0.97,
        evidence: [
          { sentence: "98 % of failures carry checkout 2.0.0", supports: true, matching: 2_068, of: 2_110, trace_id: "4bf92f3577b34da6a3ce929d0e0e4736" },
          { sentence: "Of requests on 1.9.0, 0.1 % fail", supports: true, matching: 2, of: 2_150, trace_id: null },
          { sentence: "Failures began 10 s after it landed", supports: true, matching: null, of: null, trace_id: null },
        ],
      },
      {
        rank: 2, kind: "deploy", title: "Deploy of payment 1.4.2", service: "payment", at: ago(5_400), deploy: "dpl_01kaq0000000000000000000d1", score: 0.08,
        evidence: [{ sentence: "No failing trace ends in payment", supports: false, matching: 0, of: 2_110, trace_id: null }],
      },
    ],
    deliveries: [
      {
        id: "ntf_01kaq0000000000000000000n1", receiver: "shop-oncall", channel: "webhook", target: "https://hooks.example.org/page", subject: "firing", state: "delivered", queued_at: ago(139), delivered_at: ago(134), next_attempt_at: null,
        attempts: [
          { at: ago(138.8), http_status: 503, latency_seconds: 0.112, error: "the receiver answered 503" },
          { at: ago(134), http_status: 200, latency_seconds: 0.054, error: null },
        ],
      },
      { id: "ntf_01kaq0000000000000000000n2", receiver: "shop-mail", channel: "email", target: "shop@example.org", subject: "firing", state: "queued", queued_at: ago(139), delivered_at: null, next_attempt_at: iso(now + 12_000), attempts: [{ at: ago(138), http_status: null, latency_seconds: null, error: "connection refused" }] },
    ],
    acts: [],
    recovery: null,
    rollback: { deploy: /** @type {import("../src/api/schema.ts").Deploy} */ (deploys[0]), from_version: "2.0.0", to_version: "1.9.0", effect: "2 of 4 instances of checkout in prod", command: "/usr/local/bin/deployer rollback --service checkout --to 1.9.0", not_automatic: "the policy asks for a person" },
    acknowledgements: [],
    affected_services: ["web"],
    has_postmortem: false,
    runbook: "https://runbooks.example.org/checkout",
  };

  let seq = 1_170;
  const subject = summary.id;
  /** @returns {import("../src/api/schema.ts").TimelineEntry} */
  const entry = (/** @type {import("../src/api/schema.ts").TimelineCategory} */ category, /** @type {string} */ sentence, /** @type {number} */ seconds, actor = system, /** @type {string | null} */ text = null) => {
    seq += 1;
    return { category, sentence, text, fact: { seq, id: `01KAQ${seq}`, kind: `incident.${category}`, schema: 1, occurred_at: ago(seconds), recorded_at: ago(seconds), actor, cause: null, subject, payload: {}, payload_hash: "00" } };
  };
  const timeline = [
    entry("gate", "The gate allowed checkout 2.0.0: 71 % of the budget was left and nothing burned", 220, ci),
    entry("change", "checkout 2.0.0 was deployed to prod (from 1.9.0)", 215, ci),
    entry("alert", "checkout-availability burns 48× over 1h and 61× over 5m: page", 140),
    entry("response", "The incident was opened as SEV2", 139),
    entry("notification", "shop-oncall: first attempt failed, HTTP 503", 138.8),
    entry("notification", "shop-oncall was told", 134),
    entry("gate", "The gate blocked checkout 2.0.1", 60, ci),
  ];

  /** @type {import("../src/api/schema.ts").Postmortem} */
  const postmortem = {
    incident: old.id, title: "Postmortem: Payment provider refuses cards", status: "draft", drafted_at: ago(87_000),
    sections: [
      { heading: "Overview", paragraphs: ["For 45 minutes 0.35 % of payments failed because the provider refused cards."], from_data: true },
      { heading: "Impact", paragraphs: ["312 of 88,100 payments failed; 3 % of the error budget was spent."], from_data: true },
      { heading: "Contributing factors", paragraphs: [], from_data: false },
      { heading: "Resolution", paragraphs: ["The provider recovered; no act was run."], from_data: true },
      { heading: "What went well, what did not", paragraphs: [], from_data: false },
    ],
    timeline: [{ at: ago(90_000), sentence: "payment-availability burned 15× over 1h", seq: 1_002 }, { at: ago(89_900), sentence: "ana acknowledged", seq: 1_006 }, { at: ago(87_300), sentence: "The incident recovered by itself", seq: 1_040 }],
    markdown: "# Postmortem: Payment provider refuses cards\n",
  };

  const requests = (/** @type {number} */ rate, bad = 0.0004) => ({ per_second: rate, error_ratio: bad, p50_seconds: 0.012, p95_seconds: 0.08 });
  /** @type {import("../src/api/schema.ts").ServiceMap} */
  const map = {
    from: ago(3_600), to: ago(0),
    nodes: [
      { service: "web", slo_state: "exhausted", external: false, requests: requests(42, 0.24) },
      { service: "checkout", slo_state: "burning", external: false, requests: requests(21, 0.495) },
      { service: "cart", slo_state: "ok", external: false, requests: requests(33) },
      { service: "catalog", slo_state: "ok", external: false, requests: requests(60) },
      { service: "payment", slo_state: "ok", external: false, requests: requests(10) },
      { service: "auth", slo_state: null, external: false, requests: requests(70) },
      { service: "search", slo_state: "insufficient_data", external: false, requests: null },
      { service: "cards.example.org", slo_state: null, external: true, requests: requests(10) },
    ],
    edges: [["web", "checkout", 21, 0.495], ["web", "cart", 12, 0], ["web", "catalog", 30, 0.0002], ["web", "auth", 42, 0], ["web", "search", 2, 0], ["checkout", "cart", 21, 0], ["checkout", "payment", 10, 0], ["checkout", "auth", 21, 0], ["cart", "catalog", 30, 0], ["payment", "cards.example.org", 10, 0.001]].map(([caller, callee, rate, bad]) => ({ caller: String(caller), callee: String(callee), requests: requests(Number(rate), Number(bad)) })),
  };
  /** @type {import("../src/api/schema.ts").Service[]} */
  const services = map.nodes.filter((node) => !node.external).map((node) => ({
    name: node.service, environment: "prod", description: `The shop's ${node.service}.`, owner: node.service === "auth" ? null : "team-shop", lifecycle: "production", in_catalog: node.service !== "auth", telemetry_present: node.requests != null, last_seen_at: node.requests ? ago(1) : null,
    versions: node.service === "checkout" ? [{ version: "2.0.0", instances: 2 }, { version: "1.9.0", instances: 2 }] : node.requests ? [{ version: "1.4.2", instances: 1 }] : [],
    requests: node.requests ?? null, slo_state: node.slo_state ?? null, slos: node.slo_state ? [`${node.service}-availability`] : [], open_incident: node.service === "checkout" ? summary.id : null, depends_on: map.edges.filter((edge) => edge.caller === node.service).map((edge) => edge.callee), links: [{ title: "Runbook", url: "https://runbooks.example.org" }],
  }));

  /** @type {import("../src/api/schema.ts").Status} */
  const status = {
    build: { version: "0.1.0", commit: "98f2941" }, started_at: ago(9_000), now: ago(0), ready: true, external_url: "http://127.0.0.1:7700",
    listeners: [{ purpose: "http", url: "http://127.0.0.1:7700", token_required: false }, { purpose: "otlp_grpc", url: "http://127.0.0.1:4317", token_required: false }, { purpose: "otlp_http", url: "http://127.0.0.1:4318", token_required: false }],
    journal: { last_seq: seq, verified_seq: seq, verified_at: ago(9), broken: null, accepted_breaks: [] },
    ingest: [{ signal: "spans", accepted: 1_240_332, rejected: [], per_second: 310, last_at: ago(0.3) }, { signal: "logs", accepted: 88_120, rejected: [{ reason: "line_too_long", count: 3 }], per_second: 22, last_at: ago(1) }, { signal: "samples", accepted: 902_004, rejected: [], per_second: 420, last_at: ago(1) }],
    evaluator: { interval_seconds: 1, lag_seconds: 0.012, last_run_at: ago(0.5), slos: 6 },
    notifier: { queued: 1, oldest_queued_seconds: 139, delivered: 12, failed_attempts: 2, last_success_at: ago(134), last_failure_at: ago(138), last_failure: "connection refused", receivers: ["shop-oncall", "shop-mail"] },
    storage: { data_dir: "/var/lib/evenkeel", used_bytes: 48_300_000, free_bytes: 91_000_000_000, series_active: 1_830, series_max: 2_000_000 },
    repo: { config_hash: "9f2c51c07f0b4f6aa9c3f77b1c3f2ad4", applied_at: ago(8_900), path: "/srv/production", errors: 0 },
    first_data: { spans_at: ago(8_990), logs_at: ago(8_990), samples_at: ago(8_988), services: ["web", "checkout", "cart", "catalog", "payment", "auth"].map((service) => ({ service, environment: "prod", signal: "spans", at: ago(8_990) })) },
    troubles: [],
  };
  const applied = { ...entry("change", "configuration applied", 3_000, system).fact, kind: "config.applied", subject: "config", payload: { changes: ["policy default changed: a rollback is offered as a button"] } };
  return { applied, slos, deploys, verdicts, incident, old, timeline, postmortem, map, services, status, entry };
}

/** Counts over time: a day's wave, a gap, and failures since the bad deploy. */
export function history(/** @type {number} */ from, /** @type {number} */ to, /** @type {number} */ step, /** @type {boolean} */ bad) {
  const points = [];
  for (let at = Math.floor(from / 1000 / step) * step; at < to / 1000; at += step) {
    const age = to / 1000 - at;
    const total = Math.round(step * (14 + 6 * Math.sin((at / DAY) * 2 * Math.PI)));
    const failed = bad && age < 205 ? total * 0.49 : total * (0.0002 + 0.0004 * Math.abs(Math.sin(at / 5_000)));
    points.push(age > 1_700 && age < 1_900 && step < 300 ? { at: iso(at * 1000), good: null, total: null } : { at: iso(at * 1000), good: total - Math.round(failed), total });
  }
  return points;
}
