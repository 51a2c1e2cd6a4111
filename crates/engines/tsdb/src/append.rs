//! Takes samples: finds their series, judges them, writes the log, then the head.

mod extras;
mod heard;
mod judge;

use std::{collections::HashMap, sync::Arc};

use model::{HistogramSample, HistogramSeries, Labels, Sample, Series, Timestamp};

use crate::{
    AppendError, Appended, Incoming, KeyedBatch, Options, RefusedReason, Tsdb,
    emitters::service,
    head::Head,
    hot::{ASKED, WATCHED},
    record::{self, HistogramItem, Item},
    refuse::Refusals,
    store::{Log, Watch},
};
use heard::heard;
use judge::{Bounds, is_regular, judge_floats, judge_histograms};

/// A series that `resolve` had nothing for.
const UNRESOLVED: u32 = u32::MAX;
/// A series that a limit refused; which one, [`Intake::refused_series`] says.
const REFUSED: u32 = u32::MAX - 1;
/// So many heads may be in memory while none can be flushed.
const BACKLOG_LEVEL: f64 = 3.0;

/// What one request has come to so far.
#[derive(Debug, Default)]
struct Intake {
    /// New series, in the registry's order.
    new: Vec<u32>,
    new_of: HashMap<Box<str>, usize>,
    /// Series that a limit refused, by place.
    refused_series: HashMap<usize, (RefusedReason, Box<str>)>,
    refusals: Refusals,
    duplicates: u64,
}

/// The time before which samples are older than the retention.
pub(crate) fn oldest_ms(options: &Options, now: Timestamp) -> i64 {
    options.retention.map_or(i64::MIN, |retention| (now - retention).as_millis())
}

impl Tsdb {
    /// Takes what a request brings; on return it survives a killed process.
    ///
    /// The samples of one call are one record of the log: after a kill all of them are there or none.
    ///
    /// # Errors
    /// When a log cannot be written: nothing was taken then, and [`AppendError::is_no_room`] says whether to come again. Only
    /// exemplars and metadata can fail after the samples were taken: [`Appended::failed`].
    pub fn append(
        &self,
        received_at: Timestamp,
        incoming: &Incoming<'_>,
    ) -> Result<Appended, AppendError> {
        self.check_backlog()?;
        let mut guard = self.log.lock();
        let log = &mut *guard;
        let mut intake = Intake::default();
        {
            let mut head = self.head.lock();
            let labels = incoming.series.iter().map(|series| &series.labels);
            let labels = labels.chain(incoming.histograms.iter().map(|series| &series.labels));
            log.ids.clear();
            for (place, labels) in labels.enumerate() {
                let id = self.admit_series(&mut head, &mut intake, place, labels);
                log.ids.push(id);
            }
            fill(log, incoming);
        }
        let mut appended = self.take(log, intake, received_at, true)?;
        let kept = self.append_metadata(log, received_at, incoming.metadata);
        let kept = kept.and_then(|()| self.append_exemplars(log, received_at, incoming.exemplars));
        match kept {
            Ok(taken) => appended.exemplars = taken,
            Err(error) => appended.failed = Some(error),
        }
        drop(guard);
        self.after_append(received_at);
        Ok(appended)
    }

    /// Takes a remote-write request whose series are known by hash. For a series that no hash leads to, `resolve` gives the
    /// labels by its place among the keys, or `None` when it is refused upstream, and its samples are passed over.
    ///
    /// # Errors
    /// As [`Tsdb::append`].
    pub fn append_keyed(
        &self,
        received_at: Timestamp,
        batch: &KeyedBatch<'_>,
        resolve: &mut dyn FnMut(u32) -> Option<Labels>,
    ) -> Result<Appended, AppendError> {
        self.check_backlog()?;
        let mut guard = self.log.lock();
        let log = &mut *guard;
        let mut intake = Intake::default();
        {
            let mut head = self.head.lock();
            log.ids.clear();
            let mut last = UNRESOLVED;
            for (place, key) in batch.keys.iter().enumerate() {
                let known = if *key == 0 { None } else { head.by_key(*key, last) };
                let id = match known {
                    Some(id) => id,
                    None => self.resolve(&mut head, &mut intake, (place, *key), resolve),
                };
                log.ids.push(id);
                last = id;
            }
            log.items.clear();
            log.histograms.clear();
            for sample in batch.samples {
                let Some(id) = usize::try_from(sample.series).ok().and_then(|at| log.ids.get(at))
                else {
                    continue;
                };
                let (id, bits) = (*id, sample.value.to_bits());
                log.items.push(Item { id, place: sample.series, at_ms: sample.at_ms, bits });
            }
        }
        let appended = self.take(log, intake, received_at, false)?;
        drop(guard);
        self.after_append(received_at);
        Ok(appended)
    }

