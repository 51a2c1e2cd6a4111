import { expect, test } from "vitest";
import type { Listener } from "../../api/schema";
import { WAYS } from "../../lib/ways";
import { endpointsOf, type Endpoints } from "./endpoints";
import { probe, snippets, type Protocol } from "./snippets";

const open = { token_required: false };
const closed = { token_required: true };
const listener = (purpose: Listener["purpose"], url: string, token = open): Listener => ({ purpose, url, ...token });

test("addresses are those that the sender can reach", () => {
  const check = (external_url: string, listeners: Listener[], expected: [string, string, string]) => {
    const at = endpointsOf({ external_url, listeners });
    expect([at.http, at.otlpHttp, at.otlpGrpc]).toEqual(expected);
  };
  const local = [listener("http", "http://127.0.0.1:7700"), listener("otlp_http", "http://127.0.0.1:4318"), listener("otlp_grpc", "http://127.0.0.1:4317")];
  check("http://127.0.0.1:7700", local, ["http://127.0.0.1:7700", "http://127.0.0.1:4318", "http://127.0.0.1:4317"]);
  check("https://ops.example.org/evenkeel", local, ["https://ops.example.org/evenkeel", "https://ops.example.org/evenkeel", "http://127.0.0.1:4317"]);
  const wide = [listener("http", "http://0.0.0.0:7700"), listener("otlp_http", "http://[::]:4318"), listener("otlp_grpc", "http://10.0.0.5:4317")];
  check("https://ops.example.org", wide, ["https://ops.example.org", "http://ops.example.org:4318", "http://10.0.0.5:4317"]);
  check("http://h:7700/", [listener("http", "http://0.0.0.0:7700")], ["http://h:7700", "http://h:7700", ""]);
});

const fill = (at: Endpoints, protocol: Protocol = "http") => ({ at, protocol, service: "cart", environment: "production" });
const here = endpointsOf({ external_url: "http://10.0.0.5:7700", listeners: [listener("http", "http://10.0.0.5:7700", closed), listener("otlp_grpc", "http://10.0.0.5:4317", closed)] });

test("snippets carry the addresses, the service, its environment and the token", () => {
  const [environment] = snippets("python", fill(here));
  expect(environment?.text).toContain("OTEL_EXPORTER_OTLP_ENDPOINT=http://10.0.0.5:7700");
  expect(environment?.text).toContain("OTEL_SERVICE_NAME=cart");
  expect(environment?.text).toContain("deployment.environment.name=production");
  expect(environment?.text).toContain("$EVENKEEL_TOKEN");
  expect(snippets("prometheus", fill(here))[0]?.text).toContain("url: http://10.0.0.5:7700/api/v1/write");
});

test("gRPC has its own port and its own transport", () => {
  const check = (way: "rust" | "python" | "collector", expected: string) => expect(snippets(way, fill(here, "grpc")).map((snippet) => snippet.text).join("\n")).toContain(expected);
  check("rust", "OTEL_EXPORTER_OTLP_ENDPOINT=http://10.0.0.5:4317");
  check("rust", "with_tonic()");
  check("python", "opentelemetry-exporter-otlp-proto-grpc");
  check("collector", "endpoint: 10.0.0.5:4317");
});

test("programs send all three signals", () => {
  const check = (way: "go" | "rust", parts: string[]) => parts.forEach((part) => expect(snippets(way, fill(here)).at(-1)?.text).toContain(part));
  check("go", ["NewTracerProvider", "NewMeterProvider", "NewLoggerProvider"]);
  check("rust", ["SdkTracerProvider", "SdkMeterProvider", "SdkLoggerProvider"]);
});

test("no snippet listens on Evenkeel's own ports, and none has a hole", () => {
  for (const way of WAYS)
    for (const snippet of snippets(way, fill(here))) {
      expect(snippet.text).not.toMatch(/endpoint: 0\.0\.0\.0:431[78]/);
      expect(snippet.text).not.toMatch(/undefined|\$\{(service|transport|main)\}/);
    }
});

test("the probe is a valid span", () => {
  const text = probe(here, 1_795_402_800_000);
  expect(text).toContain("authorization: Bearer $EVENKEEL_TOKEN");
  const body = JSON.parse(text.slice(text.indexOf("-d '") + 4, -1)) as { resourceSpans: { scopeSpans: { spans: { traceId: string; spanId: string }[] }[] }[] };
  const span = body.resourceSpans[0]?.scopeSpans[0]?.spans[0];
  expect(span?.traceId).toMatch(/^[0-9a-f]{32}$/);
  expect(span?.spanId).toMatch(/^[0-9a-f]{16}$/);
});
