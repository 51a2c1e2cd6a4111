//! Counts after kills at any moment are those of a process that never stopped.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::atomic::{AtomicU64, AtomicUsize},
};

use camino::{Utf8Path, Utf8PathBuf};
use model::{
    Exemplar, Labels, ManualClock, MatchOp, Matcher, Resource, Sample, Series, SeriesExemplars,
    Span, SpanId, SpanKind, SpanStatus, Timestamp, TraceId,
};
use proptest::prelude::*;
use slo::{
    CounterIndicator, Counts, Indicator, Objective, Part, Slo, SpanFilter, SpanIndicator,
    StatusFilter,
};
use tokio::sync::watch;
use wal::{Disk, Fault, SimDisk};

use super::{writer::Writer, *};

const START: Timestamp = Timestamp::from_secs(1_795_000_000);

#[derive(Clone, Debug)]
enum Op {
    /// A request: good and bad spans, which ended this long before, and a step of the counters.
    Send {
        good: u8,
        bad: u8,
        late_s: u64,
        ok: u16,
        failed: u16,
        /// The series of good requests is left for the next request to bring.
        late_half: bool,
    },
    /// The service restarts, and its counters begin at 0.
    Reset,
    /// A request is sent again whose answer was lost: so many before the last.
    Retry(usize),
    Checkpoint,
    Kill,
    /// The machine stops at one of the next writes, and the request is sent again.
    Crash(u64),
    /// The disk is full at one of the next writes, and has room when the request is sent again.
    Full(u64),
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        8 => (0..5u8, 0..3u8, 0..90u64, 0..50u16, 0..9u16, any::<bool>()).prop_map(
            |(good, bad, late_s, ok, failed, late_half)| {
                Op::Send { good, bad, late_s, ok, failed, late_half }
            }
        ),
        1 => Just(Op::Reset),
        2 => (0..8usize).prop_map(Op::Retry),
        2 => Just(Op::Checkpoint),
        2 => Just(Op::Kill),
        2 => (0..5u64).prop_map(Op::Crash),
        3 => (0..7u64).prop_map(Op::Full),
    ]
}

fn slos() -> Vec<Slo> {
    let filter = |status| SpanFilter {
        service: "shop".into(),
        operation: None,
        environment: None,
        status,
        latency_max: None,
        kinds: vec![SpanKind::Server],
    };
    let spans = Indicator::Spans(SpanIndicator {
        total: filter(None),
        part: Part::Good(filter(Some(StatusFilter::NotError))),
    });
    let total = vec![Matcher::equal("__name__", "requests_total")];
    let failed = Matcher::new("code", MatchOp::Regex, "5..").unwrap();
    let bad = total.iter().cloned().chain([failed]).collect();
    let part = Part::Good(vec![Matcher::equal("__name__", "good_total")]);
    let halves = Indicator::Counters(CounterIndicator { total: total.clone(), part });
    let counters = Indicator::Counters(CounterIndicator { total, part: Part::Bad(bad) });
    [("spans", spans), ("counters", counters), ("halves", halves)]
        .map(|(name, indicator)| Slo {
            name: name.into(),
            display_name: name.into(),
            description: "".into(),
            service: "shop".into(),
            environment: None,
            indicator,
            objective: Objective::try_from(0.99).unwrap(),
            window: "30d".parse().unwrap(),
            owner: None,
            labels: Labels::default(),
        })
        .into()
}

/// One life of the stores and of who writes to them.
struct Life {
    stores: Arc<Stores>,
    writer: Writer,
    checkpoints: Checkpoints,
}

fn begin(disk: &SimDisk, dir: &Utf8Path, now: Timestamp) -> Life {
    let disk: Arc<dyn Disk> = Arc::new(disk.clone());
    let events = events::Options { free_bytes_min: 0, ..events::Options::new("/events") };
    let (events, _) = Events::open(events, Arc::clone(&disk), now).unwrap();
    let metrics = tsdb::Options { free_bytes_min: 0, ..tsdb::Options::new("/metrics") };
    let (metrics, _) = Tsdb::open(metrics, disk, now).unwrap();
    let recovered =
        recover(dir, &events, &metrics, Configured { slos: slos(), for_certain: true }, now)
            .unwrap();
    let stores = Arc::new(Stores {
        forwarding: Arc::default(),
        events,
        metrics,
        counters: Mutex::new(recovered.counters),
        catalog: RwLock::new(recovered.catalog),
        seen: Mutex::new(recovered.seen),
    });
    let checkpoints = || Checkpoints {
        dir: dir.to_owned(),
        backfilled_seq: Arc::new(AtomicU64::new(0)),
        wanted: Arc::default(),
    };
    let clock = Arc::new(ManualClock::new(now));
    let waiting = Arc::new(AtomicUsize::new(0));
    let failed = watch::channel(None).0;
    let writer = Writer::new(Arc::clone(&stores), clock, waiting, checkpoints(), failed);
    Life { stores, writer, checkpoints: checkpoints() }
}