    fn resolve(
        &self,
        head: &mut Head,
        intake: &mut Intake,
        (place, key): (usize, u128),
        resolve: &mut dyn FnMut(u32) -> Option<Labels>,
    ) -> u32 {
        let labels = u32::try_from(place).ok().and_then(resolve);
        let Some(labels) = labels else { return UNRESOLVED };
        let id = self.admit_series(head, intake, place, &labels);
        if id != REFUSED {
            head.learn_key(key, id);
        }
        id
    }

    /// The number of the series, a new one where the limits allow it.
    fn admit_series(
        &self,
        head: &mut Head,
        intake: &mut Intake,
        place: usize,
        labels: &Labels,
    ) -> u32 {
        if let Some(id) = self.index.get(labels) {
            head.know(id, |visit| each(labels, visit));
            return id;
        }
        if let Some(reason) = self.over_limit(head, intake, labels) {
            intake.refused_series.insert(place, (reason, service(labels).into()));
            return REFUSED;
        }
        let (id, is_new) = self.index.insert(labels);
        head.know(id, |visit| each(labels, visit));
        if is_new {
            intake.new.push(id);
            *intake.new_of.entry(service(labels).into()).or_default() += 1;
        }
        id
    }

    fn over_limit(&self, head: &Head, intake: &Intake, labels: &Labels) -> Option<RefusedReason> {
        let limits = &self.options.limits;
        let service = service(labels);
        let new_of = intake.new_of.get(service).copied().unwrap_or(0);
        // Those that sleep take memory too: a sender of ever new series must not fill it within the retention.
        let known_max = limits.active_series_max.saturating_mul(2);
        if head.active + intake.new.len() >= limits.active_series_max
            || self.index.len() >= known_max
        {
            Some(RefusedReason::SeriesLimit)
        } else if head.emitters.active_of(service) + new_of >= limits.active_series_per_service_max
        {
            Some(RefusedReason::SeriesPerServiceLimit)
        } else {
            None
        }
    }

    /// Judges what is in the log's hands, and writes what passes.
    fn take(
        &self,
        log: &mut Log,
        mut intake: Intake,
        received_at: Timestamp,
        all_stored: bool,
    ) -> Result<Appended, AppendError> {
        let bounds = Bounds::new(&self.options, received_at);
        let mut appended = Appended::default();
        {
            let mut head = self.head.lock();
            log.batch = log.batch.wrapping_add(1);
            if !is_regular(&mut head, log.batch, &log.items) {
                // Within a series as the samples came, so that of those of one time the first stays.
                log.items.sort_by_key(|item| (item.id, item.at_ms));
            }
            judge_floats(&head, bounds, &mut log.items, &mut intake);
            if !log.histograms.is_empty() {
                log.histograms.sort_by_key(|item| (item.id, item.at_ms));
                judge_histograms(&head, bounds, &mut log.histograms, &mut intake);
            }
        }
        self.write_log(log, &intake, received_at)?;
        {
            let mut head = self.head.lock();
            head.insert(received_at, &log.items);
            head.insert_histograms(received_at, &log.histograms);
            appended.heard = heard(&head, &log.items, &log.histograms);
            appended.stored = if all_stored {
                self.stored(&log.items)
            } else {
                self.watched(&mut head, &log.items)
            };
            appended.stored_histograms = self.stored_histograms(&log.histograms);
            appended.refused =
                intake.refusals.told(&head, &self.index, &self.options, log, received_at);
        }
        appended.samples = (log.items.len() + log.histograms.len()) as u64;
        appended.duplicates = intake.duplicates;
        appended.position = log.wal.end();
        log.duplicates += intake.duplicates;
        log.histograms.clear();
        log.buffer.shrink_to(1 << 20);
        self.note_appended(appended.samples);
        Ok(appended)
    }

    fn write_log(
        &self,
        log: &mut Log,
        intake: &Intake,
        received_at: Timestamp,
    ) -> Result<(), AppendError> {
        if !intake.new.is_empty() {
            let added = log.registry.add(&self.index, &intake.new, received_at);
            if let Err(error) = added {
                let ids = intake.new.iter().copied().collect();
                self.head.lock().forget(&ids);
                self.index.remove(&ids);
                log.registry.is_ailing = true;
                return Err(AppendError::Registry(error));
            }
        }
        if log.items.is_empty() && log.histograms.is_empty() {
            return Ok(());
        }
        log.buffer.clear();
        record::encode(&mut log.buffer, received_at, &log.items, &log.histograms);
        log.wal.append(&log.buffer, received_at).map_err(AppendError::Wal)?;
        Ok(())
    }

