//! `kind: DataSource`, and metric sources: what an indicator counts.
//!
//! Two types are evaluated. `Evenkeel/Spans` counts spans: `{service, operation, operationPattern, environment, status, latencyUnder,
//! latencyOver}`; `Prometheus` counts increments of counters: `{query}` with a selector, or `sum`, `rate` or `increase` of one.

use std::time::Duration;

use model::{MatchOp, Matcher};
use slo::{SpanFilter, StatusFilter};

use super::{Object, Objects, description};
use crate::files::{
    problem::Code,
    reader::{Field, Map},
    selector::{self, SelectorError},
    text::shorten,
};

pub(super) const SPANS: &str = "Evenkeel/Spans";
pub(super) const PROMETHEUS: &str = "Prometheus";

const SPAN_FIELDS: [&str; 8] = [
    "service",
    "operation",
    "operationPattern",
    "environment",
    "status",
    "latencyUnder",
    "latencyOver",
    "latencyUnit",
];

pub(super) fn check(map: Map<'_>) {
    let fields = ["description", "type", "connectionDetails"];
    let Some(spec) = map.required("spec").and_then(|spec| spec.map(&fields)) else { return };
    description(spec);
    spec.required("type").and_then(Field::filled);
    if spec.present("connectionDetails").is_none() {
        spec.required("connectionDetails");
    }
}

/// Checks what we know of a source's `spec` by its `type`; any other type may hold anything.
pub(super) fn check_spec<'r>(source: Map<'r>, spec: Map<'r>) {
    match source.optional("type").and_then(|kind| kind.node().text()) {
        Some(SPANS) => {
            spans(spec);
        }
        Some(PROMETHEUS) => {
            if let Some(query) = spec.required("query") {
                check_query(query);
            }
        }
        _ => {}
    }
}

fn check_query(query: Field<'_>) {
    let Some(text) = query.filled() else { return };
    if let Err(error @ SelectorError::Syntax { .. }) = selector::parse(text) {
        let hint = "write a selector such as `http_requests_total{code=~\"5..\"}`";
        query.error_inside(error.at(), Code::SELECTOR, format!("the query {error}"), hint);
    }
}

/// What a source counts.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Source {
    Spans(SpanSource),
    Selector(Vec<Matcher>),
}

/// A filter, before the SLO's own service and environment fill its gaps.
#[derive(Clone, Debug, PartialEq, Default)]
pub(super) struct SpanSource {
    pub service: Option<Box<str>>,
    pub operation: Option<Matcher>,
    pub environment: Option<Box<str>>,
    pub status: Option<StatusFilter>,
    pub latency_under: Option<Duration>,
    pub latency_over: Option<Duration>,
    /// In which unit an objective's `value` stands, for a threshold.
    pub unit: Option<Duration>,
}

/// What the metric in `field` counts, or why it is not evaluated.
pub(super) fn read(objects: &Objects<'_>, field: Field<'_>) -> Result<Source, String> {
    let source = field
        .any_map()
        .and_then(|map| map.optional("metricSource"))
        .and_then(Field::any_map)
        .ok_or("it has no metric source")?;
    let spec =
        source.optional("spec").and_then(Field::any_map).ok_or("its metric source is empty")?;
    match kind(objects, source) {
        Some(SPANS) => Ok(Source::Spans(spans(spec))),
        Some(PROMETHEUS) => {
            let query = spec.optional("query").and_then(Field::text).ok_or("it has no `query`")?;
            let matchers = selector::parse(query)
                .map_err(|error| format!("its query is more than a selector: {error}"))?;
            Ok(Source::Selector(matchers))
        }
        Some(other) => {
            Err(format!("the metric source type `{}` is not known here", shorten(other)))
        }
        None => Err("its metric source has no type".into()),
    }
}

/// `type`, or that of the data source which `metricSourceRef` names.
fn kind<'r>(objects: &Objects<'r>, source: Map<'r>) -> Option<&'r str> {
    let own = source.optional("type").and_then(Field::text);
    own.or_else(|| {
        let name = source.optional("metricSourceRef")?.text()?;
        let Object { map, .. } = objects.sources.get(name)?;
        map.optional("spec")?.any_map()?.optional("type")?.text()
    })
}

fn spans(spec: Map<'_>) -> SpanSource {
    spec.field().map(&SPAN_FIELDS);
    spec.exclusive(&["operation", "operationPattern"], false);
    let text = |name: &str| spec.optional(name).and_then(Field::filled).map(Box::from);
    let latency = |name: &str| {
        let longest = Duration::from_secs(3600);
        spec.optional(name)
            .and_then(|field| field.duration_within(Duration::from_millis(1)..=longest))
    };
    let statuses = [("ok", StatusFilter::NotError), ("error", StatusFilter::Error)];
    let units = [("ms", Duration::from_millis(1)), ("s", Duration::from_secs(1))];
    SpanSource {
        service: text("service"),
        operation: operation(spec),
        environment: text("environment"),
        status: spec.optional("status").and_then(|field| field.choice(&statuses)),
        latency_under: latency("latencyUnder"),
        latency_over: latency("latencyOver"),
        unit: spec.optional("latencyUnit").and_then(|field| field.choice(&units)),
    }
}

fn operation(spec: Map<'_>) -> Option<Matcher> {
    if let Some(field) = spec.optional("operation") {
        return Some(Matcher::equal("operation", field.filled()?));
    }
    let field = spec.optional("operationPattern")?;
    let pattern = field.filled()?;
    let matcher = Matcher::new("operation", MatchOp::Regex, pattern);
    if matcher.is_err() {
        let message = format!(
            "`operationPattern` is `{}`, which is not a regular expression",
            shorten(pattern)
        );
        field.error(Code::PATTERN, message, "write RE2 syntax; it matches the whole name");
    }
    matcher.ok()
}

impl SpanSource {
    /// The filter of an SLO on `service` in `environment`.
    pub(super) fn filter(&self, service: &str, environment: Option<&str>) -> SpanFilter {
        let mut filter = SpanFilter::of(self.service.as_deref().unwrap_or(service));
        filter.operation = self.operation.clone();
        filter.environment = self.environment.clone().or_else(|| environment.map(Box::from));
        filter.status = self.status;
        filter.latency_max = self.latency_under;
        filter
    }
}
