//! Counting masked lines as they come, within limits.

use std::collections::{BTreeMap, HashMap};

use model::{LogRecord, Timestamp, Value};

use super::{
    ALL_SHAPES_MAX, EXAMPLE_BYTES_MAX, SERVICES_MAX, SHAPES_MAX,
    mask::Masked,
    merge::{covering, merge},
    template::Template,
    word::{skeleton, sole, words},
};
use crate::patterns::Kind;

/// Lines by OpenTelemetry's ranges of severity.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Severities {
    /// Unknown, trace, debug, info, warn, error, fatal.
    pub counts: [u64; 7],
}

impl Severities {
    pub const NAMES: [&'static str; 7] =
        ["unknown", "trace", "debug", "info", "warn", "error", "fatal"];

    /// Lines that are errors or worse.
    pub fn errors(&self) -> u64 {
        self.counts[5] + self.counts[6]
    }

    /// Counts one line of a severity number, 1 to 24.
    fn count(&mut self, severity: u8) {
        let at = if (1..=24).contains(&severity) { usize::from(severity - 1) / 4 + 1 } else { 0 };
        self.counts[at] += 1;
    }

    fn add(&mut self, other: &Self) {
        self.counts.iter_mut().zip(other.counts).for_each(|(count, other)| *count += other);
    }
}

/// How often, when and how severe lines were.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Stats {
    pub count: u64,
    pub severities: Severities,
    pub first: Timestamp,
    pub last: Timestamp,
    /// The line of `first`; of several the least text.
    pub example: Box<str>,
}

impl Stats {
    fn count(&mut self, line: &str, severity: u8, at: Timestamp) {
        let line = cut(line);
        if self.count == 0 || (at, line) < (self.first, &*self.example) {
            self.first = at;
            self.example = line.into();
        }
        self.last = if self.count == 0 { at } else { self.last.max(at) };
        self.count += 1;
        self.severities.count(severity);
    }

    pub(super) fn add(&mut self, other: &Self) {
        if other.count == 0 {
            return;
        }
        if self.count == 0 || (other.first, &other.example) < (self.first, &self.example) {
            self.first = other.first;
            self.example.clone_from(&other.example);
        }
        self.last = if self.count == 0 { other.last } else { self.last.max(other.last) };
        self.count += other.count;
        self.severities.add(&other.severities);
    }
}

fn cut(line: &str) -> &str {
    line.get(..line.floor_char_boundary(EXAMPLE_BYTES_MAX)).unwrap_or(line)
}

/// The patterns of one service.
#[derive(Clone, Debug, Default)]
pub struct Miner {
    pub(super) shapes: HashMap<Box<[u8]>, Stats>,
    /// Templates made when shapes were too many, by skeleton; they are among `shapes` too.
    general: HashMap<Vec<u8>, Vec<Box<[u8]>>>,
    other: Stats,
    masked: Masked,
}

impl Miner {
    /// Counts a line: its severity number (1 to 24, 0 when unknown) and when it came.
    pub fn observe(&mut self, line: &str, severity: u8, at: Timestamp) {
        self.masked.mask(line);
        if let Some(stats) = self.shapes.get_mut(self.masked.text.as_slice()) {
            return stats.count(line, severity, at);
        }
        let text = self.covering(&self.masked.text).unwrap_or(&self.masked.text).into();
        self.shapes.entry(text).or_default().count(line, severity, at);
        if self.shapes.len() > SHAPES_MAX {
            self.compact(SHAPES_MAX);
        }
    }

    fn covering(&self, line: &[u8]) -> Option<&[u8]> {
        if self.general.is_empty() {
            return None;
        }
        covering(self.general.get(&skeleton(line))?, line)
    }

    /// Adds what another miner has counted.
    pub fn add(&mut self, other: &Self) {
        for (text, stats) in other.sorted() {
            let text = self.covering(text).unwrap_or(text).into();
            self.shapes.entry(text).or_default().add(stats);
        }
        self.other.add(&other.other);
        if self.shapes.len() > SHAPES_MAX {
            self.compact(SHAPES_MAX);
        }
    }

    /// Merges shapes for good, and gives up the least used until half of `limit` is free again.
    fn compact(&mut self, limit: usize) {
        let mut clusters: Vec<(Box<[u8]>, Stats)> = self.clusters();
        let keep = limit / 2;
        if clusters.len() > keep {
            clusters.sort_by(|(a, a_stats), (b, b_stats)| {
                b_stats.count.cmp(&a_stats.count).then_with(|| a.cmp(b))
            });
            for (_, stats) in clusters.drain(keep..) {
                self.other.add(&stats);
            }
        }
        self.general.clear();
        let is_open = |word: &[u8]| matches!(sole(word), Some(Kind::Any | Kind::List));
        for (text, _) in clusters.iter().filter(|(text, _)| words(text).any(is_open)) {
            self.general.entry(skeleton(text)).or_default().push(text.clone());
        }
        self.shapes = clusters.into_iter().collect();
    }

