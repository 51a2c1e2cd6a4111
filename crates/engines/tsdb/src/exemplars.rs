//! Exemplars: the newest, in memory, and in a log of their own that is cut at a size.

use std::{
    collections::{BTreeMap, VecDeque},
    ops::ControlFlow,
    sync::Arc,
};

use model::{Exemplar, Labels, Matcher, SeriesExemplars};
use wal::{
    Damage, Disk, Position, Wal,
    codec::{DecodeError, Reader, put_bytes, put_int, put_len},
};

use crate::{EXEMPLARS_MAX, OpenError, Options};

/// What the log may take on the disk.
pub(crate) const LOG_BYTES_MAX: u64 = 32 << 20;
const SEGMENT_BYTES: u64 = 4 << 20;
/// Exemplars of one series that are kept.
const OF_SERIES_MAX: usize = 1000;
const KIND: u8 = 1;

#[derive(Debug, Default)]
pub(crate) struct Exemplars {
    series: BTreeMap<Labels, VecDeque<Exemplar>>,
    /// Whose they are, in the order in which they came.
    order: VecDeque<Labels>,
}

impl Exemplars {
    /// Takes an exemplar unless it is the newest of its series already.
    pub(crate) fn insert(&mut self, labels: &Labels, exemplar: Exemplar) {
        let (labels, of_series) = match self.series.get_key_value(labels) {
            Some((labels, _)) => (labels.clone(), self.series.entry(labels.clone()).or_default()),
            None => (labels.clone(), self.series.entry(labels.clone()).or_default()),
        };
        let at = of_series.partition_point(|other| other.at_ms <= exemplar.at_ms);
        of_series.insert(at, exemplar);
        self.order.push_back(labels);
        if of_series.len() > OF_SERIES_MAX {
            of_series.pop_front();
        }
        while self.order.len() > EXEMPLARS_MAX {
            let Some(labels) = self.order.pop_front() else { return };
            let Some(of_series) = self.series.get_mut(&labels) else { continue };
            of_series.pop_front();
            if of_series.is_empty() {
                self.series.remove(&labels);
            }
        }
    }

    /// Those of `offered` that say something new.
    pub(crate) fn news<'a>(
        &self,
        offered: &'a [SeriesExemplars],
    ) -> Vec<(&'a Labels, &'a Exemplar)> {
        let mut news = Vec::new();
        for series in offered {
            let known = self.series.get(&series.labels);
            for exemplar in &series.exemplars {
                let is_known = known.is_some_and(|known| {
                    let first = known.partition_point(|other| other.at_ms < exemplar.at_ms);
                    known
                        .iter()
                        .skip(first)
                        .take_while(|other| other.at_ms == exemplar.at_ms)
                        .any(|other| other == exemplar)
                });
                if !is_known {
                    news.push((&series.labels, exemplar));
                }
            }
        }
        news
    }

    /// Those of the series that all matchers pass, from `start_ms` to `end_ms`.
    pub(crate) fn select(
        &self,
        matchers: &[Matcher],
        start_ms: i64,
        end_ms: i64,
    ) -> Vec<SeriesExemplars> {
        let matching = self
            .series
            .iter()
            .filter(|(labels, _)| matchers.iter().all(|matcher| matcher.matches_labels(labels)));
        matching
            .filter_map(|(labels, exemplars)| {
                let within = |one: &&Exemplar| (start_ms..=end_ms).contains(&one.at_ms);
                let exemplars: Vec<Exemplar> = exemplars.iter().filter(within).cloned().collect();
                (!exemplars.is_empty())
                    .then(|| SeriesExemplars { labels: labels.clone(), exemplars })
            })
            .collect()
    }

    pub(crate) fn len(&self) -> usize {
        self.series.values().map(VecDeque::len).sum()
    }

    /// Forgets those of the series that all matchers pass, in a stretch of time.
    pub(crate) fn delete(&mut self, matchers: &[Matcher], start_ms: i64, end_ms: i64) {
        self.series.retain(|labels, exemplars| {
            if matchers.iter().all(|matcher| matcher.matches_labels(labels)) {
                exemplars.retain(|one| !(start_ms..=end_ms).contains(&one.at_ms));
            }
            !exemplars.is_empty()
        });
    }
}

pub(crate) fn open(
    options: &Options,
    disk: &Arc<dyn Disk>,
) -> Result<(Wal, Exemplars, Damage), OpenError> {
    let log = wal::Options {
        sync: options.sync,
        segment_bytes: SEGMENT_BYTES,
        free_bytes_min: options.free_bytes_min,
        ..wal::Options::new(options.dir.join("exemplars"))
    };
    let (log, mut damage) = Wal::open(log, Arc::clone(disk)).map_err(OpenError::Exemplars)?;
    let mut exemplars = Exemplars::default();
    let mut read = log
        .read(Position::START, |entry| {
            // What cannot be understood is one request's exemplars, which are examples.
            decode(entry.payload, &mut exemplars).ok();
            ControlFlow::Continue(())
        })
        .map_err(OpenError::Read)?;
    log.quarantine(&mut read.damage);
    damage.merge(read.damage);
    Ok((log, exemplars, damage))
}

pub(crate) fn encode(exemplars: &[(&Labels, &Exemplar)]) -> Vec<u8> {
    let mut out = vec![KIND];
    put_len(&mut out, exemplars.len());
    for (labels, exemplar) in exemplars {
        for labels in [labels, &&exemplar.labels] {
            put_len(&mut out, labels.len());
            for (name, value) in labels.iter() {
                put_bytes(&mut out, name.as_bytes());
                put_bytes(&mut out, value.as_bytes());
            }
        }
        put_int(&mut out, exemplar.at_ms);
        out.extend_from_slice(&exemplar.value.to_bits().to_le_bytes());
    }
    out
}

fn decode(payload: &[u8], into: &mut Exemplars) -> Result<(), DecodeError> {
    let reader = &mut Reader::new(payload);
    if reader.byte("kind")? != KIND {
        return Err(reader.error("kind"));
    }
    for _ in 0..reader.len("exemplars")? {
        let series = labels(reader)?;
        let labels = labels(reader)?;
        let at_ms = reader.int("time")?;
        let value = f64::from_bits(u64::from_le_bytes(reader.array("value")?));
        into.insert(&series, Exemplar { labels, value, at_ms });
    }
    Ok(())
}

fn labels(reader: &mut Reader<'_>) -> Result<Labels, DecodeError> {
    let pairs: Vec<(&str, &str)> = (0..reader.len("labels")?)
        .map(|_| Ok((reader.str("name")?, reader.str("value")?)))
        .collect::<Result<_, _>>()?;
    Ok(Labels::from_pairs(pairs))
}
