//! One receiver's queue on the disk: records in a log, and a file that says up to where they were sent.

use std::{
    collections::{BTreeMap, HashMap},
    hash::{DefaultHasher, Hash, Hasher},
    ops::ControlFlow,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use camino::Utf8PathBuf;
use model::{Metadata, Timestamp};
use parking_lot::Mutex;
use tokio::sync::Notify;
use wal::{Disk, Position, SyncPolicy, Wal};

use super::{
    Counts, Dropped, ForwardOptions, Stored,
    record::Record,
    window::{Window, WindowLimits},
};
use crate::control::chain;

/// Segments are small against the queue, so that it can be cut finely.
const SEGMENT_BYTES: u64 = 8 << 20;
/// Metric families whose metadata is known to have been queued; beyond it all are forgotten, and sent again.
const FAMILIES_MAX: usize = 50_000;
/// What was sent is noted at most this often; after a kill so much is sent again.
const SAVE_EVERY: Duration = Duration::from_secs(1);
/// How often a log that was closed by an error is opened again.
const REOPEN_EVERY: Duration = Duration::from_secs(10);

/// Why a queue cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("cannot open its log")]
    Log(#[source] wal::OpenError),
    #[error("cannot prepare `{path}`")]
    File {
        path: Utf8PathBuf,
        #[source]
        source: std::io::Error,
    },
}

/// Where a queue is and how far it was sent.
pub(super) struct Queue {
    pub(super) options: ForwardOptions,
    pub(super) counts: Arc<Counts>,
    /// Told of each record.
    pub(super) more: Notify,
    disk: Arc<dyn Disk>,
    log_options: wal::Options,
    position_path: Utf8PathBuf,
    state: Mutex<State>,
    /// Held by whoever syncs or opens the log, which takes long, so that nobody does it at the same time; never by ingest.
    upkeep: Mutex<()>,
}

struct State {
    log: Option<Wal>,
    /// All before it was sent, or dropped.
    sent: Position,
    saved: Position,
    saved_at: Timestamp,
    opened_at: Timestamp,
    /// Samples that were written into each segment since the start.
    segments: BTreeMap<u64, u64>,
    /// A hash of what each family said of itself last.
    families: HashMap<Box<str>, u64>,
    /// Whether the log's refusal was told.
    refused: bool,
}

impl std::fmt::Debug for Queue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Queue").field("options", &self.options).finish_non_exhaustive()
    }
}

impl Queue {
    pub(super) fn open(
        folder: Utf8PathBuf,
        options: ForwardOptions,
        disk: Arc<dyn Disk>,
        free_bytes_min: u64,
    ) -> Result<Self, OpenError> {
        let log_options = wal::Options {
            sync: SyncPolicy::Interval(SAVE_EVERY),
            segment_bytes: SEGMENT_BYTES.min(options.bytes_max / 8).max(64 << 10),
            segment_age: Some(options.age_max / 4),
            free_bytes_min,
            ..wal::Options::new(folder.join("log"))
        };
        disk.create_dir_all(&log_options.dir)
            .map_err(|source| OpenError::File { path: log_options.dir.clone(), source })?;
        let (log, damage) =
            Wal::open(log_options.clone(), Arc::clone(&disk)).map_err(OpenError::Log)?;
        if !damage.is_none() {
            tracing::warn!(?damage, receiver = &*options.endpoint.name, "a queue is damaged");
        }
        let position_path = folder.join("sent");
        let sent = read_position(&*disk, &position_path)?.unwrap_or(log.start());
        let counts = Arc::new(Counts::default());
        counts.queue_bytes.store(log.bytes_after(sent), Ordering::Relaxed);
        let state = State {
            log: Some(log),
            sent,
            saved: sent,
            saved_at: Timestamp::EPOCH,
            opened_at: Timestamp::EPOCH,
            segments: BTreeMap::new(),
            families: HashMap::new(),
            refused: false,
        };
        Ok(Self {
            options,
            counts,
            more: Notify::new(),
            disk,
            log_options,
            position_path,
            state: Mutex::new(state),
            upkeep: Mutex::default(),
        })
    }

    pub(super) fn name(&self) -> &str {
        &self.options.endpoint.name
    }

