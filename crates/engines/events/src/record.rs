//! How one request's spans and log records are written.
//!
//! `version u8 | received | base | spans | logs | strings | resources | scopes | spans | log records`. Strings that repeat (names,
//! keys, short values), resources and scopes are written once and referred to by number. Times are signed differences from
//! the base, which is the time of the first record: so a request that is sent again is the same but for when it was received.
//! Version 1 had a summary for an index in the place of the four numbers, the time of receipt as base, and no scopes.
//!
//! **Invariant:** decoding never panics, and reserves no more memory than a small multiple of its input.

mod read;
mod value;
mod write;

use model::{LogRecord, Span, Timestamp};

pub(crate) use read::{decode, identity, received_at};
pub(crate) use write::encode;

/// The version that this build writes; 1 is read as well.
const VERSION: u8 = 2;

/// A whole record.
#[derive(Debug, PartialEq)]
pub(crate) struct Record {
    pub(crate) received_at: Timestamp,
    pub(crate) spans: Vec<Span>,
    pub(crate) logs: Vec<LogRecord>,
}

#[cfg(test)]
pub(crate) mod tests {
    use std::sync::Arc;

    use model::{
        Attributes, Dropped, Resource, Scope, SpanId, SpanKind, SpanStatus, TraceId, Value, span,
    };
    use proptest::prelude::*;

    use super::*;

