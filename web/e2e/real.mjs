// Starts the real binary on an empty data directory, lets a bad deploy burn its budget through the public API, and walks
// every page of it in Chromium.
//
//     EVENKEEL_BIN=../target/debug/evenkeel OUT=/tmp/shots node e2e/real.mjs

import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const binary = process.env.EVENKEEL_BIN;
if (!binary) throw new Error("EVENKEEL_BIN names no binary");
const START_MS_MAX = 30_000;
const INCIDENT_MS_MAX = 30_000;
const TRACES = 600;
const SPREAD_S = 90;
const TOKEN = randomBytes(24).toString("hex");

const sleep = (ms) => new Promise((done) => setTimeout(done, ms));
async function until(what, msMax, look) {
  for (const end = Date.now() + msMax; Date.now() < end; await sleep(200)) {
    const found = await look();
    if (found) return found;
  }
  throw new Error(`${what}: not within ${msMax / 1000} s`);
}

/** A place for pages to go: takes everything, and keeps the link to acknowledge. */
let ackPath;
const receiver = createServer((request, response) => {
  let body = "";
  request.on("data", (chunk) => (body += chunk));
  request.on("end", () => {
    ackPath ??= /p\/acknowledge\/[\w.-]+/.exec(body)?.[0];
    response.writeHead(200).end();
  });
});
await new Promise((done) => receiver.listen(0, "127.0.0.1", done));

const dir = mkdtempSync(join(tmpdir(), "evenkeel-e2e-"));
cpSync(join(here, "../../demo/repo"), join(dir, "repo"), { recursive: true });
const routing = join(dir, "repo/routing.yaml");
const url = `http://127.0.0.1:${receiver.address().port}/`;
writeFileSync(routing, readFileSync(routing, "utf8").replace(/^(\s*-?\s*url:).*$/m, `$1 ${url}`));
// The walk needs a rollback that waits for a person.
const policy = join(dir, "repo/policies/default.yaml");
writeFileSync(policy, readFileSync(policy, "utf8").replace("mode: automatic", "mode: offer"));

const config = join(dir, "evenkeel.yaml");
writeFileSync(config, "acts: {rollback: [{service: checkout, environment: production, argv: ['true', '{version}']}]}\n");

const servers = [];
/** Starts a server of its own; the answer is where it listens. */
function serve(name, args) {
  const ports = ["--listen", "127.0.0.1:0", "--otlp-grpc-listen", "off", "--otlp-http-listen", "off"];
  const server = spawn(binary, ["serve", "--data-dir", join(dir, name), ...ports, ...args], { stdio: ["ignore", "inherit", "pipe"] });
  servers.push(server);
  let talk = "";
  server.stderr.on("data", (chunk) => {
    talk += chunk;
    process.stderr.write(chunk);
  });
  return until(`the server ${name} starts`, START_MS_MAX, () => /listening on (\S+)/.exec(talk)?.[1]);
}

/** One that asks for a token. */
function serveWithToken() {
  const file = join(dir, "token");
  writeFileSync(file, TOKEN, { mode: 0o600 });
  const own = join(dir, "token.yaml");
  writeFileSync(own, `api: {tokens: [{name: ops, token_file: ${file}}]}\n`);
  return serve("closed", ["--config", own]);
}

const hex = (bytes) => randomBytes(bytes).toString("hex");
const text = (key, value) => ({ key, value: { stringValue: value } });
const nanos = (ms) => `${Math.round(ms)}000000`;

/** One request through web and checkout to payment; 2.0.0 of checkout fails all of its own. */
function spans(at, number) {
  const trace = hex(16);
  const bad = at > Date.now() - 60_000 && number % 2 === 0;
  const version = bad ? "2.0.0" : "1.9.0";
  const status = bad ? { code: 2 } : {};
  const [web, call, checkout, pay, payment] = [hex(8), hex(8), hex(8), hex(8), hex(8)];
  const span = (service, spanId, parentSpanId, name, kind, ms, own = {}) => [service, {
    traceId: trace, spanId, parentSpanId, name, kind, startTimeUnixNano: nanos(at), endTimeUnixNano: nanos(at + ms),
    attributes: [text("enduser.id", `user-${number % 40}`)], status: {}, ...own,
  }];
  const all = [
    span("web", web, "", "POST /buy", 2, 40, { status }),
    span("web", call, web, "POST", 3, 35, { status }),
    span(`checkout ${version}`, checkout, call, "POST /checkout", 2, 30, { status }),
  ];
  if (!bad) {
    all.push(span(`checkout ${version}`, pay, checkout, "POST", 3, 15));
    all.push(span("payment", payment, pay, "POST /pay", 2, 10));
  }
  return all;
}

