// The programs of Connect: each sends traces, metrics and logs.

export const GO = `package main

import (
	"context"
	"log"
	"log/slog"
	"net/http"

	"go.opentelemetry.io/contrib/bridges/otelslog"
	"go.opentelemetry.io/contrib/exporters/autoexport"
	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/propagation"
	sdklog "go.opentelemetry.io/otel/sdk/log"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/trace"
)

func main() {
	ctx := context.Background()
	spans, err := autoexport.NewSpanExporter(ctx)
	check(err)
	metrics, err := autoexport.NewMetricReader(ctx)
	check(err)
	logs, err := autoexport.NewLogExporter(ctx)
	check(err)

	tracing := trace.NewTracerProvider(trace.WithBatcher(spans))
	defer tracing.Shutdown(ctx)
	metering := metric.NewMeterProvider(metric.WithReader(metrics))
	defer metering.Shutdown(ctx)
	logging := sdklog.NewLoggerProvider(sdklog.WithProcessor(sdklog.NewBatchProcessor(logs)))
	defer logging.Shutdown(ctx)
	otel.SetTracerProvider(tracing)
	otel.SetMeterProvider(metering)
	otel.SetTextMapPropagator(propagation.TraceContext{})
	slog.SetDefault(otelslog.NewLogger("checkout", otelslog.WithLoggerProvider(logging)))

	hello := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		slog.InfoContext(r.Context(), "hello")
		w.Write([]byte("hello"))
	})
	// Spans and the metrics of the server's requests come from the handler.
	check(http.ListenAndServe(":8080", otelhttp.NewHandler(hello, "GET /")))
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
`;

export function rust(service: string, grpc: boolean): string {
  const transport = grpc ? "tonic" : "http";
  const main = grpc ? "#[tokio::main]\nasync fn main()" : "fn main()";
  return `use opentelemetry::{KeyValue, global, trace::Tracer};
use opentelemetry_appender_tracing::layer::OpenTelemetryTracingBridge;
use opentelemetry_otlp::{LogExporter, MetricExporter, SpanExporter};
use opentelemetry_sdk::{logs::SdkLoggerProvider, metrics::SdkMeterProvider, trace::SdkTracerProvider};
use tracing_subscriber::{Layer, filter::LevelFilter, prelude::*};

${main} -> Result<(), Box<dyn std::error::Error>> {
    // Read OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES.
    let traces = SdkTracerProvider::builder().with_batch_exporter(SpanExporter::builder().with_${transport}().build()?).build();
    let metrics = SdkMeterProvider::builder().with_periodic_exporter(MetricExporter::builder().with_${transport}().build()?).build();
    let logs = SdkLoggerProvider::builder().with_batch_exporter(LogExporter::builder().with_${transport}().build()?).build();
    global::set_tracer_provider(traces.clone());
    global::set_meter_provider(metrics.clone());
    let layer = OpenTelemetryTracingBridge::new(&logs).with_filter(LevelFilter::INFO);
    tracing_subscriber::registry().with(layer).init();

    global::tracer("${service}").in_span("GET /", |_context| tracing::info!("hello"));
    global::meter("${service}").u64_counter("requests").build().add(1, &[KeyValue::new("route", "/")]);

    traces.shutdown()?;
    metrics.shutdown()?;
    logs.shutdown()?;
    Ok(())
}
`;
}

export const DOTNET = `using OpenTelemetry;

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
