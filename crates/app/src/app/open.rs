//! The start: lock, recover, run.

use std::{
    fs, io,
    sync::{Arc, atomic::AtomicU64},
};

use camino::{Utf8Path, Utf8PathBuf};
use catalog::Topology;
use events::Events;
use journal::SqliteJournal;
use model::Clock;
use parking_lot::{Mutex, RwLock};
use tokio::sync::watch;
use tsdb::Tsdb;
use wal::RealDisk;

use super::{App, AppOptions, FollowState, Options, Round};
use crate::{
    acts::Runner,
    control::{Control, Core, CoreError, Snapshots, World, chain},
    data_dir::{self, DataDir},
    events::QueryThreads,
    files::Repo,
    judge::Judge,
    mint::Mint,
    notify::{link::LinkSigner, send::Sender},
    outbox::Outbox,
    record::{Fact, OwnFact},
    remote::{
        EndpointError, Remote,
        forward::{ForwardError, Forwarding},
    },
    repo,
    scrape::Scrape,
    state::State,
    telemetry::{self, Stores, Telemetry},
    triage::Triage,
};

/// Why Evenkeel did not start.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error(transparent)]
    DataDir(#[from] data_dir::OpenError),
    #[error("cannot open the journal")]
    Journal(#[source] journal::OpenError),
    #[error(transparent)]
    Replay(#[from] CoreError),
    #[error("cannot open the metric store")]
    Metrics(#[source] tsdb::OpenError),
    #[error("cannot open the store of spans and logs")]
    Events(#[source] events::OpenError),
    #[error("cannot recover the SLI counts: {0}")]
    Counters(String),
    #[error("cannot use the key `{path}`")]
    Key {
        path: Utf8PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("cannot set up HTTP")]
    Http(#[source] reqwest::Error),
    #[error(transparent)]
    Forward(#[from] ForwardError),
    #[error("cannot set up the remote for queries")]
    Remote(#[from] EndpointError),
    #[error("cannot start a thread")]
    Thread(#[source] io::Error),
}

impl App {
    /// Opens the data directory, recovers what it holds, and starts.
    ///
    /// # Errors
    /// When the directory is in use, newer than this build, or cannot be recovered.
    pub async fn open(options: Options, clock: Arc<dyn Clock>) -> Result<Arc<Self>, OpenError> {
        let now = clock.now();
        let data_dir = DataDir::open(&options.data_dir, now)?;
        let journal = SqliteJournal::open(&data_dir.journal(), now).map_err(OpenError::Journal)?;
        let reader = journal.reader();
        let links = LinkSigner::new(&key(&data_dir.path().join("links.key"))?);
        let acts = Arc::new(options.acts);
        let world = World {
            repo: Arc::new(Repo::default()),
            topology: Arc::new(Topology::default()),
            suspicions: Arc::default(),
            acts: Arc::clone(&acts),
            fallback: options.fallback_receiver.clone(),
            links: links.clone(),
            external_url: options.external_url.clone(),
            is_certain: true,
        };
        let mut core = Core::new(Box::new(journal), Mint::system(), world);
        core.use_snapshots(Snapshots::new(journal::SnapshotStore::new(data_dir.snapshots())));
        let state = core.replay()?;
        let (repo, config_damage) = in_force(&data_dir.repo(), &state);
        core.world.repo = Arc::new(repo);
        core.world.is_certain = config_damage.is_none();
        let metrics_options = tsdb::Options {
            retention: options.metrics_retention,
            retention_bytes: options.metrics_bytes,
            out_of_order_window: options.out_of_order_window,
            limits: options.limits.clone(),
            sync: options.sync,
            ..tsdb::Options::new(data_dir.metrics())
        };
        let disk = Arc::new(RealDisk);
        let forward_disk: Arc<dyn wal::Disk> = Arc::<RealDisk>::clone(&disk);
        let free_bytes_min = metrics_options.free_bytes_min;
        let (metrics, found) =
            Tsdb::open(metrics_options, Arc::clone(&disk) as _, now).map_err(OpenError::Metrics)?;
        tracing::info!(?found, "metric store open");
        if !found.damage.is_none() || !found.parts_damaged.is_empty() {
            tracing::warn!(
                "the metric store is damaged; `evenkeel doctor` says where, and what is missing"
            );
        }
        let events_options = events::Options {
            retention: options.events_retention,
            sync: options.sync,
            ..events::Options::new(data_dir.events())
        };
        let free_bytes_min = free_bytes_min.max(events_options.free_bytes_min);
        let (events, found) = Events::open(events_options, disk, now).map_err(OpenError::Events)?;
        tracing::info!(?found, "event store open");
        let configured = telemetry::Configured {
            slos: core.world.repo.slos.clone(),
            for_certain: config_damage.is_none(),
        };
        let mut recovered = telemetry::recover(&data_dir.slo(), &events, &metrics, configured, now)
            .map_err(OpenError::Counters)?;
        let backfilled_seq = Arc::new(AtomicU64::new(backfill(&mut recovered, &reader)?));
        core.world.topology = Arc::new(recovered.catalog.topology(&core.world.repo.services, now));
        let (forwarding, forward) =
            Forwarding::open(&data_dir.forward(), options.forward, &forward_disk, free_bytes_min)?;
        let stores = Arc::new(Stores {
            forwarding: Arc::new(forwarding),
            events,
            metrics,
            counters: Mutex::new(recovered.counters),
            catalog: RwLock::new(recovered.catalog),
            seen: Mutex::new(recovered.seen),
        });
        let checkpoints = telemetry::Checkpoints {
            dir: data_dir.slo(),
            backfilled_seq: Arc::clone(&backfilled_seq),
            wanted: Arc::default(),
        };
        let remote = options.remote.map(Remote::new).transpose()?.map(Arc::new);
        let telemetry = Arc::new(
            Telemetry::start(Arc::clone(&stores), Arc::clone(&clock), checkpoints)
                .map_err(OpenError::Thread)?,
        );
        let scrape = Arc::new(Scrape::new(
            Arc::clone(&telemetry),
            Arc::clone(&clock),
            options.limits.clone(),
            options.external_url.clone(),
        ));
        let reserve = data_dir.reserve().clone();
        hold(&reserve);
        let control = Arc::new(
            Control::start(core, state, Arc::clone(&clock), reserve).map_err(OpenError::Thread)?,
        );
        let triage =
            Arc::new(Triage::new(Arc::clone(&stores), Arc::clone(&control), Arc::clone(&clock)));
        let judge = Arc::new(Judge::new(
            Arc::clone(&stores),
            Arc::clone(&control),
            Arc::clone(&triage),
            Arc::clone(&clock),
            Mint::system(),
        ));
        let sender = Arc::new(Sender::new(options.webhook_key).map_err(OpenError::Http)?);
        let outbox =
            Arc::new(Outbox::new(Arc::clone(&control), Arc::clone(&sender), Arc::clone(&clock)));
        let runner = Arc::new(Runner::new(
            Arc::clone(&control),
            Arc::clone(&acts),
            sender,
            Arc::clone(&clock),
        ));
        let query_threads = QueryThreads::start().map_err(OpenError::Thread)?;
        let (follow_tx, follow) = watch::channel(FollowState::default());
        let app = Arc::new(Self {
            options: AppOptions {
                data_dir: options.data_dir,
                repo_store: data_dir.repo(),
                external_url: options.external_url,
                limits: options.limits,
                query: options.query,
                query_features: options.query_features,
                free_bytes_min,
            },
            control,
            stores,
            telemetry,
            remote,
            scrape,
            judge,
            triage,
            clock,
            links,
            acts,
            reader,
            started_at: now,
            follow,
            follow_tx,
            mint: Mutex::new(Mint::system()),
            backfilled_seq,
            tasks: Mutex::default(),
            data_dir: Mutex::new(Some(data_dir)),
            last_round: Mutex::new(Round::default()),
            config_damage: Mutex::new(config_damage),
            applying: tokio::sync::Mutex::default(),
            query_threads,
        });
        if let Err(error) = runner.recover().await {
            tracing::error!(error = %chain(&error), "acts that were cut off are not marked");
        }
        if let Some(repo) = &options.repo {
            app.follow_once(repo).await;
        }
        app.warn_of_missing_fallback();
        app.start(outbox, runner, options.repo, forward);
        Ok(app)
    }
}

/// The configuration that the last apply put into force; where that cannot be read, the newest before it that can, and what is
/// wrong: an old configuration pages, none does not.
fn in_force(dir: &Utf8Path, state: &State) -> (Repo, Option<Arc<str>>) {
    let mut damage = None;
    for config in state.configs.iter().rev() {
        match repo::load(dir, &config.hash) {
            Ok(repo) => return (repo, damage),
            Err(error) => {
                let text = chain(&error);
                tracing::error!(error = %text, "an applied production repo cannot be read");
                damage.get_or_insert_with(|| text.into());
            }
        }
    }
    (Repo::default(), damage)
}

/// Applies back-fills that the checkpoint does not include; gives the number of the last one.
fn backfill(
    recovered: &mut telemetry::Recovered,
    reader: &journal::Reader,
) -> Result<u64, OpenError> {
    let mut after = recovered.backfilled_seq;
    loop {
        let query = journal::Query {
            after: Some(after),
            kind_prefix: Some("slo.backfilled".into()),
            ..journal::Query::default()
        };
        let page = reader.read(&query).map_err(CoreError::Read)?;
        for record in &page.records {
            after = record.seq;
            if let Some(Fact::Own(OwnFact::SloBackfilled { slo, source, buckets, .. })) =
                Fact::read(record).map_err(CoreError::Fact)?
                && let Err(error) =
                    recovered.counters.backfill(&slo, &source, &buckets, record.recorded_at)
            {
                // The SLO may be gone, or counted otherwise, since then.
                tracing::info!(%error, seq = record.seq, "a back-fill was passed over");
            }
        }
        if !page.more || page.records.is_empty() {
            return Ok(after);
        }
    }
}

fn hold(reserve: &data_dir::Reserve) {
    match reserve.hold() {
        Ok(true) => {}
        Ok(false) => tracing::warn!("the disk has no room for the reserve of the control plane"),
        Err(error) => tracing::warn!(%error, "the reserve of the control plane cannot be held"),
    }
}

/// A key of 32 random bytes; made at the first start, readable by the owner alone.
fn key(path: &Utf8Path) -> Result<Vec<u8>, OpenError> {
    use std::{io::Write as _, os::unix::fs::OpenOptionsExt as _};
    let error = |source| OpenError::Key { path: path.to_owned(), source };
    match fs::read(path) {
        Ok(key) if key.len() == 32 => return Ok(key),
        Ok(_) => {
            return Err(error(io::Error::new(io::ErrorKind::InvalidData, "it has not 32 bytes")));
        }
        Err(missing) if missing.kind() == io::ErrorKind::NotFound => {}
        Err(other) => return Err(error(other)),
    }
    let mut key = vec![0; 32];
    getrandom::fill(&mut key).map_err(|_| error(io::Error::other("no randomness")))?;
    let new = path.with_extension("new");
    let write = || -> io::Result<()> {
        let mut file = fs::OpenOptions::new()
            .create(true)
            .truncate(true)
            .write(true)
            .mode(0o600)
            .open(&new)?;
        file.write_all(&key)?;
        file.sync_all()?;
        fs::rename(&new, path)
    };
    write().map_err(error)?;
    Ok(key)
}
