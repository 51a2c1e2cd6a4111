import { expect, test } from "vitest";
import type { Listener, Status } from "../../api/schema";
import { endpointsOf, probe, snippets } from "./snippets";

const status = (listeners: Listener[]) => ({ external_url: "https://ops.example.org/evenkeel", listeners }) as unknown as Status;
const open = { token_required: false };

test("snippets carry the real addresses", () => {
  const at = endpointsOf(
    status([
      { purpose: "http", url: "http://127.0.0.1:7711/", ...open },
      { purpose: "otlp_http", url: "http://127.0.0.1:40318", ...open },
    ]),
  );
  expect(snippets("python", at)[0]?.text).toContain("OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:40318");
  expect(snippets("python", at)[0]?.text).not.toContain("EVENKEEL_TOKEN");
  expect(snippets("prometheus", at)[0]?.text).toContain("url: http://127.0.0.1:7711/api/v1/write");
});

test("a listener that asks for a token gets one; OTLP falls back to the main listener", () => {
  const at = endpointsOf(status([{ purpose: "http", url: "http://10.0.0.5:7700", token_required: true }]));
  expect(at.otlpHttp).toBe("http://10.0.0.5:7700");
  expect(snippets("collector", at)[0]?.text).toContain("Bearer ${env:EVENKEEL_TOKEN}");
  expect(probe(at, 1_795_402_800_000)).toContain('authorization: Bearer $EVENKEEL_TOKEN');
});

test("the probe is a valid span", () => {
  const text = probe(endpointsOf(status([])), 1_795_402_800_000);
  const body = JSON.parse(text.slice(text.indexOf("-d '") + 4, -1)) as { resourceSpans: { scopeSpans: { spans: { traceId: string; spanId: string }[] }[] }[] };
  const span = body.resourceSpans[0]?.scopeSpans[0]?.spans[0];
  expect(span?.traceId).toMatch(/^[0-9a-f]{32}$/);
  expect(span?.spanId).toMatch(/^[0-9a-f]{16}$/);
});