    fn clusters(&self) -> Vec<(Box<[u8]>, Stats)> {
        let sorted = self.sorted();
        let shapes: Vec<&[u8]> = sorted.iter().map(|(text, _)| *text).collect();
        let with_stats = |cluster: super::merge::Cluster| {
            let mut stats = Stats::default();
            cluster.members.iter().for_each(|member| stats.add(sorted[*member].1));
            (cluster.text, stats)
        };
        merge(&shapes).into_iter().map(with_stats).collect()
    }

    pub(super) fn sorted(&self) -> Vec<(&[u8], &Stats)> {
        let mut sorted: Vec<_> = self.shapes.iter().map(|(text, stats)| (&**text, stats)).collect();
        sorted.sort_by_key(|(text, _)| *text);
        sorted
    }

    /// The templates, most frequent first.
    pub fn templates(&self) -> Vec<Template> {
        let mut templates: Vec<_> =
            self.clusters().into_iter().map(|(text, stats)| Template { text, stats }).collect();
        templates.sort_by(|a, b| b.count().cmp(&a.count()).then_with(|| a.text.cmp(&b.text)));
        templates
    }

    /// Lines whose templates were given up because they were too many and these the least used.
    pub fn other(&self) -> &Stats {
        &self.other
    }

    /// All lines counted, the others included.
    pub fn lines(&self) -> u64 {
        self.other.count + self.sorted().iter().map(|(_, stats)| stats.count).sum::<u64>()
    }
}

/// The patterns of all services.
#[derive(Clone, Debug, Default)]
pub struct Patterns {
    services: BTreeMap<Box<str>, Miner>,
    shapes: usize,
}

impl Patterns {
    /// Where the lines of services beyond [`SERVICES_MAX`] are counted.
    pub const OTHER_SERVICES: &'static str = "(other services)";

    /// Counts a line of a service; see [`Miner::observe`].
    pub fn observe(&mut self, service: &str, line: &str, severity: u8, at: Timestamp) {
        let miner = self.miner(service);
        let before = miner.shapes.len();
        miner.observe(line, severity, at);
        let after = miner.shapes.len();
        self.grown(before, after);
    }

    /// Counts a log record: its body when that is a text, its message when that is a map, else the body as JSON has it.
    pub fn observe_record(&mut self, record: &LogRecord) {
        let service = &record.resource.service;
        match message(&record.body) {
            Some(line) => self.observe(service, line, record.severity, record.at),
            None => self.observe(service, &record.body.to_string(), record.severity, record.at),
        }
    }

    /// Adds what others have counted.
    pub fn add(&mut self, other: &Self) {
        for (service, counted) in &other.services {
            let miner = self.miner(service);
            let before = miner.shapes.len();
            miner.add(counted);
            let after = miner.shapes.len();
            self.grown(before, after);
        }
    }

    fn miner(&mut self, service: &str) -> &mut Miner {
        let is_full = self.services.len() >= SERVICES_MAX && !self.services.contains_key(service);
        let name = if is_full { Self::OTHER_SERVICES } else { service };
        if !self.services.contains_key(name) {
            self.services.insert(name.into(), Miner::default());
        }
        self.services.get_mut(name).expect("it was put there")
    }

    /// Keeps the sum of shapes, and has the largest miners give up some when it is too great.
    fn grown(&mut self, before: usize, after: usize) {
        self.shapes = self.shapes + after - before;
        while self.shapes > ALL_SHAPES_MAX {
            let largest = self.services.values_mut().max_by_key(|miner| miner.shapes.len());
            let Some(largest) = largest else { return };
            let before = largest.shapes.len();
            largest.compact(before);
            self.shapes = self.shapes + largest.shapes.len() - before;
        }
    }

    /// The services with patterns, by name.
    pub fn services(&self) -> impl Iterator<Item = (&str, &Miner)> {
        self.services.iter().map(|(service, miner)| (&**service, miner))
    }

    pub fn service(&self, service: &str) -> Option<&Miner> {
        self.services.get(service)
    }
}

/// The text of a body that is one, or of the message in a structured one.
fn message(body: &Value) -> Option<&str> {
    match body {
        Value::String(text) => Some(text),
        Value::Map(attributes) => ["message", "msg", "event", "log"]
            .iter()
            .find_map(|key| model::value::attribute(attributes, key)?.as_str()),
        Value::Bool(_)
        | Value::Int(_)
        | Value::Double(_)
        | Value::Bytes(_)
        | Value::Array(_)
        | Value::Empty => None,
    }
}
