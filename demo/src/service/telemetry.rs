//! Traces, metrics and logs of one instance, by the OpenTelemetry SDK and its HTTP semantic conventions.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::{Method, Request, StatusCode};
use opentelemetry::{
    Context, InstrumentationScope, KeyValue,
    baggage::BaggageExt,
    logs::{AnyValue, LogRecord as _, Logger as _, LoggerProvider as _, Severity},
    metrics::{Counter, Histogram, MeterProvider as _},
    propagation::{TextMapCompositePropagator, TextMapPropagator},
    trace::{SpanKind, Status, TraceContextExt, Tracer as _, TracerProvider as _},
};
use opentelemetry_http::{HeaderExtractor, HeaderInjector};
use opentelemetry_otlp::{
    LogExporter, MetricExporter, SpanExporter, WithExportConfig, WithHttpConfig,
};
use opentelemetry_sdk::{
    Resource,
    logs::{BatchConfigBuilder as LogBatches, BatchLogProcessor, SdkLogger, SdkLoggerProvider},
    metrics::{PeriodicReader, SdkMeterProvider},
    propagation::{BaggagePropagator, TraceContextPropagator},
    trace::{BatchConfigBuilder as SpanBatches, BatchSpanProcessor, SdkTracer, SdkTracerProvider},
};

use super::{behaviour::Failure, export::SpawningClient};
use crate::net::Client;

/// How often each signal leaves.
const EXPORT_INTERVAL: Duration = Duration::from_secs(1);
/// How long one export may take.
const EXPORT_TIMEOUT: Duration = Duration::from_secs(5);
/// Spans and log records that wait while the back end is away; more are dropped by the SDK.
const QUEUE_MAX: usize = 4_096;
/// Bucket bounds of durations in seconds, as the semantic conventions advise.
pub(crate) const DURATION_BOUNDS: [f64; 14] =
    [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0];
/// The baggage entry, and the span attribute, that says which customer it was.
pub(crate) const USER_KEY: &str = "enduser.id";

/// Who is speaking: the resource of all that this instance exports.
#[derive(Clone, Debug)]
pub(super) struct Identity {
    pub(super) service: String,
    pub(super) version: String,
    pub(super) instance: String,
    pub(super) environment: String,
}

/// What one request came to.
#[derive(Debug)]
pub(super) struct Served<'a> {
    pub(super) method: &'a Method,
    pub(super) route: Option<&'static str>,
    pub(super) status: StatusCode,
    pub(super) took: Duration,
}

#[derive(Clone, Debug)]
pub(super) struct Telemetry {
    traces: SdkTracerProvider,
    metrics: SdkMeterProvider,
    logs: SdkLoggerProvider,
    tracer: SdkTracer,
    logger: SdkLogger,
    durations: Histogram<f64>,
    orders: Counter<u64>,
    propagator: std::sync::Arc<TextMapCompositePropagator>,
}

impl Telemetry {
    /// Exports to `otlp` (a base address such as `http://127.0.0.1:4318`), or nowhere.
    pub(super) fn start(identity: &Identity, otlp: Option<&str>) -> anyhow::Result<Self> {
        let resource = resource(identity);
        let mut traces = SdkTracerProvider::builder().with_resource(resource.clone());
        let mut metrics = SdkMeterProvider::builder().with_resource(resource.clone());
        let mut logs = SdkLoggerProvider::builder().with_resource(resource);
        if let Some(base) = otlp {
            let exporters =
                Exporters { base: base.trim_end_matches('/'), client: Client::new(EXPORT_TIMEOUT) };
            traces = traces.with_span_processor(exporters.spans()?);
            metrics = metrics.with_reader(exporters.metrics()?);
            logs = logs.with_log_processor(exporters.logs()?);
        }
        let (traces, metrics, logs) = (traces.build(), metrics.build(), logs.build());
        let scope =
            InstrumentationScope::builder("shop").with_version(env!("CARGO_PKG_VERSION")).build();
        let meter = metrics.meter_with_scope(scope.clone());
        let durations = meter
            .f64_histogram("http.server.request.duration")
            .with_unit("s")
            .with_description("Duration of HTTP server requests.")
            .with_boundaries(DURATION_BOUNDS.to_vec())
            .build();
        let orders = meter
            .u64_counter("shop.orders")
            .with_unit("{order}")
            .with_description("Orders that were placed, by their outcome.")
            .build();
        let propagator = TextMapCompositePropagator::new(vec![
            Box::new(TraceContextPropagator::new()),
            Box::new(BaggagePropagator::new()),
        ]);
        Ok(Self {
            tracer: traces.tracer_with_scope(scope.clone()),
            logger: logs.logger_with_scope(scope),
            propagator: std::sync::Arc::new(propagator),
            traces,
            metrics,
            logs,
            durations,
            orders,
        })
    }