function otlp() {
  const byService = new Map();
  for (let number = 0; number < TRACES; number += 1) {
    const at = Date.now() - SPREAD_S * 1000 * (1 - number / TRACES);
    for (const [service, span] of spans(at, number)) byService.set(service, [...(byService.get(service) ?? []), span]);
  }
  const resourceSpans = [...byService].map(([service, of]) => {
    const [name, version = "1.4.2"] = service.split(" ");
    const attributes = [
      text("service.name", name), text("service.version", version), text("service.instance.id", `${name}-${version}`),
      text("deployment.environment.name", "production"),
    ];
    return { resource: { attributes }, scopeSpans: [{ spans: of }] };
  });
  return { resourceSpans };
}

/** What web and checkout say of themselves every 15 s: a histogram of requests, and a counter. */
function metrics() {
  const BOUNDS = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1];
  const times = Array.from({ length: 40 }, (_, i) => Date.now() - (39 - i) * 15_000);
  const began = nanos(times[0] - 60_000);
  const number = (value) => ({ asInt: String(Math.round(value)) });
  const resourceMetrics = ["web", "checkout"].map((service, nth) => {
    const attributes = [text("http.request.method", "GET"), text("http.response.status_code", "200")];
    const histogram = times.map((at, i) => {
      const buckets = [4, 9, 14, 8, 3, 1, 1, 0].map((share) => share * (i + 1) * (nth + 1));
      const total = buckets.reduce((sum, one) => sum + one, 0);
      return { attributes, startTimeUnixNano: began, timeUnixNano: nanos(at), count: String(total), sum: total * 0.06, bucketCounts: buckets.map(String), explicitBounds: BOUNDS };
    });
    const counter = times.map((at, i) => ({ attributes: [text("outcome", "ok")], startTimeUnixNano: began, timeUnixNano: nanos(at), ...number(7 * (i + 1)) }));
    return {
      resource: { attributes: [text("service.name", service), text("service.instance.id", `${service}-1`), text("deployment.environment.name", "production")] },
      scopeMetrics: [
        {
          metrics: [
            { name: "http.server.request.duration", unit: "s", description: "Duration of HTTP server requests.", histogram: { aggregationTemporality: 2, dataPoints: histogram } },
            { name: "shop.orders", unit: "{order}", description: "Orders.", sum: { aggregationTemporality: 2, isMonotonic: true, dataPoints: counter } },
          ],
        },
      ],
    };
  });
  return { resourceMetrics };
}

async function main() {
  const base = await serve("data", ["--config", config, "--repo", join(dir, "repo")]);
  const closed = await serveWithToken();
  const call = async (path, body) => {
    const response = await fetch(`${base}/${path}`, {
      method: body ? "POST" : "GET",
      headers: { "content-type": "application/json" },
      body: body && JSON.stringify(body),
    });
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
    return response.json();
  };
  const ago = (seconds) => new Date(Date.now() - seconds * 1000).toISOString();
  const deploy = (version, at) => call("evenkeel/v1/deploys", { service: "checkout", environment: "production", version, at });
  await deploy("1.9.0", ago(86_400));
  await deploy("2.0.0", ago(65));
  await call("v1/traces", otlp());
  await call("v1/metrics", metrics());
  await until("an incident opens", INCIDENT_MS_MAX, async () => (await call("evenkeel/v1/incidents?status=open")).items[0]);
  await until("the page goes out", INCIDENT_MS_MAX, () => ackPath);
  await call("evenkeel/v1/gate/check", { service: "checkout", version: "2.0.1", environment: "production" });
  const walk = spawn(process.execPath, [join(here, "walk.mjs")], {
    stdio: "inherit",
    env: { ...process.env, BASE_URL: base, ACK_PATH: ackPath, CLOSED_URL: closed, CLOSED_TOKEN: TOKEN, OUT: process.env.OUT ?? join(dir, "shots") },
  });
  const walked = await ended(walk);
  // What a fresh server has not (exemplars, limits that are reached) is looked at over made-up data.
  const fixture = await ended(spawn(process.execPath, [join(here, "fixture.mjs")], { stdio: "inherit", env: { ...process.env, AFTER_REAL: "1", OUT: process.env.OUT ?? join(dir, "shots") } }));
  return walked || fixture;
}

function ended(child) {
  return new Promise((done) => child.on("exit", (code) => done(code ?? 1)));
}

let code = 1;
try {
  code = await main();
} catch (error) {
  console.error(error);
} finally {
  for (const server of servers) server.kill("SIGTERM");
  receiver.close();
  receiver.closeAllConnections();
  await sleep(500);
  rmSync(dir, { recursive: true, force: true });
}
process.exit(code);