    fn values() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            ".{0,80}".prop_map(Value::string),
            any::<bool>().prop_map(Value::Bool),
            any::<i64>().prop_map(Value::Int),
            (-1e300..1e300).prop_map(Value::Double),
            prop::collection::vec(any::<u8>(), 0..9).prop_map(|bytes| Value::Bytes(bytes.into())),
            Just(Value::Empty),
        ];
        leaf.prop_recursive(3, 12, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
                prop::collection::vec((keys(), inner), 0..4).prop_map(Value::Map),
            ]
        })
    }

    fn keys() -> impl Strategy<Value = Box<str>> {
        "[a-c]{0,3}".prop_map(Box::from)
    }

    fn attributes() -> impl Strategy<Value = Attributes> {
        prop::collection::vec((keys(), values()), 0..4)
    }

    fn times() -> impl Strategy<Value = Timestamp> {
        any::<i64>().prop_map(Timestamp::from_nanos)
    }

    fn resources() -> impl Strategy<Value = Vec<Arc<Resource>>> {
        let resource = (keys(), keys(), attributes()).prop_map(|(service, version, attributes)| {
            let [environment, instance] = [service.clone(), version.clone()];
            let schema_url = service.clone();
            let dropped_attributes = 7;
            Arc::new(Resource {
                service,
                version,
                environment,
                instance,
                attributes,
                dropped_attributes,
                schema_url,
            })
        });
        prop::collection::vec(resource, 1..4)
    }

    fn spans() -> impl Strategy<Value = Span> {
        let events = (times(), keys(), attributes()).prop_map(|(at, name, attributes)| {
            let dropped_attributes = 3;
            span::SpanEvent { at, name, attributes, dropped_attributes }
        });
        let links = (any::<[u8; 16]>(), any::<[u8; 8]>(), attributes()).prop_map(
            |(trace, span, attributes)| span::SpanLink {
                trace_id: TraceId(trace),
                span_id: SpanId(span),
                attributes,
                trace_state: "a=b".into(),
                flags: 0x301,
                dropped_attributes: 1,
            },
        );
        let ids = (any::<[u8; 16]>(), any::<[u8; 8]>(), any::<Option<[u8; 8]>>());
        let kinds = prop::sample::select(vec![
            SpanKind::Internal,
            SpanKind::Server,
            SpanKind::Client,
            SpanKind::Producer,
            SpanKind::Consumer,
            SpanKind::Unspecified,
        ]);
        let statuses =
            prop::sample::select(vec![SpanStatus::Unset, SpanStatus::Ok, SpanStatus::Error]);
        let lists =
            (attributes(), prop::collection::vec(events, 0..3), prop::collection::vec(links, 0..3));
        (ids, (times(), times()), (kinds, statuses), keys(), lists).prop_map(
            |((trace, span, parent), (start, end), (kind, status), name, lists)| Span {
                trace_id: TraceId(trace),
                span_id: SpanId(span),
                parent: parent.map(SpanId),
                resource: Arc::default(),
                trace_state: name.clone(),
                flags: 257,
                scope: Arc::new(Scope {
                    name: name.clone(),
                    version: "1".into(),
                    schema_url: name.clone(),
                    attributes: lists.0.clone(),
                    dropped_attributes: u32::MAX,
                }),
                dropped: Dropped { attributes: 1, events: 2, links: 3 },
                status_message: name.clone(),
                name,
                kind,
                start,
                end,
                status,
                attributes: lists.0,
                events: lists.1,
                links: lists.2,
            },
        )
    }

    fn logs() -> impl Strategy<Value = LogRecord> {
        let ids = (any::<Option<[u8; 16]>>(), any::<Option<[u8; 8]>>(), any::<Option<i64>>());
        (ids, times(), any::<u8>(), keys(), values(), attributes()).prop_map(
            |((trace, span, observed), at, severity, severity_text, body, attributes)| LogRecord {
                resource: Arc::default(),
                scope: Arc::default(),
                at,
                timed: severity % 2 == 0,
                observed_at: observed.map(Timestamp::from_nanos),
                event_name: severity_text.clone(),
                flags: 1,
                dropped_attributes: 9,
                severity,
                severity_text,
                body,
                trace_id: trace.map(TraceId),
                span_id: span.map(SpanId),
                attributes,
            },
        )
    }

    pub(crate) fn records() -> impl Strategy<Value = Record> {
        let spans = prop::collection::vec((spans(), any::<prop::sample::Index>()), 0..6);
        let logs = prop::collection::vec((logs(), any::<prop::sample::Index>()), 0..6);
        (resources(), spans, logs, times()).prop_map(|(resources, spans, logs, received_at)| {
            let of = |at: prop::sample::Index| Arc::clone(at.get(&resources));
            let span = |(span, at)| Span { resource: of(at), ..span };
            let log = |(log, at)| LogRecord { resource: of(at), ..log };
            Record {
                received_at,
                spans: spans.into_iter().map(span).collect(),
                logs: logs.into_iter().map(log).collect(),
            }
        })
    }

    proptest! {
        #[test]
        fn round_trips(record in records()) {
            let bytes = encode(record.received_at, &record.spans, &record.logs);
            prop_assert_eq!(decode(&bytes), Ok(record));
        }

        #[test]
        fn a_cut_record_is_an_error(record in records(), cut: prop::sample::Index) {
            let bytes = encode(record.received_at, &record.spans, &record.logs);
            prop_assert!(decode(&bytes[..cut.index(bytes.len())]).is_err());
        }

        #[test]
        fn rubbish_never_panics(
            record in records(),
            rubbish in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..20),
        ) {
            let mut bytes = encode(record.received_at, &record.spans, &record.logs);
            for (at, byte) in rubbish {
                let at = at.index(bytes.len());
                bytes[at] = byte;
            }
            drop(decode(&bytes));
        }
    }

    #[test]
    fn what_is_nested_too_deep_becomes_text() {
        let mut body = Value::Int(7);
        for _ in 0..100 {
            body = Value::Array(vec![body]);
        }
        let log = LogRecord { severity: 9, body: body.clone(), ..LogRecord::default() };
        let bytes = encode(Timestamp::EPOCH, &[], &[log]);
        let read = decode(&bytes).unwrap().logs.remove(0).body;
        assert_ne!(read, body);
        assert_eq!(read.to_string().replace(['"', '\\'], ""), body.to_string());
    }
}