    /// The span of a request that came in; the caller's context and baggage are its parent's.
    pub(super) fn server_span(
        &self,
        request: &Request<Bytes>,
        route: Option<&'static str>,
    ) -> Context {
        let parent = self.propagator.extract(&HeaderExtractor(request.headers()));
        let name = match route {
            Some(route) => format!("{} {route}", request.method()),
            None => request.method().to_string(),
        };
        let mut attributes = vec![
            KeyValue::new("http.request.method", request.method().to_string()),
            KeyValue::new("url.path", request.uri().path().to_owned()),
            KeyValue::new("url.scheme", "http"),
        ];
        attributes.extend(route.map(|route| KeyValue::new("http.route", route)));
        if let Some(host) =
            request.headers().get(http::header::HOST).and_then(|host| host.to_str().ok())
        {
            let (address, port) = split_authority(host);
            attributes.push(KeyValue::new("server.address", address));
            attributes.extend(port.map(|port| KeyValue::new("server.port", port)));
        }
        attributes.extend(user(&parent).map(|user| KeyValue::new(USER_KEY, user)));
        let span = self
            .tracer
            .span_builder(name)
            .with_kind(SpanKind::Server)
            .with_attributes(attributes)
            .start_with_context(&self.tracer, &parent);
        parent.with_span(span)
    }

    /// The span of a call to `peer`; the context goes into `request`'s headers.
    pub(super) fn client_span(
        &self,
        cx: &Context,
        peer: &'static str,
        request: &mut Request<Bytes>,
    ) -> Context {
        let authority = request.uri().authority().map_or("", |authority| authority.as_str());
        let (address, port) = split_authority(authority);
        let mut attributes = vec![
            KeyValue::new("http.request.method", request.method().to_string()),
            KeyValue::new("url.full", request.uri().to_string()),
            KeyValue::new("server.address", address),
            KeyValue::new("peer.service", peer),
        ];
        attributes.extend(port.map(|port| KeyValue::new("server.port", port)));
        let span = self
            .tracer
            .span_builder(request.method().to_string())
            .with_kind(SpanKind::Client)
            .with_attributes(attributes)
            .start_with_context(&self.tracer, cx);
        let cx = cx.with_span(span);
        self.propagator.inject_context(&cx, &mut HeaderInjector(request.headers_mut()));
        cx
    }

    /// Ends the span of a call; `Err` is the kind of error when there was no answer.
    pub(super) fn called(&self, cx: &Context, outcome: Result<StatusCode, &'static str>) {
        let span = cx.span();
        match outcome {
            Ok(status) => {
                span.set_attribute(KeyValue::new(
                    "http.response.status_code",
                    i64::from(status.as_u16()),
                ));
                if status.as_u16() >= 400 {
                    span.set_attribute(KeyValue::new("error.type", status.as_u16().to_string()));
                    span.set_status(Status::error(""));
                }
            }
            Err(kind) => {
                span.set_attribute(KeyValue::new("error.type", kind));
                span.set_status(Status::error(kind));
            }
        }
        span.end();
    }

    /// A failure of this request: an event on its span, and a log record that carries its ids.
    pub(super) fn failed(&self, cx: &Context, failure: &Failure) {
        let span = cx.span();
        span.add_event(
            "exception",
            vec![
                KeyValue::new("exception.type", failure.kind),
                KeyValue::new("exception.message", failure.message.clone()),
            ],
        );
        span.set_status(Status::error(failure.message.clone()));
        let ids = span.span_context();
        let mut record = self.logger.create_log_record();
        record.set_timestamp(SystemTime::now());
        record.set_severity_number(Severity::Error);
        record.set_severity_text("ERROR");
        record.set_body(AnyValue::from(failure.message.clone()));
        record.add_attribute("exception.type", failure.kind);
        record.add_attribute("exception.message", failure.message.clone());
        record.set_trace_context(ids.trace_id(), ids.span_id(), Some(ids.trace_flags()));
        self.logger.emit(record);
    }

