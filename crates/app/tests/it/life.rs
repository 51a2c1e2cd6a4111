//! A whole life in a directory: opened, fed, stopped, and opened again with nothing lost.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use app::{
    App, Options, app::ApplyError, command::Command, files::RepoFiles, query::QueryLimits,
    react::Acts, telemetry::SyncPolicy,
};
use camino::Utf8PathBuf;
use model::{
    Batch, Clock, Limits, ManualClock, Resource, Span, SpanId, SpanKind, SpanStatus, SystemClock,
    Timestamp, TraceId,
};

use crate::sim::person;

const SLO: &str = r#"
apiVersion: openslo/v1
kind: SLO
metadata:
  name: checkout-availability
  annotations:
    evenkeel.dev/environment: prod
spec:
  service: checkout
  indicator:
    metadata:
      name: checkout-errors
    spec:
      ratioMetric:
        counter: true
        total: {metricSource: {type: Evenkeel/Spans, spec: {service: checkout}}}
        bad: {metricSource: {type: Evenkeel/Spans, spec: {service: checkout, status: error}}}
  budgetingMethod: Occurrences
  timeWindow:
    - duration: 30d
      isRolling: true
  objectives:
    - target: 0.999
"#;

pub(crate) fn options(dir: &Utf8PathBuf) -> Options {
    Options {
        data_dir: dir.clone(),
        repo: None,
        external_url: "https://evenkeel.example".into(),
        limits: Limits::default(),
        sync: SyncPolicy::default(),
        metrics_retention: None,
        metrics_bytes: None,
        out_of_order_window: std::time::Duration::from_secs(1800),
        events_retention: None,
        query: QueryLimits::default(),
        query_features: app::query::QueryFeatures::default(),
        acts: Acts::default(),
        fallback_receiver: None,
        remote: None,
        forward: Vec::new(),
        webhook_key: None,
    }
}

fn failing(now: Timestamp, count: u64) -> Batch {
    served(now, count, SpanStatus::Error)
}