    fn stored(&self, items: &[Item]) -> Vec<Series> {
        let reader = self.index.reader();
        let runs = items.chunk_by(|a, b| a.id == b.id);
        runs.map(|run| Series {
            labels: reader.labels(run[0].id).unwrap_or_default(),
            samples: run.iter().map(sample).collect(),
        })
        .collect()
    }

    fn stored_histograms(&self, items: &[HistogramItem]) -> Vec<HistogramSeries> {
        let reader = self.index.reader();
        let runs = items.chunk_by(|a, b| a.id == b.id);
        let sample = |item: &HistogramItem| HistogramSample {
            at_ms: item.at_ms,
            histogram: Arc::clone(&item.histogram),
        };
        runs.map(|run| HistogramSeries {
            labels: reader.labels(run[0].id).unwrap_or_default(),
            samples: run.iter().map(sample).collect(),
        })
        .collect()
    }

    fn watched(&self, head: &mut Head, items: &[Item]) -> Vec<Series> {
        let watch = self.watch.read();
        let Some(watch) = &*watch else { return Vec::new() };
        let mut stored = Vec::new();
        for run in items.chunk_by(|a, b| a.id == b.id) {
            if self.is_watched(head, watch, run[0].id) {
                let labels = self.index.labels(run[0].id).unwrap_or_default();
                stored.push(Series { labels, samples: run.iter().map(sample).collect() });
            }
        }
        stored
    }

    /// Whether the series is watched; asked once.
    pub(crate) fn is_watched(&self, head: &mut Head, watch: &Watch, id: u32) -> bool {
        let hot = head.pages.at(id);
        if !hot.is(ASKED) {
            let watched = self.index.labels(id).is_some_and(|labels| watch(&labels));
            hot.flags |= if watched { ASKED | WATCHED } else { ASKED };
        }
        hot.is(WATCHED)
    }

    /// Calls for a flush when one is due, and carries it out when it is overdue.
    fn after_append(&self, received_at: Timestamp) {
        let (due, overdue) = {
            let head = self.head.lock();
            let level = self.flush_level(&head);
            (level >= 1.0, level >= 1.2 && head.frozen.is_none() || level >= 1.3)
        };
        if due {
            self.call_for_work();
        }
        if overdue {
            // The samples were taken, whatever comes of it; maintenance tells of the failure.
            drop(self.flush(received_at));
        }
    }

    /// Refuses more while flushes fail: memory must not grow without end.
    fn check_backlog(&self) -> Result<(), AppendError> {
        let head = self.head.lock();
        if head.frozen.is_some() && self.flush_level(&head) >= BACKLOG_LEVEL {
            return Err(AppendError::Backlog { samples: head.samples });
        }
        Ok(())
    }
}

/// Shows each label.
pub(crate) fn each(labels: &Labels, visit: &mut dyn FnMut(&str, &str)) {
    labels.iter().for_each(|(name, value)| visit(name, value));
}

fn sample(item: &Item) -> Sample {
    Sample { at_ms: item.at_ms, value: f64::from_bits(item.bits) }
}

/// Lays the request's samples out, those of refused series left with their mark.
fn fill(log: &mut Log, incoming: &Incoming<'_>) {
    log.items.clear();
    log.histograms.clear();
    let to_place =
        |place: usize| u32::try_from(place).expect("a request has fewer than 2^32 series");
    for (place, series) in incoming.series.iter().enumerate() {
        let (id, place) = (log.ids[place], to_place(place));
        log.items.extend(series.samples.iter().map(|sample| Item {
            id,
            place,
            at_ms: sample.at_ms,
            bits: sample.value.to_bits(),
        }));
    }
    let first = incoming.series.len();
    for (place, series) in incoming.histograms.iter().enumerate() {
        let (id, place) = (log.ids[first + place], to_place(first + place));
        log.histograms.extend(series.samples.iter().map(|sample| HistogramItem {
            id,
            place,
            at_ms: sample.at_ms,
            histogram: Arc::clone(&sample.histogram),
        }));
    }
}

impl Intake {
    fn refuse(&mut self, head: &Head, reason: RefusedReason, item: &Item) {
        let emitter = head.pages.get(item.id).map_or(0, |hot| hot.emitter);
        let service = usize::try_from(head.emitters.service_of(emitter)).unwrap_or(0);
        let name = head.emitters.services().get(service).map_or("", |service| &service.name);
        let place = usize::try_from(item.place).unwrap_or(usize::MAX);
        self.refusals.add(reason, name, place, item.at_ms);
    }

    /// Counts a sample of a series that was not admitted.
    fn refuse_series(&mut self, place: u32, at_ms: i64) {
        let place = usize::try_from(place).unwrap_or(usize::MAX);
        if let Some((reason, service)) = self.refused_series.get(&place) {
            self.refusals.add(*reason, service, place, at_ms);
        }
    }
}
