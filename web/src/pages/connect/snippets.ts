// Working snippets for each way to send telemetry, with this server's addresses in them.

import type { Status } from "../../api/schema";
import type { Way } from "../../router";

export interface Endpoints {
  http: string;
  otlpHttp: string;
  otlpGrpc: string;
  /** Whether the listener asks for a token. */
  token: { http: boolean; otlpHttp: boolean; otlpGrpc: boolean };
}

/** The listeners' addresses; one that is not there is said to be so by falling back to the main one. */
export function endpointsOf(status: Status): Endpoints {
  const find = (purpose: "http" | "otlp_http" | "otlp_grpc") => status.listeners.find((listener) => listener.purpose === purpose);
  const main = find("http");
  const http = (main?.url ?? status.external_url).replace(/\/$/, "");
  const otlpHttp = find("otlp_http");
  const otlpGrpc = find("otlp_grpc");
  return {
    http,
    otlpHttp: (otlpHttp?.url ?? http).replace(/\/$/, ""),
    otlpGrpc: (otlpGrpc?.url ?? "").replace(/\/$/, ""),
    token: { http: main?.token_required ?? false, otlpHttp: otlpHttp?.token_required ?? main?.token_required ?? false, otlpGrpc: otlpGrpc?.token_required ?? false },
  };
}

export interface Snippet {
  title: string;
  text: string;
}

const LABELS: Record<Way, string> = {
  go: "Go",
  java: "Java",
  python: "Python",
  node: "Node.js",
  rust: "Rust",
  dotnet: ".NET",
  collector: "OpenTelemetry Collector",
  prometheus: "Prometheus",
};

export function labelOf(way: Way): string {
  return LABELS[way];
}

/** What every OpenTelemetry SDK reads. */
function environment(at: Endpoints): Snippet {
  const lines = [
    "export OTEL_SERVICE_NAME=checkout",
    "export OTEL_RESOURCE_ATTRIBUTES=service.version=1.0.0,deployment.environment.name=prod",
    "export OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf",
    `export OTEL_EXPORTER_OTLP_ENDPOINT=${at.otlpHttp}`,
  ];
  if (at.token.otlpHttp) lines.push('export OTEL_EXPORTER_OTLP_HEADERS="authorization=Bearer%20$EVENKEEL_TOKEN"');
  return { title: "Environment of the service", text: lines.join("\n") };
}

export function snippets(way: Way, at: Endpoints): Snippet[] {
  switch (way) {
    case "go":
      return [
        environment(at),
        { title: "Once", text: "go get go.opentelemetry.io/contrib/exporters/autoexport \\\n  go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp \\\n  go.opentelemetry.io/otel/sdk" },
        { title: "main.go", text: GO },
      ];
    case "java":
      return [
        environment(at),
        { title: "Run with the agent, no change of code", text: "java -javaagent:opentelemetry-javaagent.jar -jar checkout.jar" },
      ];
    case "python":
      return [
        environment(at),
        { title: "Install and run, no change of code", text: "pip install opentelemetry-distro opentelemetry-exporter-otlp-proto-http\nopentelemetry-bootstrap -a install\nopentelemetry-instrument python app.py" },
      ];
    case "node":
      return [
        environment(at),
        { title: "Install and run, no change of code", text: "npm install @opentelemetry/api @opentelemetry/auto-instrumentations-node\nexport OTEL_LOGS_EXPORTER=otlp OTEL_METRICS_EXPORTER=otlp\nnode --require @opentelemetry/auto-instrumentations-node/register app.js" },
      ];
    case "rust":
      return [environment(at), { title: "Once", text: "cargo add opentelemetry opentelemetry_sdk\ncargo add opentelemetry-otlp --no-default-features --features trace,http-proto,reqwest-blocking-client" }, { title: "main.rs", text: RUST }];
    case "dotnet":
      return [
        environment(at),
        { title: "Once", text: "dotnet add package OpenTelemetry.Extensions.Hosting\ndotnet add package OpenTelemetry.Exporter.OpenTelemetryProtocol\ndotnet add package OpenTelemetry.Instrumentation.AspNetCore\ndotnet add package OpenTelemetry.Instrumentation.Http" },
        { title: "Program.cs", text: DOTNET },
      ];
    case "collector":
      return [{ title: "collector.yaml: one more exporter in your pipelines", text: collector(at) }];
    case "prometheus":
      return [{ title: "prometheus.yml", text: prometheus(at) }];
  }
}