fn served(now: Timestamp, count: u64, status: SpanStatus) -> Batch {
    let resource = Arc::new(Resource {
        service: "checkout".into(),
        version: "2.0.0".into(),
        environment: "prod".into(),
        ..Resource::default()
    });
    let span = |at: u64| Span {
        trace_id: TraceId(u128::from(at + 1).to_be_bytes()),
        span_id: SpanId((at + 1).to_be_bytes()),
        resource: Arc::clone(&resource),
        name: "POST /checkout".into(),
        kind: SpanKind::Server,
        start: now,
        end: now,
        status,
        ..Span::default()
    };
    Batch { received_at: now, spans: (0..count).map(span).collect(), ..Batch::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_decided_and_counted_survives_a_restart() {
    // Whoever runs the use cases chooses the cryptography; a second choice changes nothing.
    drop(rustls::crypto::ring::default_provider().install_default());
    let folder = tempfile::tempdir().unwrap();
    let dir = Utf8PathBuf::from_path_buf(folder.path().join("data")).unwrap();
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let app = App::open(options(&dir), Arc::clone(&clock)).await.unwrap();

    let twice = App::open(options(&dir), Arc::clone(&clock)).await.unwrap_err();
    assert!(twice.to_string().contains("in use"), "{twice}");

    let files = BTreeMap::from([("slos/checkout.yaml".into(), SLO.as_bytes().to_vec())]);
    app.apply(RepoFiles { files, ..RepoFiles::default() }, person()).await.unwrap();
    let began = clock.now();
    app.telemetry.accept(failing(began, 5000)).await.unwrap();
    let mut seq = app.control.seq();
    let opened = async {
        while app.control.state().incidents.is_empty() {
            seq.changed().await.unwrap();
        }
    };
    tokio::time::timeout(Duration::from_secs(20), opened).await.expect("an incident");

    let counts = |app: &App| {
        let since = began - Duration::from_secs(600);
        app.stores.counters.lock().count_since("checkout-availability", since, clock.now()).unwrap()
    };
    let (control, counted) = (Arc::clone(&app.control), counts(&app));
    assert_eq!((counted.total, counted.bad()), (5000, 5000));
    app.stop().await;
    let state = control.state().clone();

    let app = App::open(options(&dir), Arc::clone(&clock)).await.unwrap();
    let same: Vec<_> = state.incidents.iter().map(|incident| incident.id).collect();
    let found: Vec<_> = app.control.state().incidents.iter().map(|one| one.id).collect();
    assert_eq!(found, same);
    assert_eq!(app.control.state().configs, state.configs);
    assert_eq!(counts(&app), counted);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_configuration_leaves_the_one_before_in_force() {
    drop(rustls::crypto::ring::default_provider().install_default());
    let folder = tempfile::tempdir().unwrap();
    let dir = Utf8PathBuf::from_path_buf(folder.path().join("data")).unwrap();
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let app = App::open(options(&dir), Arc::clone(&clock)).await.unwrap();
    let repo = |target: &str| {
        let text = SLO.replace("0.999", target);
        let files = BTreeMap::from([("slos/checkout.yaml".into(), text.into_bytes())]);
        RepoFiles { files, ..RepoFiles::default() }
    };
    let target = |app: &App| app.control.world().repo.slos[0].objective.get();
    app.apply(repo("0.99"), person()).await.unwrap();
    let last = app.apply(repo("0.999"), person()).await.unwrap();
    app.stop().await;
    let hash: String = last.hash.iter().map(|byte| format!("{byte:02x}")).collect();
    std::fs::write(dir.join("repo").join(hash), "rubbish").unwrap();

    let app = App::open(options(&dir), Arc::clone(&clock)).await.unwrap();
    assert_eq!(target(&app), 0.99);
    let damage = app.config_damage().expect("it is said");
    assert!(damage.contains("is damaged"), "{damage}");
    let again = app.apply(repo("0.999"), person()).await.unwrap();
    assert_eq!((again.seq, target(&app)), (None, 0.999), "no fact, and in force");
    assert_eq!(app.config_damage(), None);
    app.stop().await;

    let app = App::open(options(&dir), Arc::clone(&clock)).await.unwrap();
    assert_eq!((target(&app), app.config_damage()), (0.999, None));
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_applied_that_could_not_be_read_again() {
    drop(rustls::crypto::ring::default_provider().install_default());
    let folder = tempfile::tempdir().unwrap();
    let dir = Utf8PathBuf::from_path_buf(folder.path().join("data")).unwrap();
    let app = App::open(options(&dir), Arc::new(SystemClock::new())).await.unwrap();
    let with = |path: &str| {
        let files = BTreeMap::from([(path.to_owned(), b"---\ntitle: x\n---\ntext\n".to_vec())]);
        RepoFiles { files, ..RepoFiles::default() }
    };
    let refused = app.apply(with(".x"), person()).await.unwrap_err();
    let ApplyError::Problems(problems) = refused else { panic!("{refused}") };
    assert_eq!(
        problems[0].to_string().split(';').next(),
        Some(".: error[E0010]: `.x` is not a path inside a repo")
    );
    app.apply(with("runbooks/INC: checkout.md"), person()).await.unwrap();
    app.stop().await;
    let app = App::open(options(&dir), Arc::new(SystemClock::new())).await.unwrap();
    assert_eq!(app.control.world().repo.runbooks.len(), 1);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_the_clock_stepped_back_recovery_is_measured_in_the_time_of_facts() {
    drop(rustls::crypto::ring::default_provider().install_default());
    let folder = tempfile::tempdir().unwrap();
    let dir = Utf8PathBuf::from_path_buf(folder.path().join("data")).unwrap();
    let clock = ManualClock::new(Timestamp::from_secs(1_795_000_000));
    let app = App::open(options(&dir), Arc::new(clock.clone())).await.unwrap();
    let files = BTreeMap::from([("slos/checkout.yaml".into(), SLO.as_bytes().to_vec())]);
    app.apply(RepoFiles { files, ..RepoFiles::default() }, person()).await.unwrap();
    app.telemetry.accept(failing(clock.now(), 5000)).await.unwrap();
    let mut seq = app.control.seq();
    let opened = async {
        while app.control.state().incidents.is_empty() {
            seq.changed().await.unwrap();
        }
    };
    tokio::time::timeout(Duration::from_secs(20), opened).await.expect("an incident");
    let incident = app.control.state().incidents.iter().next().unwrap().id;

    let hour = Duration::from_secs(3600);
    clock.step_to(clock.now() - hour);
    let mitigation = incident::Command::RecordMitigation {
        incident,
        what: "rolled back".into(),
        reference: None,
        at: None,
        by: person(),
    };
    app.order(Command::Incident(mitigation), person()).await.unwrap();
    // The time of facts goes on at half speed, so a window of ten minutes is full.
    clock.advance(Duration::from_secs(1300));
    let good = served(clock.now() - Duration::from_secs(60), 100, SpanStatus::Ok);
    app.telemetry.accept(good).await.unwrap();
    app.triage.round().await.unwrap();
    assert!(!app.control.state().incidents.get(incident).unwrap().is_open());
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_goes_on_from_a_snapshot_and_does_without_one() {
    drop(rustls::crypto::ring::default_provider().install_default());
    let folder = tempfile::tempdir().unwrap();
    let dir = Utf8PathBuf::from_path_buf(folder.path().join("data")).unwrap();
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let app = App::open(options(&dir), Arc::clone(&clock)).await.unwrap();
    let record = |app: &App, number: usize| {
        let deploy = deploy::NewDeploy {
            id: app.id(),
            service: "checkout".into(),
            environment: "prod".into(),
            version: number.to_string().into(),
            previous_version: None,
            stage: deploy::Stage::Succeeded,
            at: clock.now(),
            by: person(),
            url: None,
            rolls_back: None,
            gate: None,
            idempotency_key: Some(number.to_string().into()),
        };
        Command::Deploy(deploy::Command::Record { deploy })
    };
    let mut orders = tokio::task::JoinSet::new();
    for number in 0..1200 {
        let (app, command) = (Arc::clone(&app), record(&app, number));
        orders.spawn(async move { app.order(command, person()).await.map(drop) });
    }
    while let Some(order) = orders.join_next().await {
        order.unwrap().unwrap();
    }
    let control = Arc::clone(&app.control);
    app.stop().await;
    let (state, snapshot) = (control.state().clone(), dir.join("snapshots/state.snapshot"));
    assert!(snapshot.exists());

    let app = App::open(options(&dir), Arc::clone(&clock)).await.unwrap();
    assert_eq!(*app.control.state(), state);
    app.order(record(&app, 1200), person()).await.unwrap();
    let control = Arc::clone(&app.control);
    app.stop().await;
    let state = control.state().clone();

    // Facts after the snapshot are replayed on it; a damaged one is passed over.
    for damage in [false, true] {
        if damage {
            std::fs::write(&snapshot, "rubbish").unwrap();
        }
        let app = App::open(options(&dir), Arc::clone(&clock)).await.unwrap();
        assert_eq!(*app.control.state(), state, "damaged: {damage}");
        app.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_configuration_loses_no_counts_and_resolves_no_alert() {
    drop(rustls::crypto::ring::default_provider().install_default());
    let folder = tempfile::tempdir().unwrap();
    let dir = Utf8PathBuf::from_path_buf(folder.path().join("data")).unwrap();
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let app = App::open(options(&dir), Arc::clone(&clock)).await.unwrap();
    let files = BTreeMap::from([("slos/checkout.yaml".into(), SLO.as_bytes().to_vec())]);
    let files = RepoFiles { files, ..RepoFiles::default() };
    let applied = app.apply(files.clone(), person()).await.unwrap();
    let began = clock.now();
    app.telemetry.accept(failing(began, 5000)).await.unwrap();
    let mut seq = app.control.seq();
    let fired = async {
        while app.control.state().alerts.firing().len() == 0 {
            seq.changed().await.unwrap();
        }
    };
    tokio::time::timeout(Duration::from_secs(20), fired).await.expect("an alert");
    app.stop().await;
    let hash: String = applied.hash.iter().map(|byte| format!("{byte:02x}")).collect();
    std::fs::write(dir.join("repo").join(hash), "rubbish").unwrap();

    // Twice, so that the first life's own checkpoint is read as well.
    for _ in 0..2 {
        let app = App::open(options(&dir), Arc::clone(&clock)).await.unwrap();
        assert!(app.config_damage().is_some() && app.control.world().repo.slos.is_empty());
        app.judge.round().await.unwrap();
        assert!(app.control.state().alerts.firing().len() > 0);
        app.stop().await;
    }
    let app = App::open(options(&dir), Arc::clone(&clock)).await.unwrap();
    app.apply(files, person()).await.unwrap();
    let since = began - Duration::from_secs(600);
    let counts = {
        let counters = app.stores.counters.lock();
        counters.count_since("checkout-availability", since, clock.now()).unwrap()
    };
    assert_eq!((counts.total, counts.bad()), (5000, 5000));
    app.stop().await;
}