    /// Ends the span of a request and counts it.
    pub(super) fn served(&self, cx: &Context, served: &Served<'_>) {
        let status = served.status.as_u16();
        let span = cx.span();
        span.set_attribute(KeyValue::new("http.response.status_code", i64::from(status)));
        let mut attributes = vec![
            KeyValue::new("http.request.method", served.method.to_string()),
            KeyValue::new("http.response.status_code", i64::from(status)),
            KeyValue::new("url.scheme", "http"),
        ];
        attributes.extend(served.route.map(|route| KeyValue::new("http.route", route)));
        if served.status.is_server_error() {
            span.set_attribute(KeyValue::new("error.type", status.to_string()));
            attributes.push(KeyValue::new("error.type", status.to_string()));
        }
        self.durations.record(served.took.as_secs_f64(), &attributes);
        span.end();
    }

    /// An order was placed, or not.
    pub(super) fn ordered(&self, cx: &Context, total_cents: u32) {
        self.orders.add(1, &[KeyValue::new("shop.order.outcome", "placed")]);
        let ids = cx.span().span_context().clone();
        let mut record = self.logger.create_log_record();
        record.set_timestamp(SystemTime::now());
        record.set_severity_number(Severity::Info);
        record.set_severity_text("INFO");
        record.set_body(AnyValue::from("order placed"));
        record.add_attribute("shop.order.total_cents", i64::from(total_cents));
        record.set_trace_context(ids.trace_id(), ids.span_id(), Some(ids.trace_flags()));
        self.logger.emit(record);
    }

    /// Exports what is left; blocks until it is out or the exporters give up.
    pub(super) fn shutdown(&self) {
        // A back end that is away cannot be told anything, and the process ends all the same.
        self.traces.shutdown_with_timeout(EXPORT_TIMEOUT).ok();
        self.logs.shutdown_with_timeout(EXPORT_TIMEOUT).ok();
        self.metrics.shutdown_with_timeout(EXPORT_TIMEOUT).ok();
    }
}

/// The customer, as the caller's baggage tells.
pub(super) fn user(cx: &Context) -> Option<String> {
    cx.baggage().get(USER_KEY).map(|value| value.as_str().to_owned())
}

fn split_authority(authority: &str) -> (String, Option<i64>) {
    match authority.rsplit_once(':') {
        Some((host, port)) => (host.to_owned(), port.parse().ok()),
        None => (authority.to_owned(), None),
    }
}

fn resource(identity: &Identity) -> Resource {
    Resource::builder_empty()
        .with_attributes([
            KeyValue::new("service.name", identity.service.clone()),
            KeyValue::new("service.version", identity.version.clone()),
            KeyValue::new("service.instance.id", identity.instance.clone()),
            KeyValue::new("service.namespace", "shop"),
            KeyValue::new("deployment.environment.name", identity.environment.clone()),
            KeyValue::new("telemetry.sdk.language", "rust"),
            KeyValue::new("telemetry.sdk.name", "opentelemetry"),
        ])
        .build()
}

struct Exporters<'a> {
    base: &'a str,
    client: Client,
}

impl Exporters<'_> {
    fn spans(&self) -> anyhow::Result<BatchSpanProcessor> {
        let exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(SpawningClient::new(self.client.clone()))
            .with_endpoint(format!("{}/v1/traces", self.base))
            .with_timeout(EXPORT_TIMEOUT)
            .build()?;
        let batches = SpanBatches::default()
            .with_scheduled_delay(EXPORT_INTERVAL)
            .with_max_queue_size(QUEUE_MAX)
            .with_max_export_batch_size(QUEUE_MAX / 4)
            .build();
        Ok(BatchSpanProcessor::builder(exporter).with_batch_config(batches).build())
    }

    fn metrics(&self) -> anyhow::Result<PeriodicReader<MetricExporter>> {
        let exporter = MetricExporter::builder()
            .with_http()
            .with_http_client(SpawningClient::new(self.client.clone()))
            .with_endpoint(format!("{}/v1/metrics", self.base))
            .with_timeout(EXPORT_TIMEOUT)
            .build()?;
        Ok(PeriodicReader::builder(exporter).with_interval(EXPORT_INTERVAL).build())
    }

    fn logs(&self) -> anyhow::Result<BatchLogProcessor> {
        let exporter = LogExporter::builder()
            .with_http()
            .with_http_client(SpawningClient::new(self.client.clone()))
            .with_endpoint(format!("{}/v1/logs", self.base))
            .with_timeout(EXPORT_TIMEOUT)
            .build()?;
        let batches = LogBatches::default()
            .with_scheduled_delay(EXPORT_INTERVAL)
            .with_max_queue_size(QUEUE_MAX)
            .with_max_export_batch_size(QUEUE_MAX / 4)
            .build();
        Ok(BatchLogProcessor::builder(exporter).with_batch_config(batches).build())
    }
}