    /// Writes what of `stored` is for this receiver.
    pub(super) fn take(&self, received_at: Timestamp, stored: &Stored<'_>) {
        let mut record = self.chosen(stored);
        let mut state = self.state.lock();
        record.metadata = state.news(stored.metadata);
        if record.is_empty() {
            return;
        }
        let samples = record.samples();
        let bytes = record.encode(received_at);
        match state.append(&bytes, received_at) {
            Ok(position) => {
                *state.segments.entry(position.segment).or_default() += samples;
                state.refused = false;
                Counts::add(&self.counts.queued, samples);
                self.keep_small(&mut state);
            }
            Err(text) => {
                self.counts.drop_samples(Dropped::Disk, samples);
                if !std::mem::replace(&mut state.refused, true) {
                    tracing::warn!(receiver = self.name(), error = text, "a queue takes nothing");
                }
            }
        }
        drop(state);
        self.more.notify_one();
    }

    /// The series that the settings let pass, with the labels that they leave.
    fn chosen(&self, stored: &Stored<'_>) -> Record {
        let Some(rewrite) = &self.options.rewrite else {
            return Record {
                series: stored.series.to_vec(),
                histograms: stored.histograms.to_vec(),
                exemplars: stored.exemplars.to_vec(),
                metadata: Vec::new(),
            };
        };
        Record {
            series: stored
                .series
                .iter()
                .filter_map(|one| {
                    Some(model::Series { labels: rewrite(&one.labels)?, ..one.clone() })
                })
                .collect(),
            histograms: stored
                .histograms
                .iter()
                .filter_map(|one| {
                    let labels = rewrite(&one.labels)?;
                    Some(model::HistogramSeries { labels, samples: one.samples.clone() })
                })
                .collect(),
            exemplars: stored
                .exemplars
                .iter()
                .filter_map(|one| {
                    let labels = rewrite(&one.labels)?;
                    Some(model::SeriesExemplars { labels, exemplars: one.exemplars.clone() })
                })
                .collect(),
            metadata: Vec::new(),
        }
    }

    /// Drops the oldest while the queue is larger than it may be; what of it was not sent is counted.
    fn keep_small(&self, state: &mut State) {
        let Some(log) = &mut state.log else { return };
        if log.bytes() > self.options.bytes_max {
            // What was sent is no loss.
            if let Err(error) =
                log.drop_before(state.sent).and_then(|_| log.drop_to(self.options.bytes_max))
            {
                tracing::warn!(receiver = self.name(), error = chain(&error), "a queue is not cut");
            }
            let start = log.start();
            let kept = state.segments.split_off(&start.segment);
            let gone = std::mem::replace(&mut state.segments, kept);
            let unsent: u64 = gone
                .iter()
                .filter(|(number, _)| **number >= state.sent.segment)
                .map(|(_, n)| n)
                .sum();
            self.counts.drop_samples(Dropped::QueueFull, unsent);
            state.sent = state.sent.max(start);
        }
        self.counts.queue_bytes.store(log.bytes_after(state.sent), Ordering::Relaxed);
    }

