//! One scrape: the entries of an exposition become samples.
//!
//! A [`Memory`] is a target's own and lives as long as the target: it leads from the bytes that name a series to the labels that are
//! stored, so that an unchanged exposition costs no label parsing, and it knows which series owe a staleness marker.

mod buckets;
mod limits;
mod memory;
mod mutate;
mod report;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use model::{
    Exemplar, Histogram, HistogramError, HistogramSample, HistogramSeries, Labels, Metadata,
    MetricKind, Sample, Series, SeriesExemplars,
};

pub use buckets::BucketError;
pub use limits::LabelLimitError;
pub use memory::Memory;
pub use report::{Extra, NAMES as REPORT_NAMES, Report, labels as report_labels, report, stale};

use crate::{Job, LabelSet, name::Scheme, relabel::Rule};
use memory::{Live, State};

/// What is done with a target's samples.
#[derive(Clone, Debug)]
pub struct Rules {
    /// The target's labels.
    pub target: Labels,
    pub honor_labels: bool,
    pub honor_timestamps: bool,
    pub track_timestamps_staleness: bool,
    pub relabel: Arc<[Rule]>,
    pub limits: crate::config::JobLimits,
    pub scheme: Scheme,
}

impl Rules {
    pub fn new(job: &Job, target: Labels) -> Self {
        Self {
            target,
            honor_labels: job.honor_labels,
            honor_timestamps: job.honor_timestamps,
            track_timestamps_staleness: job.track_timestamps_staleness,
            relabel: Arc::clone(&job.metric_relabel),
            limits: job.limits,
            scheme: job.scheme_of_names,
        }
    }
}

/// Ingest's word on the labels of a new series: what is stored (without secrets), or nothing.
pub type Admit<'a> = dyn FnMut(LabelSet) -> Option<Labels> + 'a;

/// Calls back with each name and value of a series.
pub type Visit<'a> = dyn Fn(&mut dyn FnMut(&str, &str)) + 'a;

/// What a scrape brings.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Scraped {
    pub series: Vec<Series>,
    pub histograms: Vec<HistogramSeries>,
    pub exemplars: Vec<SeriesExemplars>,
    /// Of families that said something new.
    pub metadata: Vec<Metadata>,
    pub counts: Counts,
}

/// What was counted of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Samples in the exposition.
    pub scraped: u64,
    /// Samples that relabelling left.
    pub kept: u64,
    /// Series that were not known before.
    pub added: u64,
    /// Samples of a series that had one in this scrape already; the first is taken.
    pub duplicates: u64,
    /// Samples of series that ingest does not take.
    pub refused: u64,
}

