//! What lies where, in memory: a few hundred bytes and one Bloom filter for each 256 KiB of the log.

use std::collections::{HashMap, VecDeque};

use model::{Timestamp, TraceId};
use wal::{Position, RecordAt};

use crate::record::{Summary, hash};

/// A granule that has reached this size gets no further record.
const GRANULE_BYTES: u64 = 256 << 10;
/// A granule with more services counts as holding any.
const GRANULE_SERVICES_MAX: usize = 64;
/// Services beyond get no number; granules that hold them count as holding any.
const SERVICES_MAX: usize = 10_000;

/// A set of trace ids with false positives and no false negatives: 8 Kibit, four bits each; with 900 traces, some 2 % of
/// other ids pass.
#[derive(Clone, Debug)]
struct Bloom(Box<[u64; Bloom::WORDS]>);

impl Bloom {
    const WORDS: usize = 128;

    fn new() -> Self {
        Self(Box::new([0; Self::WORDS]))
    }

    /// Word and mask of the four bits: 13 bits of the hash for each.
    fn bits(hash: u64) -> impl Iterator<Item = (usize, u64)> {
        (0..4).map(move |bit| {
            let at = (hash >> (bit * 13)) & 0x1fff;
            let word = usize::try_from(at / 64).expect("seven bits");
            (word, 1 << (at % 64))
        })
    }

    fn insert(&mut self, hash: u64) {
        for (word, mask) in Self::bits(hash) {
            self.0[word] |= mask;
        }
    }

    fn may_hold(&self, hash: u64) -> bool {
        Self::bits(hash).all(|(word, mask)| self.0[word] & mask != 0)
    }
}

type Range = (Timestamp, Timestamp);

/// A run of records of one segment.
#[derive(Clone, Debug)]
pub(crate) struct Granule {
    pub(crate) start: Position,
    pub(crate) end: Position,
    pub(crate) received: Range,
    pub(crate) span_ends: Option<Range>,
    pub(crate) log_times: Option<Range>,
    records: u64,
    spans: u64,
    logs: u64,
    /// Numbers of services, sorted; meaningless when `any_service`.
    services: Vec<u32>,
    any_service: bool,
    traces: Bloom,
}

/// What is in the log, in all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Totals {
    pub(crate) records: u64,
    pub(crate) spans: u64,
    pub(crate) logs: u64,
}

#[derive(Debug, Default)]
pub(crate) struct Index {
    granules: VecDeque<Granule>,
    services: HashMap<Box<str>, u32>,
    pub(crate) totals: Totals,
}

impl Index {
    /// Notes a record that was appended at `at`, after all others.
    pub(crate) fn add(&mut self, at: RecordAt, summary: &Summary) {
        let end = Position { offset: at.start.offset + u64::from(at.bytes), ..at.start };
        let goes_on = self.granules.back().is_some_and(|granule| {
            granule.end == at.start && granule.end.offset - granule.start.offset < GRANULE_BYTES
        });
        if !goes_on {
            self.granules.push_back(Granule::new(at.start, summary.received_at));
        }
        let numbers: Vec<Option<u32>> =
            summary.services.iter().map(|service| self.number(service)).collect();
        self.totals.records += 1;
        self.totals.spans += to_u64(summary.spans);
        self.totals.logs += to_u64(summary.logs);
        let granule = self.granules.back_mut().expect("one was pushed if there was none");
        granule.add(end, summary, &numbers);
    }

    fn number(&mut self, service: &str) -> Option<u32> {
        if let Some(number) = self.services.get(service) {
            return Some(*number);
        }
        let number = u32::try_from(self.services.len()).ok()?;
        if self.services.len() >= SERVICES_MAX {
            return None;
        }
        self.services.insert(service.into(), number);
        Some(number)
    }

    /// Forgets what lies in segments before this one.
    pub(crate) fn drop_before(&mut self, segment: u64) {
        while self.granules.front().is_some_and(|granule| granule.start.segment < segment) {
            if let Some(gone) = self.granules.pop_front() {
                self.totals.records -= gone.records;
                self.totals.spans -= gone.spans;
                self.totals.logs -= gone.logs;
            }
        }
    }

    /// The granules that may hold records of this service; `None` is any.
    pub(crate) fn of_service<'a>(
        &'a self,
        service: Option<&str>,
    ) -> impl Iterator<Item = &'a Granule> + use<'a> {
        // A service without a number may still be in a granule that holds any.
        let wanted = service.map(|service| self.services.get(service).copied());
        self.granules.iter().filter(move |granule| match wanted {
            None => true,
            Some(_) if granule.any_service => true,
            Some(number) => {
                number.is_some_and(|number| granule.services.binary_search(&number).is_ok())
            }
        })
    }

    /// The granules that may hold spans or log records of this trace.
    pub(crate) fn of_trace(&self, trace: TraceId) -> impl Iterator<Item = &Granule> {
        let hash = hash(trace);
        self.granules.iter().filter(move |granule| granule.traces.may_hold(hash))
    }

    /// The start of the first granule with a record that was received at or after `time`.
    pub(crate) fn position_at(&self, time: Timestamp) -> Option<Position> {
        self.granules.iter().find(|granule| granule.received.1 >= time).map(|granule| granule.start)
    }

    pub(crate) fn oldest(&self) -> Option<Timestamp> {
        self.granules.front().map(|granule| granule.received.0)
    }

    pub(crate) fn granules(&self) -> usize {
        self.granules.len()
    }

    /// What the index takes in memory, about.
    pub(crate) fn bytes(&self) -> u64 {
        let granule = |granule: &Granule| {
            size_of::<Granule>() + Bloom::WORDS * 8 + granule.services.capacity() * 4
        };
        to_u64(self.granules.iter().map(granule).sum())
    }
}

