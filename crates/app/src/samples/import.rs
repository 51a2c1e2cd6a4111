//! From files into the store.

use std::{collections::BTreeMap, fs::File, io::BufReader, mem, ops::ControlFlow, time::Duration};

use camino::Utf8Path;
use model::{HistogramSeries, Labels, Limits, Metadata, Points, Series, Timestamp};
use samplefile::{Sink, openmetrics, parquet};
use tsdb::{AppendError, Incoming, MaintainError, RefusedReason, Tsdb};

use super::{FileFormat, SamplesError, open_store};
use crate::data_dir::DataDir;

/// How many samples are appended at once.
const BATCH_SAMPLES: usize = 50_000;
/// After so many samples the store is asked whether it wants to write parts.
const MAINTAIN_SAMPLES: u64 = 500_000;

/// What became of a file's samples.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Imported {
    /// In the file.
    pub samples: u64,
    pub taken: u64,
    /// Those that were in memory already; what is in parts already is taken, and dropped when they are merged.
    pub duplicates: u64,
    /// By reason.
    pub refused: Vec<RefusedSamples>,
}

/// Samples that were not taken for one reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefusedSamples {
    pub reason: &'static str,
    pub samples: u64,
    /// The first of them, in words.
    pub message: String,
}

/// Takes all samples of a file; makes the data directory when it is missing. Samples may be of any age within the retention,
/// older than those that their series have too.
///
/// # Errors
/// When the directory is in use, the store refuses to open or to write, or the file is malformed. What was taken before stays.
pub fn import(
    data_dir: &Utf8Path,
    from: &Utf8Path,
    format: FileFormat,
    retention: Option<Duration>,
    limits: Limits,
    now: Timestamp,
) -> Result<Imported, SamplesError> {
    let file =
        File::open(from).map_err(|source| SamplesError::File { path: from.to_owned(), source })?;
    let dir = DataDir::open(data_dir, now).map_err(SamplesError::DataDir)?;
    let (store, _) = open_store(dir.metrics(), retention, limits, now)?;
    let mut importer = Importer {
        store: &store,
        now,
        held: Held::default(),
        done: Imported::default(),
        refused: BTreeMap::new(),
        since: 0,
        failed: None,
    };
    let read = match format {
        FileFormat::OpenMetrics => {
            let input = BufReader::with_capacity(1 << 18, file);
            openmetrics::read(input, openmetrics::TimeUnit::Seconds, &mut importer)
        }
        FileFormat::Prometheus => {
            let input = BufReader::with_capacity(1 << 18, file);
            openmetrics::read(input, openmetrics::TimeUnit::Milliseconds, &mut importer)
        }
        FileFormat::Parquet => parquet::read(file, &mut importer),
    };
    // What came before a fault is kept.
    importer.append();
    let Importer { mut done, refused, failed, .. } = importer;
    let (path, taken) = (from.to_owned(), done.taken);
    match failed {
        Some(Failed::Append(source)) => return Err(SamplesError::Append { path, taken, source }),
        Some(Failed::Maintain(source)) => return Err(SamplesError::Maintain(source)),
        None => {}
    }
    store.flush(now).map_err(SamplesError::Maintain)?;
    store.sync().map_err(SamplesError::Sync)?;
    drop(store);
    if !dir.previous_shutdown_unclean() {
        let path = data_dir.to_owned();
        dir.close().map_err(|source| SamplesError::File { path, source })?;
    }
    done.samples = read.map_err(|source| SamplesError::ReadFile { path, taken, source })?.samples;
    done.refused = refused.into_values().collect();
    Ok(done)
}

/// Takes samples that are older than those that are there, however much.
pub(super) fn backfilling(options: tsdb::Options) -> tsdb::Options {
    tsdb::Options { out_of_order_window: Duration::MAX, ..options }
}

enum Failed {
    Append(AppendError),
    Maintain(MaintainError),
}

struct Importer<'a> {
    store: &'a Tsdb,
    now: Timestamp,
    held: Held,
    done: Imported,
    refused: BTreeMap<RefusedReason, RefusedSamples>,
    /// Samples since the store was last asked whether it wants to write parts.
    since: u64,
    failed: Option<Failed>,
}

/// What is appended next.
#[derive(Default)]
struct Held {
    series: Vec<Series>,
    histograms: Vec<HistogramSeries>,
    metadata: Vec<Metadata>,
    samples: usize,
}

impl Sink for Importer<'_> {
    fn points(&mut self, labels: &Labels, points: &Points) -> ControlFlow<()> {
        if !points.times.is_empty() {
            let samples = points.samples().collect();
            self.held.series.push(Series { labels: labels.clone(), samples });
        }
        if !points.histograms.is_empty() {
            let samples = points.histograms.clone();
            self.held.histograms.push(HistogramSeries { labels: labels.clone(), samples });
        }
        self.held.samples += points.len();
        if self.held.samples >= BATCH_SAMPLES {
            self.append();
        }
        self.flow()
    }

    fn metadata(&mut self, metadata: &Metadata) -> ControlFlow<()> {
        self.held.metadata.push(metadata.clone());
        self.flow()
    }
}

impl Importer<'_> {
    fn flow(&self) -> ControlFlow<()> {
        if self.failed.is_some() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    fn append(&mut self) {
        let held = mem::take(&mut self.held);
        if self.failed.is_some() || held.samples == 0 && held.metadata.is_empty() {
            return;
        }
        let incoming = Incoming {
            series: &held.series,
            histograms: &held.histograms,
            exemplars: &[],
            metadata: &held.metadata,
        };
        match self.store.append(self.now, &incoming) {
            Ok(appended) => {
                self.done.taken += appended.samples;
                self.done.duplicates += appended.duplicates;
                for refused in appended.refused {
                    let entry = self.refused.entry(refused.reason).or_insert(RefusedSamples {
                        reason: refused.reason.as_str(),
                        samples: 0,
                        message: refused.message,
                    });
                    entry.samples += refused.samples;
                }
            }
            Err(error) => self.failed = Some(Failed::Append(error)),
        }
        self.since += held.samples as u64;
        if self.since >= MAINTAIN_SAMPLES && self.failed.is_none() {
            self.since = 0;
            if let Err(error) = self.store.maintain(self.now) {
                self.failed = Some(Failed::Maintain(error));
            }
        }
    }
}
