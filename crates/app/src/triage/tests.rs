//! Evidence out of stores that a test has filled.

use std::sync::Arc;

use deploy::{Deploy, DeployId, DeployStatus};
use events::Events;
use model::{
    Batch, Labels, Resource, Span, SpanId, SpanKind, SpanStatus, Timestamp, TraceId, Value,
};
use parking_lot::{Mutex, RwLock};
use slo::{Counters, Indicator, Part, Slo, SpanFilter, SpanIndicator};
use tsdb::Tsdb;
use wal::{Disk, SimDisk};

use super::*;
use crate::{record::Fact, state::State};

const NOW: Timestamp = Timestamp::from_secs(1_795_400_000);

/// Requests to `checkout` take at most 100 ms.
fn latency_slo() -> Slo {
    let total = SpanFilter::of("checkout");
    let good = SpanFilter { latency_max: Some(Duration::from_millis(100)), ..total.clone() };
    Slo {
        name: "latency".into(),
        display_name: "latency".into(),
        description: "".into(),
        service: "checkout".into(),
        environment: None,
        indicator: Indicator::Spans(SpanIndicator { total, part: Part::Good(good) }),
        objective: "0.99".parse().unwrap(),
        window: "30d".parse().unwrap(),
        owner: None,
        labels: Labels::default(),
    }
}

fn stores(spans: Vec<Span>) -> Stores {
    let disk: Arc<dyn Disk> = Arc::new(SimDisk::new(1));
    let events = events::Options { free_bytes_min: 0, ..events::Options::new("/events") };
    let (events, _) = Events::open(events, Arc::clone(&disk), NOW).unwrap();
    let metrics = tsdb::Options { free_bytes_min: 0, ..tsdb::Options::new("/metrics") };
    let (metrics, _) = Tsdb::open(metrics, disk, NOW).unwrap();
    events.append(NOW, &spans, &[]).unwrap();
    let mut counters = Counters::new(vec![latency_slo()]);
    counters.observe(&Batch { received_at: NOW, spans, ..Batch::default() });
    Stores {
        forwarding: std::sync::Arc::default(),
        events,
        metrics,
        counters: Mutex::new(counters),
        catalog: RwLock::default(),
        seen: Mutex::default(),
    }
}

/// A request of a user, a second ago.
fn request(id: u64, user: &str, took_ms: u64) -> Span {
    let end = NOW - Duration::from_secs(1);
    Span {
        trace_id: TraceId(u128::from(id).to_be_bytes()),
        span_id: SpanId(id.to_be_bytes()),
        resource: Arc::new(Resource { service: "checkout".into(), ..Resource::default() }),
        name: "POST /order".into(),
        kind: SpanKind::Server,
        start: end - Duration::from_millis(took_ms),
        end,
        status: SpanStatus::Unset,
        attributes: vec![("user.id".into(), Value::string(user))],
        ..Span::default()
    }
}

#[test]
fn who_waits_too_long_is_affected_though_no_span_is_an_error() {
    let slow = |id| request(id, if id % 2 == 0 { "ann" } else { "bob" }, 900);
    let fast = |id| request(id, if id % 2 == 0 { "cid" } else { "dee" }, 20);
    let stores = stores((0..20).map(slow).chain((20..40).map(fast)).collect());
    let since = Some(NOW - Duration::from_secs(60));
    let found = impact::measure(&stores, "checkout", "", &["latency".into()], since, NOW).unwrap();
    assert_eq!((found.bad_events, found.total_events), (20, 40));
    assert_eq!(found.users_affected_share, Some(0.5));
}

/// Versions that are suspected of a failure which began at the onset, each deployed so many minutes before it.
fn suspected(minutes_before: &[u64], onset: Timestamp) -> Vec<String> {
    let mut state = State::default();
    for (id, minutes) in (1_u128..).zip(minutes_before) {
        let deploy = Deploy {
            id: DeployId::from_u128(id),
            service: "checkout".into(),
            environment: "prod".into(),
            version: minutes.to_string().into(),
            previous_version: None,
            at: onset - Duration::from_secs(minutes * 60),
            finished_at: None,
            by: Actor::system("test"),
            url: None,
            rolls_back: None,
            gate: None,
            idempotency_key: None,
            status: DeployStatus::Live,
        };
        state.apply(&Fact::Deploy(deploy::Fact::DeployRecorded { deploy }));
    }
    let found = evidence::changes(&state, "checkout", "prod", &[], onset);
    found.into_iter().filter_map(|change| change.version).map(Into::into).collect()
}

#[test]
fn a_change_is_suspected_by_its_time_before_the_failure_however_long_that_goes_on() {
    assert_eq!(suspected(&[150, 110, 1], NOW), ["1", "110"]);
    let opened_at = Some(NOW - Duration::from_secs(5 * 3600));
    let known = Known { opened_at, ..Known::default() };
    assert_eq!(known.onset(None, NOW), NOW - Duration::from_secs(5 * 3600));
    let earlier = Known { since: Some(NOW - Duration::from_secs(6 * 3600)), ..known };
    assert_eq!(earlier.since(Some(NOW)), earlier.since);
    assert_eq!(earlier.onset(earlier.since(None), NOW), NOW - Duration::from_secs(6 * 3600));
    assert_eq!(Known::default().onset(None, NOW), NOW);
}

#[test]
fn what_was_dealt_with_is_not_looked_for_again() {
    let before = |secs| NOW - Duration::from_secs(secs);
    let known = Known {
        opened_at: Some(before(3600)),
        since: Some(before(3700)),
        not_before: Some(before(60)),
    };
    assert_eq!(known.since(Some(before(3700))), Some(before(60)));
    assert_eq!(known.since(Some(before(20))), Some(before(60)));
    assert_eq!(known.onset(Some(before(60)), NOW), before(60));
    let plain = Known { not_before: None, ..known };
    assert_eq!(plain.since(Some(before(20))), Some(before(3700)));
}