impl Granule {
    fn new(start: Position, received_at: Timestamp) -> Self {
        Self {
            start,
            end: start,
            received: (received_at, received_at),
            span_ends: None,
            log_times: None,
            records: 0,
            spans: 0,
            logs: 0,
            services: Vec::new(),
            any_service: false,
            traces: Bloom::new(),
        }
    }

    fn add(&mut self, end: Position, summary: &Summary, services: &[Option<u32>]) {
        self.end = end;
        self.records += 1;
        self.spans += to_u64(summary.spans);
        self.logs += to_u64(summary.logs);
        widen(&mut self.span_ends, summary.span_ends);
        widen(&mut self.log_times, summary.log_times);
        let received = summary.received_at;
        self.received = (self.received.0.min(received), self.received.1.max(received));
        for trace in &summary.traces {
            self.traces.insert(*trace);
        }
        for service in services {
            self.add_service(*service);
        }
    }

    fn add_service(&mut self, service: Option<u32>) {
        let Some(number) = service else {
            self.any_service = true;
            return;
        };
        if let Err(at) = self.services.binary_search(&number) {
            if self.services.len() < GRANULE_SERVICES_MAX {
                self.services.insert(at, number);
            } else {
                self.any_service = true;
            }
        }
    }
}

fn widen(range: &mut Option<Range>, by: Option<Range>) {
    let Some(by) = by else { return };
    *range = Some(range.map_or(by, |range| (range.0.min(by.0), range.1.max(by.1))));
}

fn to_u64(len: usize) -> u64 {
    u64::try_from(len).expect("a length in memory fits 64 bits")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn summary(received: i64, services: &[&str], traces: &[TraceId]) -> Summary {
        Summary {
            received_at: Timestamp::from_secs(received),
            spans: 1,
            logs: 0,
            span_ends: Some((Timestamp::from_secs(received), Timestamp::from_secs(received))),
            log_times: None,
            services: services.iter().map(|service| Box::from(*service)).collect(),
            traces: traces.iter().copied().map(hash).collect(),
        }
    }

    fn at(segment: u64, offset: u64) -> RecordAt {
        RecordAt { start: Position { segment, offset }, bytes: 200 << 10 }
    }

    #[test]
    fn granules_end_by_size_and_segment_and_at_gaps() {
        let mut index = Index::default();
        for (place, granules) in [
            (at(1, 96), 1),
            (at(1, 96 + (200 << 10)), 1),
            (at(1, 96 + (400 << 10)), 2),
            (at(2, 96), 3),
            (at(2, 97 + (200 << 10)), 4),
        ] {
            index.add(place, &summary(1, &["a"], &[]));
            assert_eq!(index.granules(), granules);
        }
        index.drop_before(2);
        assert_eq!((index.granules(), index.totals.spans), (2, 2));
    }

    #[test]
    fn finds_services_and_gives_up_on_many() {
        let mut index = Index::default();
        index.add(at(1, 96), &summary(1, &["a", "b"], &[]));
        index.add(at(2, 96), &summary(1, &["c"], &[]));
        let segments = |index: &Index, service: &str| -> Vec<u64> {
            index.of_service(Some(service)).map(|granule| granule.start.segment).collect()
        };
        assert_eq!(segments(&index, "a"), [1]);
        assert_eq!(segments(&index, "c"), [2]);
        assert!(segments(&index, "d").is_empty());
        let many: Vec<String> = (0..100).map(|number| format!("s{number}")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        index.add(at(3, 96), &summary(1, &many, &[]));
        assert_eq!(segments(&index, "d"), [3]);
    }

    #[test]
    fn the_bloom_filter_misses_nothing_and_passes_little() {
        let id = |number: u64| {
            let mut bytes = [0; 16];
            bytes[..8].copy_from_slice(&number.to_le_bytes());
            TraceId(bytes)
        };
        let traces: Vec<TraceId> = (0..900).map(id).collect();
        let mut index = Index::default();
        index.add(at(1, 96), &summary(1, &["a"], &traces));
        assert!(traces.iter().all(|trace| index.of_trace(*trace).count() == 1));
        let false_positives =
            (1000..11_000).filter(|n| index.of_trace(id(*n)).count() == 1).count();
        assert!(false_positives < 500, "{false_positives} of 10,000");
    }

    #[test]
    fn a_position_at_a_time_lies_before_all_that_came_later() {
        let mut index = Index::default();
        // The clock was set back once.
        for (segment, received) in [(1, 10), (2, 30), (3, 20), (4, 40)] {
            index.add(at(segment, 96), &summary(received, &["a"], &[]));
        }
        for (time, segment) in [(5, 1), (10, 1), (11, 2), (25, 2), (31, 4)] {
            let position = index.position_at(Timestamp::from_secs(time));
            assert_eq!(position.unwrap().segment, segment, "at {time}");
        }
        assert_eq!(index.position_at(Timestamp::from_secs(41)), None);
    }
}