/// Why a scrape is refused as a whole.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum PassError {
    #[error("sample limit exceeded: more than {limit} samples after relabelling (`sample_limit`)")]
    Samples { limit: u64 },
    #[error(transparent)]
    Labels(#[from] LabelLimitError),
    #[error(transparent)]
    Buckets(#[from] BucketError),
    #[error("a native histogram is not sound: {0}")]
    Histogram(#[from] HistogramError),
    #[error("missing metric name (__name__ label)")]
    NoName,
    #[error("label name \"{0}\" is not unique: invalid sample")]
    Twice(Box<str>),
    #[error("invalid metric name or label names: {0}")]
    Invalid(Box<str>),
}

/// A value of a sample.
enum Value {
    Float(f64),
    Histogram(Arc<Histogram>),
}

/// A scrape that is being read.
#[derive(Debug)]
pub struct Pass<'m> {
    memory: &'m mut Memory,
    rules: &'m Rules,
    at_ms: i64,
    out: Scraped,
    over: Option<PassError>,
    /// The series whose exemplars follow.
    last: Option<Labels>,
}

impl<'m> Pass<'m> {
    /// `at_ms`: the time of samples that have none of their own.
    pub fn begin(memory: &'m mut Memory, rules: &'m Rules, at_ms: i64) -> Self {
        memory.begin();
        Self { memory, rules, at_ms, out: Scraped::default(), over: None, last: None }
    }

    /// Takes a sample. `key` names its series within the target; `labels` is asked only when the key is new.
    ///
    /// # Errors
    /// When the whole scrape is to be refused; [`Pass::abandon`] it then.
    pub fn float(
        &mut self,
        key: &[u8],
        labels: &Visit<'_>,
        value: f64,
        at_ms: Option<i64>,
        admit: &mut Admit<'_>,
    ) -> Result<(), PassError> {
        self.take(key, labels, Value::Float(value), at_ms, admit)
    }

    /// As [`Pass::float`].
    ///
    /// # Errors
    /// As [`Pass::float`].
    pub fn histogram(
        &mut self,
        key: &[u8],
        labels: &Visit<'_>,
        value: Arc<Histogram>,
        at_ms: Option<i64>,
        admit: &mut Admit<'_>,
    ) -> Result<(), PassError> {
        self.take(key, labels, Value::Histogram(value), at_ms, admit)
    }

    fn take(
        &mut self,
        key: &[u8],
        labels: &Visit<'_>,
        value: Value,
        at_ms: Option<i64>,
        admit: &mut Admit<'_>,
    ) -> Result<(), PassError> {
        self.last = None;
        self.out.counts.scraped += 1;
        let own_time = at_ms.filter(|_| self.rules.honor_timestamps);
        let at = match self.memory.find(key) {
            Some(at) => at,
            None => {
                let state = self.resolve(labels, admit)?;
                self.memory.insert(key, state)
            }
        };
        let seen = self.memory.see(at);
        let labels = match self.memory.state(at) {
            State::Dropped => return Ok(()),
            State::Refused => {
                self.out.counts.kept += 1;
                self.out.counts.refused += 1;
                return Ok(());
            }
            State::Kept(labels) => labels.clone(),
        };
        self.out.counts.kept += 1;
        if seen && at_ms.is_none() {
            self.out.counts.duplicates += 1;
            return Ok(());
        }
        let limit = self.rules.limits.samples;
        if limit > 0 && self.out.counts.kept > limit {
            self.over.get_or_insert(PassError::Samples { limit });
            return Ok(());
        }
        if !seen && self.memory.is_new(at) {
            self.out.counts.added += 1;
        }
        if own_time.is_none() || self.rules.track_timestamps_staleness {
            let live = match &value {
                Value::Float(value) if value.to_bits() == Sample::STALE => Live::No,
                Value::Float(_) => Live::Float,
                Value::Histogram(_) => Live::Histogram,
            };
            self.memory.track(at, live);
        }
        self.push(labels, value, own_time.unwrap_or(self.at_ms))
    }

    fn push(&mut self, labels: Labels, value: Value, at_ms: i64) -> Result<(), PassError> {
        if let Value::Histogram(histogram) = &value {
            histogram.validate()?;
        }
        self.last = Some(labels.clone());
        match value {
            Value::Float(value) => {
                self.out.series.push(Series { labels, samples: vec![Sample { at_ms, value }] });
            }
            Value::Histogram(histogram) => match buckets::fit(histogram, &self.rules.limits) {
                Ok(histogram) => self.out.histograms.push(HistogramSeries {
                    labels,
                    samples: vec![HistogramSample { at_ms, histogram }],
                }),
                Err(error) => drop(self.over.get_or_insert(error.into())),
            },
        }
        Ok(())
    }

    /// From the labels that the target exposed to those that are stored.
    fn resolve(&mut self, labels: &Visit<'_>, admit: &mut Admit<'_>) -> Result<State, PassError> {
        let mut exposed = LabelSet::new();
        let mut twice: Option<Box<str>> = None;
        labels(&mut |name, value| {
            if exposed.iter().any(|(known, _)| known == name) {
                twice.get_or_insert(name.into());
            }
            exposed.set(name, value);
        });
        if let Some(name) = twice {
            return Err(PassError::Twice(name));
        }
        let Some(labels) = mutate::sample(exposed, self.rules) else { return Ok(State::Dropped) };
        let name = labels.get(Labels::METRIC_NAME);
        if name.is_empty() {
            return Err(PassError::NoName);
        }
        let scheme = self.rules.scheme;
        let fits =
            |(name, _): (&str, &str)| name == Labels::METRIC_NAME || scheme.is_label_name(name);
        if !scheme.is_metric_name(name) || !labels.iter().all(fits) {
            let shown: String = labels.to_labels().to_string().chars().take(200).collect();
            return Err(PassError::Invalid(shown.into()));
        }
        limits::check(&labels, &self.rules.limits)?;
        Ok(match admit(labels) {
            Some(labels) => State::Kept(self.memory.interned(&labels)),
            None => State::Refused,
        })
    }

    /// Exemplars of the sample that was taken last; without one they are passed over.
    pub fn exemplars(&mut self, exemplars: Vec<Exemplar>) {
        if let Some(labels) =
            self.last.clone().filter(|_| !exemplars.is_empty() && self.over.is_none())
        {
            self.out.exemplars.push(SeriesExemplars { labels, exemplars });
        }
    }

    /// Whether the last sample was taken, so that its exemplars are worth reading.
    pub fn wants_exemplars(&self) -> bool {
        self.last.is_some() && self.over.is_none()
    }

    /// The time that the last sample would have without one of its own.
    pub fn at_ms(&self) -> i64 {
        self.at_ms
    }

    pub fn help(&mut self, family: &str, text: &str) {
        let text = memory::cut(text);
        self.memory.describe(family, |metadata| {
            let changed = *metadata.help != *text;
            if changed {
                metadata.help = text.into();
            }
            changed
        });
    }

    pub fn kind(&mut self, family: &str, kind: MetricKind) {
        self.memory.describe(family, |metadata| {
            let changed = metadata.kind != kind;
            metadata.kind = kind;
            changed
        });
    }

    pub fn unit(&mut self, family: &str, unit: &str) {
        let unit = memory::cut(unit);
        self.memory.describe(family, |metadata| {
            let changed = *metadata.unit != *unit;
            if changed {
                metadata.unit = unit.into();
            }
            changed
        });
    }

    /// Ends a scrape that was read whole: series that are gone get a staleness marker.
    ///
    /// # Errors
    /// When a limit was exceeded: then what is returned beside the error has no sample but staleness markers for all.
    pub fn finish(mut self) -> (Scraped, Option<PassError>) {
        if let Some(error) = self.over.take() {
            return (self.abandon(), Some(error));
        }
        self.memory.commit(self.at_ms, &mut self.out);
        self.out.metadata = self.memory.changed_metadata();
        (self.out, None)
    }

    /// Ends a scrape that cannot be used: every series gets a staleness marker; the counts are what was read.
    pub fn abandon(self) -> Scraped {
        let mut out = Scraped { counts: self.out.counts, ..Scraped::default() };
        self.memory.abandon(self.at_ms, &mut out);
        out
    }
}
