//! Service level indicators: which events count, and which of them are good.

use std::{fmt, time::Duration};

use model::{Labels, Matcher, Span, SpanKind, SpanStatus};

/// Which side of the ratio the user defined beside the total; the other side follows.
#[derive(Clone, Debug, PartialEq)]
pub enum Part<T> {
    Good(T),
    Bad(T),
}

/// What is counted.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "there is one for each SLO")]
pub enum Indicator {
    Spans(SpanIndicator),
    Counters(CounterIndicator),
}

/// Events are spans.
#[derive(Clone, Debug, PartialEq)]
pub struct SpanIndicator {
    /// Which spans count at all.
    pub total: SpanFilter,
    /// Which of those are good, or bad: a span must pass both filters.
    pub part: Part<SpanFilter>,
}

/// Events are increments of counter series. A selector is a list of matchers that must all hold, as in PromQL.
#[derive(Clone, Debug, PartialEq)]
pub struct CounterIndicator {
    pub total: Vec<Matcher>,
    pub part: Part<Vec<Matcher>>,
}

/// A condition on spans; `None` lets everything pass.
#[derive(Clone, Debug, PartialEq)]
pub struct SpanFilter {
    /// `service.name`, exactly.
    pub service: Box<str>,
    /// On the span's name; the matcher's own label name is of no importance.
    pub operation: Option<Matcher>,
    pub environment: Option<Box<str>>,
    pub status: Option<StatusFilter>,
    /// The longest duration that passes, itself included.
    pub latency_max: Option<Duration>,
    /// Kinds that pass. A span's caller counts it as `Client`, so counting both would count a request twice.
    pub kinds: Vec<SpanKind>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StatusFilter {
    /// The status is `Error`.
    Error,
    /// The status is `Ok` or unset: an instrumentation library sets only errors.
    NotError,
}

impl SpanFilter {
    /// All spans by which `service` was called: of kind server or consumer.
    pub fn of(service: impl Into<Box<str>>) -> Self {
        Self {
            service: service.into(),
            operation: None,
            environment: None,
            status: None,
            latency_max: None,
            kinds: vec![SpanKind::Server, SpanKind::Consumer],
        }
    }

    pub fn matches(&self, span: &Span) -> bool {
        *self.service == *span.resource.service
            && self.kinds.contains(&span.kind)
            && self.environment.as_ref().is_none_or(|wanted| *wanted == span.resource.environment)
            && self.status.is_none_or(|wanted| wanted.matches(span.status))
            && self.latency_max.is_none_or(|longest| span.duration() <= longest)
            && self.operation.as_ref().is_none_or(|pattern| pattern.matches(&span.name))
    }
}

impl StatusFilter {
    fn matches(self, status: SpanStatus) -> bool {
        (status == SpanStatus::Error) == (self == Self::Error)
    }
}

impl SpanIndicator {
    /// Whether the span is good; `None` when it does not count.
    pub fn judge(&self, span: &Span) -> Option<bool> {
        self.total.matches(span).then(|| match &self.part {
            Part::Good(good) => good.matches(span),
            Part::Bad(bad) => !bad.matches(span),
        })
    }
}

impl CounterIndicator {
    /// The selector of the part.
    pub fn part_selector(&self) -> &[Matcher] {
        match &self.part {
            Part::Good(selector) | Part::Bad(selector) => selector,
        }
    }
}

/// Whether all matchers hold. An empty selector selects nothing: it would count every series that there is.
pub fn selects(selector: &[Matcher], labels: &Labels) -> bool {
    !selector.is_empty() && selector.iter().all(|matcher| matcher.matches_labels(labels))
}

impl Indicator {
    /// Which events count, in words.
    pub fn total_text(&self) -> String {
        match self {
            Self::Spans(spans) => spans.total.to_string(),
            Self::Counters(counters) => selector_text(&counters.total),
        }
    }

    /// Which events are good, in words.
    pub fn good_text(&self) -> String {
        match self {
            Self::Spans(SpanIndicator { part: Part::Good(good), .. }) => good.to_string(),
            Self::Spans(SpanIndicator { part: Part::Bad(bad), .. }) => format!("not: {bad}"),
            Self::Counters(CounterIndicator { part: Part::Good(good), .. }) => selector_text(good),
            Self::Counters(CounterIndicator { part: Part::Bad(bad), .. }) => {
                format!("not: {}", selector_text(bad))
            }
        }
    }