/** One span by curl, so that the way in can be tried without any service. */
export function probe(at: Endpoints, now: number): string {
  const nanos = `${now}000000`;
  const span = {
    resourceSpans: [
      {
        resource: { attributes: [{ key: "service.name", value: { stringValue: "hello" } }] },
        scopeSpans: [{ spans: [{ traceId: traceId(now), spanId: traceId(now).slice(0, 16), name: "GET /", kind: 2, startTimeUnixNano: nanos, endTimeUnixNano: nanos }] }],
      },
    ],
  };
  const auth = at.token.otlpHttp ? ` \\\n  -H "authorization: Bearer $EVENKEEL_TOKEN"` : "";
  return `curl -i ${at.otlpHttp}/v1/traces -H 'content-type: application/json'${auth} \\\n  -d '${JSON.stringify(span)}'`;
}

function traceId(now: number): string {
  return now.toString(16).padStart(32, "a");
}

function collector(at: Endpoints): string {
  const headers = at.token.otlpHttp ? '\n    headers:\n      authorization: "Bearer ${env:EVENKEEL_TOKEN}"' : "";
  return `receivers:
  otlp:
    protocols:
      grpc: { endpoint: 0.0.0.0:4317 }
      http: { endpoint: 0.0.0.0:4318 }
exporters:
  otlphttp/evenkeel:
    endpoint: ${at.otlpHttp}
    compression: gzip${headers}
service:
  pipelines:
    traces: { receivers: [otlp], exporters: [otlphttp/evenkeel] }
    metrics: { receivers: [otlp], exporters: [otlphttp/evenkeel] }
    logs: { receivers: [otlp], exporters: [otlphttp/evenkeel] }
`;
}

function prometheus(at: Endpoints): string {
  const auth = at.token.http ? "\n    authorization:\n      credentials_file: /etc/prometheus/evenkeel.token" : "";
  return `remote_write:
  - url: ${at.http}/api/v1/write
    # Remote write 1.0; what is refused is named in Prometheus' log.
    send_exemplars: false${auth}
`;
}

const GO = `package main

import (
	"context"
	"log"
	"net/http"

	"go.opentelemetry.io/contrib/exporters/autoexport"
	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/trace"
)

func main() {
	ctx := context.Background()
	exporter, err := autoexport.NewSpanExporter(ctx)
	if err != nil {
		log.Fatal(err)
	}
	provider := trace.NewTracerProvider(trace.WithBatcher(exporter))
	defer provider.Shutdown(ctx)
	otel.SetTracerProvider(provider)
	otel.SetTextMapPropagator(propagation.TraceContext{})

	hello := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.Write([]byte("hello")) })
	log.Println(http.ListenAndServe(":8080", otelhttp.NewHandler(hello, "GET /")))
}
`;

const RUST = `use opentelemetry::trace::{Tracer, TracerProvider as _};
use opentelemetry_sdk::trace::SdkTracerProvider;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // Reads OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES.
    let exporter = opentelemetry_otlp::SpanExporter::builder().with_http().build()?;
    let provider = SdkTracerProvider::builder().with_batch_exporter(exporter).build();
    opentelemetry::global::set_tracer_provider(provider.clone());

    provider.tracer("checkout").in_span("GET /", |_context| println!("hello"));
    provider.shutdown()?;
    Ok(())
}
`;

const DOTNET = `using OpenTelemetry;

var builder = WebApplication.CreateBuilder(args);
builder.Services.AddOpenTelemetry()
    .WithTracing(tracing => tracing.AddAspNetCoreInstrumentation().AddHttpClientInstrumentation())
    .WithMetrics(metrics => metrics.AddAspNetCoreInstrumentation().AddHttpClientInstrumentation())
    .WithLogging()
    .UseOtlpExporter();

var app = builder.Build();
app.MapGet("/", () => "hello");
app.Run();
`;
