//! From the store into a file.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, BufWriter, Write},
};

use camino::Utf8Path;
use model::{Labels, Matcher, Metadata, MetricKind, Points, Timestamp};
use samplefile::{WriteError, openmetrics, parquet};
use tsdb::{Selection, Tsdb};

use super::{FileFormat, SamplesError, open};

/// Which samples.
#[derive(Clone, Debug)]
pub struct Selected {
    /// A series of any of these; all series when there is none.
    pub any_of: Vec<Vec<Matcher>>,
    /// Unix milliseconds, both included.
    pub start_ms: i64,
    pub end_ms: i64,
}

impl Default for Selected {
    fn default() -> Self {
        Self { any_of: Vec::new(), start_ms: i64::MIN, end_ms: i64::MAX }
    }
}

/// What was written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Exported {
    pub series: u64,
    pub samples: u64,
    /// Markers of a series' end that OpenMetrics cannot say.
    pub stale_left_out: u64,
    /// What was damaged and is missing.
    pub warnings: Vec<String>,
}

/// Writes samples into a file, or to standard output where `to` is `-`; one series at a time is in memory.
///
/// # Errors
/// When the directory is not there or in use, the store cannot be read, or the file cannot be written.
pub fn export(
    data_dir: &Utf8Path,
    selected: &Selected,
    format: FileFormat,
    to: &Utf8Path,
    now: Timestamp,
) -> Result<Exported, SamplesError> {
    if format == FileFormat::Prometheus {
        return Err(SamplesError::ReadOnlyFormat);
    }
    let (_held, store, _) = open(data_dir, now)?;
    let out: Box<dyn Write + Send> = if to == "-" {
        Box::new(io::stdout())
    } else {
        let file = File::create(to);
        Box::new(file.map_err(|source| SamplesError::File { path: to.to_owned(), source })?)
    };
    let mut exporter =
        Exporter { to, writer: Writer::new(format, out, to)?, done: Exported::default() };
    let all = vec![Vec::new()];
    let selectors = if selected.any_of.is_empty() { &all } else { &selected.any_of };
    for (at, matchers) in selectors.iter().enumerate() {
        let selection = store.select(matchers, selected.start_ms, selected.end_ms);
        let selection = selection.map_err(SamplesError::Select)?;
        exporter.selection(&store, &selection, &selectors[..at])?;
        exporter.done.warnings.extend(selection.warnings());
    }
    exporter.finish()
}

enum Writer {
    OpenMetrics(openmetrics::Writer<BufWriter<Box<dyn Write + Send>>>),
    Parquet(Box<parquet::Writer<BufWriter<Box<dyn Write + Send>>>>),
}

impl Writer {
    fn new(
        format: FileFormat,
        out: Box<dyn Write + Send>,
        to: &Utf8Path,
    ) -> Result<Self, SamplesError> {
        let out = BufWriter::with_capacity(1 << 18, out);
        match format {
            FileFormat::OpenMetrics | FileFormat::Prometheus => {
                Ok(Self::OpenMetrics(openmetrics::Writer::new(out)))
            }
            FileFormat::Parquet => parquet::Writer::new(out)
                .map(|writer| Self::Parquet(Box::new(writer)))
                .map_err(|source| SamplesError::Write { path: to.to_owned(), source }),
        }
    }
}

struct Exporter<'a> {
    to: &'a Utf8Path,
    writer: Writer,
    done: Exported,
}

impl Exporter<'_> {
    fn selection(
        &mut self,
        store: &Tsdb,
        selection: &Selection,
        before: &[Vec<Matcher>],
    ) -> Result<(), SamplesError> {
        let heads = store.metadata();
        let mut points = Points::default();
        for (family, series) in families(selection, &heads) {
            let mut head = heads.get(&*family);
            for at in series {
                let labels = selection.labels(at);
                let was_written = |matchers: &Vec<Matcher>| {
                    matchers.iter().all(|matcher| matcher.matches_labels(&labels))
                };
                if before.iter().any(was_written) {
                    continue;
                }
                points.clear();
                selection.read(at, &mut points).map_err(SamplesError::Read)?;
                if !points.is_empty() {
                    self.series(head.take(), &labels, &points)?;
                }
            }
        }
        Ok(())
    }

    fn series(
        &mut self,
        head: Option<&Metadata>,
        labels: &Labels,
        points: &Points,
    ) -> Result<(), SamplesError> {
        let written = match &mut self.writer {
            Writer::OpenMetrics(writer) => head
                .map_or(Ok(()), |head| writer.family(head))
                .and_then(|()| writer.points(labels, points))
                .map_err(WriteError::Io),
            Writer::Parquet(writer) => writer.points(labels, points),
        };
        written.map_err(|source| SamplesError::Write { path: self.to.to_owned(), source })?;
        self.done.series += 1;
        self.done.samples += points.len() as u64;
        Ok(())
    }

    fn finish(mut self) -> Result<Exported, SamplesError> {
        let finished = match self.writer {
            Writer::OpenMetrics(writer) => {
                self.done.stale_left_out = writer.stale;
                self.done.samples -= writer.stale;
                writer.finish().map_err(WriteError::Io)
            }
            Writer::Parquet(writer) => writer.finish(),
        };
        finished
            .and_then(|out| out.into_inner().map_err(|error| WriteError::Io(error.into_error())))
            .map_err(|source| SamplesError::Write { path: self.to.to_owned(), source })?;
        self.done.warnings.sort();
        self.done.warnings.dedup();
        Ok(self.done)
    }
}

/// The series of each family together, as the text formats want them, in order of their labels.
fn families(
    selection: &Selection,
    heads: &BTreeMap<Box<str>, Metadata>,
) -> BTreeMap<Box<str>, Vec<usize>> {
    let mut families: BTreeMap<Box<str>, Vec<usize>> = BTreeMap::new();
    let mut name = String::new();
    for at in 0..selection.len() {
        name.clear();
        selection.visit_labels(at, &mut |label, value| {
            if label == Labels::METRIC_NAME {
                name.push_str(value);
            }
        });
        let family = family_of(&name, heads);
        match families.get_mut(family) {
            Some(series) => series.push(at),
            None => {
                families.insert(family.into(), vec![at]);
            }
        }
    }
    for series in families.values_mut() {
        series.sort_by_cached_key(|at| selection.labels(*at));
    }
    families
}

/// The family that a series of this name belongs to: what is known of one, else the name itself.
fn family_of<'a>(name: &'a str, heads: &BTreeMap<Box<str>, Metadata>) -> &'a str {
    if heads.contains_key(name) {
        return name;
    }
    let with = |suffix: &str, kinds: &[MetricKind]| {
        let family = name.strip_suffix(suffix)?;
        heads.get(family).filter(|head| kinds.contains(&head.kind)).map(|_| family)
    };
    let histogram = &[MetricKind::Histogram, MetricKind::GaugeHistogram];
    let summed = &[MetricKind::Histogram, MetricKind::Summary];
    with("_total", &[MetricKind::Counter])
        .or_else(|| with("_bucket", histogram))
        .or_else(|| with("_count", summed))
        .or_else(|| with("_sum", summed))
        .or_else(|| with("_gcount", histogram))
        .or_else(|| with("_gsum", histogram))
        .or_else(|| with("_info", &[MetricKind::Info]))
        .unwrap_or(name)
}
