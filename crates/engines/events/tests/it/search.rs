//! Queries against a plain list.

use events::{LogQuery, Order, Position, SpanQuery};
use model::{LogRecord, Span, SpanStatus, Timestamp, TraceId};
use proptest::prelude::*;
use wal::SimDisk;

use crate::{contents, log, open, options, secs, span};

const SERVICES: [&str; 3] = ["web", "checkout", "payment"];

/// Records of some spans and logs: service and second of each.
fn batches() -> impl Strategy<Value = Vec<Vec<(usize, i64)>>> {
    let item = (0..SERVICES.len(), 0_i64..1000);
    prop::collection::vec(prop::collection::vec(item, 1..8), 1..25)
}

fn queries() -> impl Strategy<Value = SpanQuery> {
    let order = prop::sample::select(vec![Order::NewestFirst, Order::OldestFirst]);
    let status = prop::sample::select(vec![None, Some(SpanStatus::Error)]);
    let service = prop::sample::select(vec![None, Some("checkout"), Some("nobody")]);
    let operation = prop::sample::select(vec![None, Some("op 1")]);
    (0_i64..1000, 0_i64..1000, order, status, service, operation, 0_usize..40).prop_map(
        |(a, b, order, status, service, operation, limit)| SpanQuery {
            service: service.map(Box::from),
            operation: operation.map(Box::from),
            status,
            order,
            limit,
            ..SpanQuery::between(secs(a.min(b)), secs(a.max(b)))
        },
    )
}

fn sorted<T: Clone>(
    items: impl Iterator<Item = T>,
    order: Order,
    limit: usize,
    time: impl Fn(&T) -> Timestamp,
) -> Vec<T> {
    let mut items: Vec<T> = items.collect();
    match order {
        Order::NewestFirst => items.sort_by_key(|item| std::cmp::Reverse(time(item))),
        Order::OldestFirst => items.sort_by_key(time),
    }
    items.truncate(limit);
    items
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn finds_what_a_plain_list_holds(
        batches in batches(),
        query in queries(),
        reopened: bool,
        flush_rows in prop::sample::select(vec![1, 7, 10_000]),
    ) {
        let disk = SimDisk::new(1);
        let options = || events::Options { flush_rows, ..options() };
        let (mut store, _) = open(&disk, options());
        let (mut spans, mut logs): (Vec<Span>, Vec<LogRecord>) = Default::default();
        let mut number = 0;
        for batch in &batches {
            let (mut some_spans, mut some_logs) = (Vec::new(), Vec::new());
            for (service, at) in batch {
                // No two at one time, so that the order is one.
                let at = secs(*at) + std::time::Duration::from_nanos(number);
                some_spans.push(span(SERVICES[*service], number, at));
                some_logs.push(log(SERVICES[*service], number, at));
                number += 1;
            }
            store.append(secs(2000), &some_spans, &some_logs).unwrap();
            store.maintain(secs(2000)).unwrap();
            spans.extend(some_spans);
            logs.extend(some_logs);
        }
        if reopened {
            (store, _) = open(&disk, options());
            let stats = store.stats();
            let rows = [&stats.spans, &stats.logs].map(|table| table.file_rows + table.memory_rows);
            prop_assert_eq!(rows, [number, number]);
        }
        let wants = |span: &&Span| {
            span.end >= query.start
                && span.end <= query.end
                && query.status.is_none_or(|status| span.status == status)
                && query.service.as_ref().is_none_or(|service| *service == span.resource.service)
                && query.operation.as_ref().is_none_or(|operation| *operation == span.name)
        };
        let expected =
            sorted(spans.iter().filter(wants).cloned(), query.order, query.limit, |span| span.end);
        let found = store.spans(&query).unwrap();
        prop_assert_eq!(found.items, expected);
        prop_assert!(!found.cut_short && found.damaged.is_empty());

        let log_query = LogQuery {
            service: query.service.clone(),
            severity_min: 5,
            contains: Some("1".into()),
            order: query.order,
            limit: query.limit,
            ..LogQuery::between(query.start, query.end)
        };
        let wants = |log: &&LogRecord| {
            log.at >= query.start
                && log.at <= query.end
                && log.severity >= 5
                && log.body.to_string().contains('1')
                && query.service.as_ref().is_none_or(|service| *service == log.resource.service)
        };
        let expected =
            sorted(logs.iter().filter(wants).cloned(), query.order, query.limit, |log| log.at);
        prop_assert_eq!(store.logs(&log_query).unwrap().items, expected);

        let trace = spans[spans.len() / 2].trace_id;
        let of_trace = spans.iter().filter(|span| span.trace_id == trace).cloned();
        let expected = sorted(of_trace, Order::OldestFirst, 99, |span| span.start);
        prop_assert_eq!(store.trace(trace).unwrap().items, expected);
        let of_trace = LogQuery { trace_id: Some(trace), ..LogQuery::between(secs(0), secs(3000)) };
        let expected = logs.iter().filter(|log| log.trace_id == Some(trace)).count();
        prop_assert_eq!(store.logs(&of_trace).unwrap().items.len(), expected);
    }
}