fn counts(stores: &Stores, now: Timestamp) -> BTreeMap<Box<str>, Counts> {
    let counters = stores.counters.lock();
    let since = START - Duration::from_secs(600);
    let of = |slo: Slo| Some((slo.name.clone(), counters.count_since(&slo.name, since, now)?));
    slos().into_iter().filter_map(of).collect()
}

/// What a client sends.
#[derive(Default)]
struct Client {
    spans: u64,
    totals: [u64; 2],
}

impl Client {
    fn request(&mut self, op: &Op, now: Timestamp) -> Option<Batch> {
        let Op::Send { good, bad, late_s, ok, failed, late_half } = *op else { return None };
        let end = now - Duration::from_secs(late_s);
        let spans = (0..good + bad).map(|at| self.span(at < bad, end)).collect();
        self.totals[0] += u64::from(ok);
        self.totals[1] += u64::from(failed);
        let [succeeded, errors] = self.totals;
        let series = [
            ("requests_total", "200", succeeded),
            ("requests_total", "503", errors),
            ("good_total", "200", succeeded),
        ];
        let count = if late_half { 2 } else { 3 };
        // An error's series appears with the first error.
        let sent = series.into_iter().take(count).filter(|(_, code, n)| *code == "200" || *n > 0);
        let series = sent.map(|(name, code, total)| {
            let labels = [("__name__", name), ("job", "shop"), ("instance", "a"), ("code", code)];
            #[expect(clippy::cast_precision_loss, reason = "small numbers")]
            let sample = Sample { at_ms: now.as_millis(), value: total as f64 };
            Series { labels: Labels::from_pairs(labels), samples: vec![sample] }
        });
        let series: Vec<_> = series.collect();
        let exemplars = vec![exemplar(&series[0].labels, now)];
        Some(Batch { received_at: now, spans, series, exemplars, ..Batch::default() })
    }

    fn span(&mut self, failed: bool, end: Timestamp) -> Span {
        self.spans += 1;
        Span {
            trace_id: TraceId(u128::from(self.spans).to_be_bytes()),
            span_id: SpanId(self.spans.to_be_bytes()),
            resource: Arc::new(Resource { service: "shop".into(), ..Resource::default() }),
            name: "GET /".into(),
            kind: SpanKind::Server,
            start: end - Duration::from_millis(5),
            end,
            status: if failed { SpanStatus::Error } else { SpanStatus::Unset },
            ..Span::default()
        }
    }
}

/// What is written last, so that it can fail when all else is there.
fn exemplar(labels: &Labels, now: Timestamp) -> SeriesExemplars {
    let trace = Labels::from_pairs([("trace_id", "a")]);
    let exemplar = Exemplar { labels: trace, value: 1.0, at_ms: now.as_millis() };
    SeriesExemplars { labels: labels.clone(), exemplars: vec![exemplar] }
}

fn again(disk: &SimDisk, dir: &Utf8Path, now: Timestamp) -> Life {
    disk.clear_faults();
    disk.kill();
    begin(disk, dir, now)
}

/// Sends a request until it is acknowledged: a full disk is answered by the same request a little later, another error by
/// the same request to the next life.
fn deliver(life: &mut Life, disk: &SimDisk, dir: &Utf8Path, batch: &Batch) {
    if let Err(error) = life.writer.write(batch.clone()) {
        let later = batch.received_at + Duration::from_secs(2);
        disk.clear_faults();
        let full = matches!(error, TelemetryError::DiskFull);
        let goes_on = full
            && life.stores.events.tick(later).is_ok()
            && life.stores.metrics.tick(later).is_ok();
        if goes_on && life.writer.write(batch.clone()).is_ok() {
            return;
        }
        *life = again(disk, dir, batch.received_at);
        life.writer.write(batch.clone()).unwrap();
    }
}