    /// What is to be sent next; blocks on the disk.
    pub(super) fn next(&self, limits: &WindowLimits) -> Window {
        let (snapshot, from) = {
            let state = self.state.lock();
            let Some(log) = &state.log else { return Window::default() };
            (log.snapshot(), state.sent)
        };
        let mut window = Window::new(from);
        let read = snapshot.read(from, |entry| {
            match Record::decode(entry.payload) {
                Ok((head, record)) => window.push(head, record),
                Err(error) => {
                    tracing::warn!(receiver = self.name(), %error, "a record of a queue is passed over");
                }
            }
            window.end = entry.end;
            if window.is_full(limits) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        if let Err(error) = read {
            tracing::warn!(receiver = self.name(), error = chain(&error), "a queue cannot be read");
        }
        window
    }

    /// Notes that all before `position` was sent, and lets go of it.
    pub(super) fn sent(&self, position: Position, now: Timestamp) {
        let mut state = self.state.lock();
        state.sent = state.sent.max(position);
        if now.since(state.saved_at) >= SAVE_EVERY || now < state.saved_at {
            state.saved_at = now;
            self.save_locked(&mut state);
        }
        let sent = state.sent;
        state.segments = state.segments.split_off(&sent.segment);
        if let Some(log) = &mut state.log {
            self.counts.queue_bytes.store(log.bytes_after(sent), Ordering::Relaxed);
            if let Err(error) = log.drop_before(sent) {
                tracing::warn!(receiver = self.name(), error = chain(&error), "a queue is not cut");
            }
        }
    }

    /// Syncs what is due, saves how far it was sent, and opens the log again after an error; blocks on the disk, and lets
    /// ingest go on meanwhile.
    pub(super) fn tick(&self, now: Timestamp) {
        let Some(_one_at_a_time) = self.upkeep.try_lock() else { return };
        let mut state = self.state.lock();
        if now.since(state.saved_at) >= SAVE_EVERY && state.saved != state.sent {
            state.saved_at = now;
            self.save_locked(&mut state);
        }
        // What it fails with, `is_closed` tells.
        let due = state.log.as_mut().and_then(|log| log.begin_tick(now).ok().flatten());
        if let Some(mut sync) = due {
            drop(state);
            let result = sync.run();
            state = self.state.lock();
            if let Some(Err(error)) = state.log.as_mut().map(|log| log.end_sync(sync, result)) {
                let error = chain(&error);
                tracing::warn!(receiver = self.name(), error, "a queue is not synced");
            }
        }
        let failed = state.log.as_ref().is_none_or(Wal::is_closed);
        if failed && (now.since(state.opened_at) >= REOPEN_EVERY || now < state.opened_at) {
            state.opened_at = now;
            // One log at a time may be open on a folder.
            state.log = None;
            drop(state);
            match Wal::open(self.log_options.clone(), Arc::clone(&self.disk)) {
                Ok((log, _)) => self.state.lock().log = Some(log),
                Err(error) => {
                    tracing::warn!(
                        receiver = self.name(),
                        error = chain(&error),
                        "a queue is closed"
                    );
                }
            }
        }
    }

    /// Notes how far it was sent.
    pub(super) fn save(&self) {
        let mut state = self.state.lock();
        if let Some(Err(error)) = state.log.as_mut().map(Wal::sync) {
            tracing::warn!(receiver = self.name(), error = chain(&error), "a queue is not synced");
        }
        self.save_locked(&mut state);
    }

    fn save_locked(&self, state: &mut State) {
        if state.saved == state.sent {
            return;
        }
        let write = || -> std::io::Result<()> {
            let new = self.position_path.with_extension("new");
            if self.disk.size(&new).is_ok() {
                self.disk.remove(&new)?;
            }
            let text = format!("{} {}\n", state.sent.segment, state.sent.offset);
            self.disk.create(&new)?.append(text.as_bytes())?;
            self.disk.rename(&new, &self.position_path)
        };
        match write() {
            Ok(()) => state.saved = state.sent,
            Err(error) => {
                tracing::warn!(receiver = self.name(), %error, "how far a queue was sent is not noted");
            }
        }
    }
}

impl State {
    fn append(&mut self, bytes: &[u8], now: Timestamp) -> Result<Position, String> {
        let log = self.log.as_mut().ok_or("its log is closed")?;
        log.append(bytes, now).map_err(|error| chain(&error))
    }

    /// The families that say something new of themselves.
    fn news(&mut self, metadata: &[Metadata]) -> Vec<Metadata> {
        if self.families.len() + metadata.len() > FAMILIES_MAX {
            self.families.clear();
        }
        let is_new = |one: &&Metadata| {
            let mut hasher = DefaultHasher::new();
            (one.kind as u8, &one.help, &one.unit).hash(&mut hasher);
            let hash = hasher.finish();
            self.families.insert(one.family.clone(), hash) != Some(hash)
        };
        metadata.iter().filter(is_new).take(FAMILIES_MAX).cloned().collect()
    }
}

fn read_position(disk: &dyn Disk, path: &Utf8PathBuf) -> Result<Option<Position>, OpenError> {
    let bytes = match disk.read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(OpenError::File { path: path.clone(), source }),
    };
    let text = String::from_utf8_lossy(&bytes);
    let mut numbers = text.split_whitespace().map(str::parse::<u64>);
    // A file that power loss has emptied costs a repetition.
    match (numbers.next(), numbers.next()) {
        (Some(Ok(segment)), Some(Ok(offset))) => Ok(Some(Position { segment, offset })),
        _ => Ok(None),
    }
}