#[test]
fn a_request_sent_again_is_there_once() {
    let disk = SimDisk::new(1);
    let (store, _) = open(&disk, options());
    let spans: Vec<Span> = (0..5).map(|number| span("web", number, secs(1))).collect();
    // Its time is finer than a millisecond; the other's is not, and nobody says when it was observed.
    let fine =
        LogRecord { timed: true, ..log("web", 1, secs(1) + std::time::Duration::from_nanos(17)) };
    let coarse = LogRecord { timed: true, ..log("web", 2, secs(1)) };
    let rows = |store: &events::Events| {
        let stats = store.stats();
        (
            stats.spans.memory_rows + stats.spans.file_rows,
            stats.logs.memory_rows + stats.logs.file_rows,
        )
    };
    for again in 0..3 {
        store.append(secs(2 + again), &spans, std::slice::from_ref(&fine)).unwrap();
    }
    assert_eq!(rows(&store), (5, 1));
    for again in 0..2 {
        store.append(secs(9 + again), &[], std::slice::from_ref(&coarse)).unwrap();
    }
    assert_eq!(rows(&store), (5, 3), "two lines of one second that read alike stay two");
    let (store, _) = open(&disk, options());
    store.append(secs(60), &spans, std::slice::from_ref(&fine)).unwrap();
    assert_eq!(rows(&store), (5, 3), "known after a restart, too");
    store.append(secs(700), &spans, std::slice::from_ref(&fine)).unwrap();
    assert_eq!(rows(&store).0, 10, "after ten minutes it is another");
}

#[test]
fn a_span_sent_twice_is_once_in_its_trace() {
    let (store, _) = open(&SimDisk::new(1), options());
    store.append(secs(1), &[span("web", 1, secs(1))], &[]).unwrap();
    // In a request that is not the same.
    store.append(secs(1), &[span("web", 1, secs(1)), span("web", 9, secs(1))], &[]).unwrap();
    let trace = span("web", 1, secs(1)).trace_id;
    assert_eq!(store.trace(trace).unwrap().items.len(), 1);
    store.flush().unwrap();
    assert_eq!(store.stats().spans.file_rows, 2, "in a file it is there once");
    assert_eq!(store.trace(span("web", 1, secs(1)).trace_id).unwrap().items.len(), 1);
    assert_eq!(store.trace(TraceId([9; 16])).unwrap().items, []);
}

#[test]
fn a_query_that_reads_too_much_says_that_it_stopped() {
    let (store, _) = open(&SimDisk::new(1), events::Options { scan_bytes_max: 5000, ..options() });
    for number in 0..3 {
        store.append(secs(1), &[span("web", number, secs(1))], &[]).unwrap();
        store.flush().unwrap();
    }
    let query = SpanQuery {
        limit: 1,
        operation: Some("nothing".into()),
        ..SpanQuery::between(secs(0), secs(9))
    };
    assert!(store.spans(&query).unwrap().cut_short);
}

#[test]
fn a_replay_gives_all_after_a_position() {
    let disk = SimDisk::new(1);
    let (store, _) = open(&disk, options());
    let mut positions = vec![Position::START];
    let mut appended = Vec::new();
    for number in 0..60 {
        let at = secs(i64::try_from(number).unwrap());
        let (spans, logs) = (vec![span("web", number, at)], vec![log("web", number, at)]);
        positions.push(store.append(at, &spans, &logs).unwrap());
        appended.push((at, spans, logs));
    }
    assert_eq!(store.append(secs(99), &[], &[]).unwrap(), store.position());
    let (reopened, _) = open(&disk, options());
    for store in [&store, &reopened] {
        for (skipped, position) in positions.iter().enumerate() {
            assert_eq!(contents(store, *position), appended[skipped..]);
        }
        for second in [0, 17, 59] {
            let position = store.position_at(secs(second));
            let times: Vec<_> = contents(store, position).iter().map(|record| record.0).collect();
            assert!((second..60).all(|second| times.contains(&secs(second))));
        }
        assert_eq!(contents(store, store.position_at(secs(60))), []);
    }
}

#[test]
fn large_records_are_kept_in_several_batches_and_found() {
    let (store, _) =
        open(&SimDisk::new(1), events::Options { segment_bytes: 64 << 20, ..options() });
    let body = "x".repeat(512 << 10);
    for number in 0..100 {
        let mut log = log("web", number, secs(1));
        log.body = model::Value::string(format!("{body}{number}"));
        store.append(secs(1), &[], &[log]).unwrap();
    }
    assert!(store.stats().logs.memory_bytes > 50 << 20);
    store.maintain(secs(1)).unwrap();
    let stats = store.stats();
    assert_eq!((stats.logs.memory_rows, stats.logs.file_rows), (0, 100), "it is enough for a file");
    let query = LogQuery { contains: Some("x42".into()), ..LogQuery::between(secs(0), secs(2)) };
    assert_eq!(store.logs(&query).unwrap().items.len(), 1);
}
