// Working snippets for each way to send telemetry, with this server's addresses in them.

import type { Way } from "../../lib/ways";
import type { Endpoints } from "./endpoints";
import { GO, DOTNET, rust } from "./programs";

export type Protocol = "http" | "grpc";

/** What the snippets are filled with. */
export interface Fill {
  at: Endpoints;
  protocol: Protocol;
  service: string;
  environment: string;
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
function environment({ at, protocol, service, environment: name }: Fill): Snippet {
  const token = protocol === "grpc" ? at.token.otlpGrpc : at.token.otlpHttp;
  const lines = [
    `export OTEL_SERVICE_NAME=${service}`,
    `export OTEL_RESOURCE_ATTRIBUTES=service.version=1.0.0,deployment.environment.name=${name}`,
    `export OTEL_EXPORTER_OTLP_PROTOCOL=${protocol === "grpc" ? "grpc" : "http/protobuf"}`,
    `export OTEL_EXPORTER_OTLP_ENDPOINT=${protocol === "grpc" ? at.otlpGrpc : at.otlpHttp}`,
    "export OTEL_TRACES_EXPORTER=otlp OTEL_METRICS_EXPORTER=otlp OTEL_LOGS_EXPORTER=otlp",
  ];
  if (token) lines.push('export OTEL_EXPORTER_OTLP_HEADERS="authorization=Bearer%20$EVENKEEL_TOKEN"');
  return { title: "Environment of the service", text: lines.join("\n") };
}

const GO_MODULES = [
  "go.opentelemetry.io/contrib/bridges/otelslog",
  "go.opentelemetry.io/contrib/exporters/autoexport",
  "go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp",
  "go.opentelemetry.io/otel/sdk",
  "go.opentelemetry.io/otel/sdk/log",
  "go.opentelemetry.io/otel/sdk/metric",
];

export function snippets(way: Way, fill: Fill): Snippet[] {
  const grpc = fill.protocol === "grpc";
  switch (way) {
    case "go":
      return [environment(fill), { title: "Once", text: `go get ${GO_MODULES.join(" \\\n  ")}` }, { title: "main.go", text: GO.replaceAll("checkout", fill.service) }];
    case "java":
      return [environment(fill), { title: "Run with the agent, no change of code", text: `java -javaagent:opentelemetry-javaagent.jar -jar ${fill.service}.jar` }];
    case "python":
      return [
        environment(fill),
        {
          title: "Install and run, no change of code",
          text: `pip install opentelemetry-distro opentelemetry-exporter-otlp-proto-${grpc ? "grpc" : "http"}\nopentelemetry-bootstrap -a install\nexport OTEL_PYTHON_LOGGING_AUTO_INSTRUMENTATION_ENABLED=true\nopentelemetry-instrument python app.py`,
        },
      ];
    case "node":
      return [
        environment(fill),
        { title: "Install and run, no change of code", text: "npm install @opentelemetry/api @opentelemetry/auto-instrumentations-node\nnode --require @opentelemetry/auto-instrumentations-node/register app.js" },
        { title: "Logs come from pino, winston or bunyan, whichever the service uses", text: "npm install pino" },
      ];
    case "rust":
      return [
        environment(fill),
        {
          title: "Once",
          text: `cargo add opentelemetry opentelemetry_sdk opentelemetry-appender-tracing tracing tracing-subscriber\ncargo add opentelemetry-otlp${grpc ? " --features grpc-tonic\ncargo add tokio --features macros,rt-multi-thread" : ""}`,
        },
        { title: "main.rs", text: rust(fill.service, grpc) },
      ];
    case "dotnet":
      return [
        environment(fill),
        { title: "Once", text: "dotnet add package OpenTelemetry.Extensions.Hosting\ndotnet add package OpenTelemetry.Exporter.OpenTelemetryProtocol\ndotnet add package OpenTelemetry.Instrumentation.AspNetCore\ndotnet add package OpenTelemetry.Instrumentation.Http" },
        { title: "Program.cs", text: DOTNET },
      ];
    case "collector":
      return [
        { title: "collector.yaml", text: collector(fill) },
        { title: "Services then send to the Collector, whose ports are not Evenkeel’s own 4317 and 4318", text: "export OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf\nexport OTEL_EXPORTER_OTLP_ENDPOINT=http://collector:14318" },
      ];
    case "prometheus":
      return [{ title: "prometheus.yml", text: prometheus(fill.at) }];
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

function collector({ at, protocol }: Fill): string {
  const grpc = protocol === "grpc";
  const name = grpc ? "otlp/evenkeel" : "otlphttp/evenkeel";
  const headers = (grpc ? at.token.otlpGrpc : at.token.otlpHttp) ? '\n    headers:\n      authorization: "Bearer ${env:EVENKEEL_TOKEN}"' : "";
  const insecure = grpc && at.otlpGrpc.startsWith("http:") ? "\n    tls: { insecure: true }" : "";
  return `receivers:
  otlp:
    protocols:
      # Not 4317 and 4318, which Evenkeel itself listens on.
      grpc: { endpoint: 0.0.0.0:14317 }
      http: { endpoint: 0.0.0.0:14318 }
processors:
  batch: {}
exporters:
  ${name}:
    endpoint: ${grpc ? at.otlpGrpc.replace(/^https?:\/\//, "") : at.otlpHttp}
    compression: gzip${insecure}${headers}
service:
  pipelines:
    traces: { receivers: [otlp], processors: [batch], exporters: [${name}] }
    metrics: { receivers: [otlp], processors: [batch], exporters: [${name}] }
    logs: { receivers: [otlp], processors: [batch], exporters: [${name}] }
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