/// Runs the story on two machines, of which only one stops.
fn run(ops: &[Op], seed: u64) -> Result<(), TestCaseError> {
    let folders = tempfile::tempdir().unwrap();
    let dir = Utf8PathBuf::from_path_buf(folders.path().to_owned()).unwrap();
    let (disk, mut now) = (SimDisk::new(seed), START);
    let mut life = begin(&disk, &dir, now);
    let oracle = begin(&SimDisk::new(0), &dir.join("none"), now);
    let (mut client, mut sent) = (Client::default(), Vec::<Batch>::new());
    let mut failures = BTreeSet::new();
    for op in ops {
        now = now + Duration::from_secs(7);
        if let Some(batch) = client.request(op, now) {
            deliver(&mut life, &disk, &dir, &batch);
            oracle.writer.write(batch.clone()).unwrap();
            failures.extend(
                batch
                    .spans
                    .iter()
                    .filter(|span| span.status == SpanStatus::Error)
                    .map(|span| span.span_id),
            );
            sent.push(batch);
        }
        match op {
            Op::Send { .. } => {}
            Op::Reset => client.totals = [0, 0],
            Op::Retry(before) => {
                if let Some(batch) = sent.iter().rev().nth(*before) {
                    let batch = Batch { received_at: now, ..batch.clone() };
                    deliver(&mut life, &disk, &dir, &batch);
                    oracle.writer.write(batch).unwrap();
                }
            }
            Op::Checkpoint => {
                checkpoint::write(&life.stores, &life.checkpoints, now).unwrap();
            }
            Op::Kill => {
                life = again(&disk, &dir, now);
            }
            Op::Crash(after) => disk.fail_at(disk.ops() + after, Fault::Crash),
            Op::Full(after) => disk.fail_at(disk.ops() + after, Fault::Full),
        }
    }
    life = again(&disk, &dir, now);
    let found = counts(&life.stores, now);
    prop_assert_eq!(&found, &counts(&oracle.stores, now));
    let first = |life: &Life| {
        let seen = life.stores.seen.lock();
        [seen.spans.first_at, seen.logs.first_at, seen.samples.first_at]
    };
    prop_assert_eq!(first(&life), first(&oracle));
    let spans = found["spans"];
    prop_assert_eq!(spans.total, client.spans);
    prop_assert_eq!(usize::try_from(spans.bad()).unwrap(), failures.len());
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_recount_after_kills_is_what_never_stopped(
        ops in proptest::collection::vec(op(), 1..60), seed in any::<u64>(),
    ) {
        run(&ops, seed)?;
    }
}

struct OneSeries(Labels);

impl ingest::LabelSource for OneSeries {
    fn labels(&self, _: u32, _: usize) -> Result<Vec<ingest::RawLabel>, String> {
        Ok(self.0.iter().map(|(name, value)| (name.into(), value.into())).collect())
    }
}

/// Sent again they are known to the store, and nobody would count them any more.
#[test]
fn floats_are_counted_though_what_came_with_them_finds_no_room() {
    let mut failed = 0;
    for op in 0..12 {
        let folders = tempfile::tempdir().unwrap();
        let dir = Utf8PathBuf::from_path_buf(folders.path().to_owned()).unwrap();
        let disk = SimDisk::new(op);
        let life = begin(&disk, &dir, START);
        let labels =
            Labels::from_pairs([("__name__", "requests_total"), ("job", "shop"), ("code", "200")]);
        let send = |second: u64, total: f64| {
            let now = START + Duration::from_secs(second);
            let sample = model::KeyedSample { series: 0, at_ms: now.as_millis(), value: total };
            let rest = Batch {
                received_at: now,
                exemplars: vec![exemplar(&labels, now)],
                ..Batch::default()
            };
            life.writer.write_keyed(KeyedBatch::new(
                now,
                vec![7],
                vec![sample],
                Box::new(OneSeries(labels.clone())),
                ingest::keyed::Rules { limits: Arc::default(), redactor: Arc::default() },
                ingest::Ingested { batch: rest, ..ingest::Ingested::default() },
            ))
        };
        send(0, 10.0).unwrap();
        disk.fail_at(disk.ops() + op, Fault::Full);
        let full = send(30, 25.0).is_err();
        disk.clear_faults();
        let later = START + Duration::from_secs(40);
        life.stores.metrics.tick(later).unwrap();
        if full {
            failed += 1;
            send(30, 25.0).unwrap();
        }
        let counted = counts(&life.stores, START + Duration::from_secs(60))["counters"].total;
        assert_eq!(counted, 15, "op {op}");
    }
    assert!(failed >= 2, "both logs were to fail");
}
