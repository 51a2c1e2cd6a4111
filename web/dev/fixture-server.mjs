// Serves web/dist with fixture data under the policy of the real server. Development only; it is not shipped.
//
//     npm run build && PORT=7799 BASE=/ops npm run fixture        EMPTY=1: a server that nothing was sent to

import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { history, makeState } from "./fixture-data.mjs";
import { exposition, functions, promAnswer } from "./fixture-prom.mjs";

const dist = new URL("../dist/", import.meta.url);
const base = process.env.BASE ?? "";
const empty = process.env.EMPTY === "1";
const state = makeState();
const { incident } = state;
if (process.env.BROKEN === "1") {
  state.status.journal.broken = { seq: 1_121, reason: "the record was changed" };
  state.status.troubles.push({ component: "notifier", level: "warning", message: "shop-mail has not answered for 4 minutes.", since: state.status.now, command: "evenkeel doctor" });
}
if (empty) {
  Object.assign(state.status.first_data, { spans_at: null, logs_at: null, samples_at: null, services: [] });
  state.status.ingest = [];
  state.status.notifier.receivers = [];
  state.status.repo = { config_hash: null, applied_at: null, path: null, errors: 0 };
}

const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'; require-trusted-types-for 'script'; trusted-types 'none'";
const TYPES = { ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml", ".html": "text/html; charset=utf-8" };
const streams = new Set();
let seq = state.status.journal.last_seq;

function fact(category, sentence, text = null) {
  const entry = state.entry(category, sentence, 0, { kind: "human", id: "you", via: "web" }, text);
  entry.fact.occurred_at = new Date().toISOString();
  seq = entry.fact.seq;
  state.timeline.push(entry);
  for (const stream of streams) stream.write(`id: ${seq}\ndata: ${JSON.stringify({ seq, kind: entry.fact.kind, subject: incident.summary.id, at: entry.fact.occurred_at })}\n\n`);
  return { seq, id: incident.summary.id };
}

const me = () => ({ at: new Date().toISOString(), by: { kind: "human", id: "you", via: "web" } });
const VERBS = {
  acknowledge: () => ((incident.summary.acknowledged = me()), fact("response", "Acknowledged")),
  assign: (body) => ((incident.summary.assignee = body.assignee), fact("response", `Assigned to ${body.assignee}`)),
  updates: (body) => ((incident.summary.status = body.status ?? incident.summary.status), fact("update", "An update was posted", body.text)),
  severity: (body) => ((incident.summary.severity = body.severity), fact("response", `Severity ${body.severity}: ${body.reason}`)),
  resolve: (body) => {
    incident.summary.status = "resolved";
    incident.summary.resolved_at = new Date().toISOString();
    return fact("recovery", `Resolved: ${body.reason}`);
  },
  rollback: (body) => {
    incident.acts.push({ id: "act_1", kind: "rollback", title: "Roll checkout in prod back to 1.9.0", state: "succeeded", by: me().by, reason: body.reason, started_at: me().at, ended_at: me().at, command: incident.rollback.command, outcome: "exit status 0" });
    incident.rollback = null;
    incident.summary.status = "monitoring";
    incident.recovery = { since: me().at, window_seconds: 60, elapsed_seconds: 22, bad_events: 0, total_events: 410, min_events: 30, allowed_bad_events: 0.41, passed: false, sentence: "No more bad events than allowed for 22 s of 60 s." };
    return fact("act", "checkout was rolled back to 1.9.0");
  },
};

function answer(method, path, query, body) {
  const list = (items) => ({ items: empty ? [] : items });
  const now = new Date().toISOString();
  if (path === "promql/functions") return functions;
  if (path === "status") return state.status;
  if (path === "whoami") return { id: "you", kind: "human", authenticated_by: "loopback" };
  if (path === "slos") return { ...list(state.slos), evaluated_at: now };
  const slo = /^slos\/([^/]+)(\/history)?$/.exec(path);
  if (slo) {
    const found = state.slos.find((item) => item.name === decodeURIComponent(slo[1]));
    if (!found || !slo[2]) return found;
    const [from, to, step] = [Date.parse(query.get("from")), Date.parse(query.get("to")), Number(query.get("step"))];
    return { name: found.name, from: query.get("from"), to: query.get("to"), step_seconds: step, points: found.sli == null ? history(from, to, step, false).map((point) => ({ ...point, good: null, total: null })) : history(from, to, step, found.state === "burning") };
  }
  if (path === "incidents") return list([incident.summary, state.old].filter((item) => !query.get("status") || (query.get("status") === "resolved") === (item.status === "resolved")));
  const one = /^incidents\/([^/]+)(?:\/(\w+))?$/.exec(path);
  if (one) {
    if (one[2] === "timeline") return { entries: state.timeline };
    if (one[2] === "postmortem") return one[1] === state.old.id || method === "POST" ? state.postmortem : undefined;
    if (method === "POST") return VERBS[one[2]]?.(body);
    return one[1] === incident.summary.id ? incident : one[1] === state.old.id ? { ...incident, summary: state.old, rollback: null, suspects: [], acts: [], alerts: [], has_postmortem: true } : undefined;
  }
  const scoped = (items) => list(items.filter((item) => (!query.get("service") || item.service === query.get("service")) && (!query.get("environment") || item.environment === query.get("environment"))));
  if (path === "deploys") return scoped(state.deploys);
  if (path === "gate/verdicts") return scoped(state.verdicts);
  const verdict = /^gate\/verdicts\/(\w+)$/.exec(path);
  if (verdict) return state.verdicts.find((item) => item.id === verdict[1]);
  if (path === "journal") return { items: empty ? [] : [state.applied] };
  if (path === "gate/check") return { ...state.verdicts[0], service: body.service, version: body.version, at: now };
  if (path === "promql/lint") return { items: [], more: 0 };
  if (path === "services") return list(state.services);
  if (path === "services/map") return empty ? { ...state.map, nodes: [], edges: [] } : state.map;
  if (path === "notifications/test") return { notifications: ["ntf_01kaq0000000000000000000n9"], seq };
  return undefined;
}

const server = createServer(async (request, response) => {
  const url = new URL(request.url, "http://localhost");
  const send = (status, type, body) => response.writeHead(status, { "content-type": type, "content-security-policy": POLICY, "x-content-type-options": "nosniff" }).end(body);
  const api = `${base}/evenkeel/v1/`;
  if (url.pathname === `${api}events`) {
    response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-store" });
    response.write(": open\n\n");
    streams.add(response);
    request.on("close", () => streams.delete(response));
    return;
  }
  if (url.pathname.startsWith(api)) {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const body = chunks.length > 0 ? JSON.parse(Buffer.concat(chunks).toString()) : undefined;
    const result = answer(request.method, url.pathname.slice(api.length), url.searchParams, body);
    if (result === undefined) send(404, "application/problem+json", JSON.stringify({ type: "/problems/not-found", title: "not found", status: 404, detail: `there is no \`${url.pathname}\`` }));
    else send(200, "application/json", JSON.stringify(result));
    return;
  }
  if (url.pathname.startsWith(`${base}/api/v1/`)) {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const query = new URLSearchParams(`${url.search.slice(1)}&${Buffer.concat(chunks).toString()}`);
    if (/slow/.test(query.get("query") ?? "")) await new Promise((done) => setTimeout(done, 4_000));
    const found = promAnswer(url.pathname.slice(`${base}/api/v1/`.length), query, empty);
    if (found) send(found[0], "application/json", JSON.stringify(found[1]));
    else send(404, "application/json", "{}");
    return;
  }
  if (url.pathname === `${base}/metrics`) return send(200, "text/plain; version=0.0.4", empty ? "" : exposition);
  const file = url.pathname.slice(`${base}/app/`.length);
  try {
    const extension = /\.\w+$/.exec(file)?.[0];
    if (extension && TYPES[extension]) send(200, TYPES[extension], readFileSync(new URL(file, dist)));
    else send(200, TYPES[".html"], readFileSync(new URL("index.html", dist), "utf8").replaceAll('"/app/', `"${base}/app/`));
  } catch {
    send(404, "text/plain", "not found");
  }
});
server.listen(Number(process.env.PORT ?? 7799), "127.0.0.1", () => console.log(`http://127.0.0.1:${server.address().port}${base}/app/`));