    /// Tells indicators apart in a snapshot: counts are kept for as long as it stays the same.
    ///
    /// **Invariant:** this text is stored, so that a change of its form would lose counts.
    pub fn fingerprint(&self) -> String {
        let kind = match self {
            Self::Spans(_) => "spans",
            Self::Counters(_) => "counters",
        };
        format!("{kind} total({}) good({})", self.total_text(), self.good_text())
    }
}

impl fmt::Display for SpanFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kinds: Vec<&str> = self.kinds.iter().map(|kind| kind_text(*kind)).collect();
        write!(f, "{} spans of {}", kinds.join(" and "), self.service)?;
        if let Some(environment) = &self.environment {
            write!(f, " in {environment}")?;
        }
        if let Some(operation) = &self.operation {
            write!(f, ", {operation}")?;
        }
        match self.status {
            Some(StatusFilter::Error) => f.write_str(", status error")?,
            Some(StatusFilter::NotError) => f.write_str(", status not error")?,
            None => {}
        }
        match self.latency_max {
            Some(longest) => write!(f, ", at most {} ms", longest.as_secs_f64() * 1000.0),
            None => Ok(()),
        }
    }
}

fn kind_text(kind: SpanKind) -> &'static str {
    match kind {
        SpanKind::Internal | SpanKind::Unspecified => "internal",
        SpanKind::Server => "server",
        SpanKind::Client => "client",
        SpanKind::Producer => "producer",
        SpanKind::Consumer => "consumer",
    }
}

/// As PromQL writes it: `name{a="b"}` or `{__name__=~"a.*"}`.
fn selector_text(selector: &[Matcher]) -> String {
    let rest: Vec<String> = selector.iter().map(Matcher::to_string).collect();
    format!("{{{}}}", rest.join(", "))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use model::{MatchOp, Resource, Timestamp};

    use super::*;

    fn span(name: &str, status: SpanStatus, duration_ms: u64) -> Span {
        let resource = Resource {
            service: "checkout".into(),
            environment: "prod".into(),
            ..Resource::default()
        };
        Span {
            trace_id: model::TraceId::default(),
            span_id: model::SpanId::default(),
            resource: Arc::new(resource),
            name: name.into(),
            kind: SpanKind::Server,
            start: Timestamp::EPOCH,
            end: Timestamp::EPOCH + Duration::from_millis(duration_ms),
            status,
            ..Span::default()
        }
    }

    fn fast_orders() -> SpanIndicator {
        let total = SpanFilter {
            operation: Some(
                Matcher::new("operation", MatchOp::Regex, "POST /(order|pay)").unwrap(),
            ),
            environment: Some("prod".into()),
            ..SpanFilter::of("checkout")
        };
        let good = SpanFilter {
            status: Some(StatusFilter::NotError),
            latency_max: Some(Duration::from_millis(300)),
            ..total.clone()
        };
        SpanIndicator { total, part: Part::Good(good) }
    }

    #[test]
    fn a_span_is_judged_by_operation_status_and_latency() {
        let check = |span: Span| fast_orders().judge(&span);
        assert_eq!(check(span("POST /order", SpanStatus::Unset, 300)), Some(true));
        assert_eq!(check(span("POST /pay", SpanStatus::Ok, 301)), Some(false));
        assert_eq!(check(span("POST /order", SpanStatus::Error, 1)), Some(false));
        assert_eq!(check(span("POST /orders", SpanStatus::Ok, 1)), None);
        let client = Span { kind: SpanKind::Client, ..span("POST /order", SpanStatus::Ok, 1) };
        assert_eq!(check(client), None);
        let mut elsewhere = span("POST /order", SpanStatus::Ok, 1);
        elsewhere.resource =
            Arc::new(Resource { service: "checkout".into(), ..Resource::default() });
        assert_eq!(check(elsewhere), None);
    }

    #[test]
    fn a_bad_filter_judges_the_other_way_round() {
        let total = SpanFilter::of("checkout");
        let bad = SpanFilter { status: Some(StatusFilter::Error), ..total.clone() };
        let indicator = SpanIndicator { total, part: Part::Bad(bad) };
        assert_eq!(indicator.judge(&span("GET /", SpanStatus::Error, 1)), Some(false));
        assert_eq!(indicator.judge(&span("GET /", SpanStatus::Unset, 1)), Some(true));
    }

    #[test]
    fn an_empty_selector_selects_nothing() {
        assert!(!selects(&[], &Labels::from_pairs([("a", "b")])));
    }

    #[test]
    fn the_fingerprint_keeps_its_form_for_stored_counts() {
        insta::assert_snapshot!(Indicator::Spans(fast_orders()).fingerprint(), @r#"spans total(server and consumer spans of checkout in prod, operation=~"POST /(order|pay)") good(server and consumer spans of checkout in prod, operation=~"POST /(order|pay)", status not error, at most 300 ms)"#);
        let counters = Indicator::Counters(CounterIndicator {
            total: vec![Matcher::equal("__name__", "http_requests_total")],
            part: Part::Bad(vec![
                Matcher::equal("__name__", "http_requests_total"),
                Matcher::new("code", MatchOp::Regex, "5..").unwrap(),
            ]),
        });
        insta::assert_snapshot!(counters.fingerprint(), @r#"counters total({__name__="http_requests_total"}) good(not: {__name__="http_requests_total", code=~"5.."})"#);
    }
}
