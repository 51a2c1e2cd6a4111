//! Spans: checked, redacted, within limits.

use std::sync::Arc;

use model::{Resource, Span, Timestamp};

use crate::{Place, RawSpan, Signal, Work, limit, refused::reason};

pub(crate) fn span(
    mut raw: RawSpan,
    resource: &Arc<Resource>,
    work: &mut Work<'_>,
) -> Option<Span> {
    work.redactor.text(&mut raw.name, work.tally.redacted.at(Place::SpanName));
    let redactor = work.redactor;
    let (Some(trace_id), Some(span_id)) = (raw.trace_id, raw.span_id) else {
        work.tally.refuse(Signal::Spans, reason::INVALID_ID, 1, || {
            format!(
                "span `{}` of `{}` has no valid id; a trace id is 16 bytes and a span id 8, not all zero",
                redactor.shown(&raw.name), redactor.shown(&resource.service)
            )
        });
        return None;
    };
    if raw.start == Timestamp::EPOCH && raw.end == Timestamp::EPOCH {
        work.tally.refuse(Signal::Spans, reason::NO_TIME, 1, || {
            format!(
                "span `{span_id}` of `{}` has neither start nor end",
                redactor.shown(&resource.service)
            )
        });
        return None;
    }
    if work.is_future(Signal::Spans, raw.start.max(raw.end), "a span") {
        return None;
    }
    Some(clean(
        Span {
            trace_id,
            span_id,
            parent: raw.parent,
            trace_state: raw.trace_state,
            flags: raw.flags,
            resource: Arc::clone(resource),
            scope: raw.scope,
            name: raw.name,
            kind: raw.kind,
            start: raw.start,
            end: raw.end,
            status: raw.status,
            status_message: raw.status_message,
            attributes: raw.attributes,
            events: raw.events,
            links: raw.links,
            dropped: raw.dropped,
        },
        work,
    ))
}

fn clean(mut span: Span, work: &mut Work<'_>) -> Span {
    let redactor = work.redactor;
    limit::begin(work);
    span.dropped.events += limit::list(&mut span.events, "events_dropped", work);
    span.dropped.links += limit::list(&mut span.links, "links_dropped", work);
    redactor.text(&mut span.trace_state, work.tally.redacted.at(Place::TraceState));
    limit::text(&mut span.trace_state, work);
    redactor.text(&mut span.status_message, work.tally.redacted.at(Place::SpanStatus));
    limit::text(&mut span.name, work);
    limit::text(&mut span.status_message, work);
    redactor.attributes(&mut span.attributes, work.tally.redacted.at(Place::SpanAttribute));
    span.dropped.attributes += limit::attributes(&mut span.attributes, work);
    for event in &mut span.events {
        redactor.text(&mut event.name, work.tally.redacted.at(Place::EventName));
        limit::text(&mut event.name, work);
        redactor.attributes(&mut event.attributes, work.tally.redacted.at(Place::EventAttribute));
        event.dropped_attributes += limit::attributes(&mut event.attributes, work);
    }
    for link in &mut span.links {
        redactor.attributes(&mut link.attributes, work.tally.redacted.at(Place::LinkAttribute));
        redactor.text(&mut link.trace_state, work.tally.redacted.at(Place::TraceState));
        limit::text(&mut link.trace_state, work);
        link.dropped_attributes += limit::attributes(&mut link.attributes, work);
    }
    span
}
