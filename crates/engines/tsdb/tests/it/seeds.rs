//! Lives from printed seeds: random work on a disk that fails, tears and forgets, against a plain list of what was acknowledged.
//!
//! `EVENKEEL_ROUNDS` says how many seeds are run, `EVENKEEL_SEED` runs one alone.

use std::{collections::BTreeMap, panic, sync::Arc};

use model::{
    Histogram, HistogramSample, HistogramSeries, Labels, Points, Sample, Series, Timestamp,
};
use tsdb::{Incoming, Options, Tsdb};
use wal::{Fault, SimDisk};

use crate::{labels, number, open, options, secs};

const ROUNDS: u64 = 150;
const LIVES: usize = 4;
const FLOATS: usize = 4;
/// Series after those of floats have histograms.
const SERIES: usize = 6;

/// SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Not acknowledged: it may be there.
    Perhaps,
    /// It must be there after a kill.
    Acknowledged,
    /// It must be there after power loss, too.
    Sure,
    /// It was not there after a start, and may never be again.
    Gone,
}

/// Samples of one request, which are there all or none: series and time.
struct Request {
    samples: Vec<(usize, i64)>,
    state: State,
}

struct Story {
    random: Random,
    disk: SimDisk,
    requests: Vec<Request>,
    /// Times that a later request may still bring, out of order.
    left_out: Vec<i64>,
    second: i64,
}

impl Story {
    fn new(seed: u64) -> Self {
        let random = Random(seed);
        Self {
            random,
            disk: SimDisk::new(seed),
            requests: Vec::new(),
            left_out: Vec::new(),
            second: 1000,
        }
    }

    fn now(&self) -> Timestamp {
        secs(self.second)
    }

    fn options(&mut self) -> Options {
        let head_samples = 20 + self.random.below(300);
        Options { head_samples, retention: None, ..options() }
    }

    /// Works until the disk fails it, or for a while.
    fn live(&mut self) {
        let options = self.options();
        let Ok((store, _)) = Tsdb::open(options, Arc::new(self.disk.clone()), self.now()) else {
            return;
        };
        for _ in 0..20 + self.random.below(60) {
            match self.random.below(12) {
                0 if store.sync().is_ok() => self.now_sure(),
                // A flush that fails takes nothing away.
                1 if store.flush(self.now()).is_ok() => self.now_sure(),
                2 => {
                    self.second += i64::try_from(self.random.below(30)).unwrap();
                    store.maintain(self.now()).ok();
                }
                3 => drop(store.tick(self.now())),
                _ => self.send(&store),
            }
        }
    }

    fn send(&mut self, store: &Tsdb) {
        self.second += 1;
        let mut at_ms = self.second * 1000;
        if self.random.one_in(6) {
            self.left_out.push(at_ms);
            return;
        }
        if self.random.one_in(5)
            && let Some(late) = self.left_out.pop()
        {
            at_ms = late;
        }
        let mut samples = Vec::new();
        for series in 0..SERIES {
            if !self.random.one_in(3) {
                samples.push((series, at_ms));
            }
        }
        if samples.is_empty() {
            return;
        }
        let (floats, histograms) = batch(&samples);
        let incoming = Incoming { series: &floats, histograms: &histograms, ..Incoming::default() };
        let state = match store.append(self.now(), &incoming) {
            Ok(appended) => {
                assert_eq!(appended.samples, samples.len() as u64, "{:?}", appended.refused);
                State::Acknowledged
            }
            Err(_) => State::Perhaps,
        };
        self.requests.push(Request { samples, state });
    }

    fn now_sure(&mut self) {
        for request in &mut self.requests {
            if request.state == State::Acknowledged {
                request.state = State::Sure;
            }
        }
    }

    /// Starts again, and looks at what is there.
    fn look(&mut self, was_power_loss: bool) {
        let options = self.options();
        let (store, recovery) = open(&self.disk, options, self.now());
        assert_eq!(recovery.undecodable, 0);
        assert!(recovery.parts_damaged.is_empty(), "{:?}", recovery.parts_damaged);
        let found = read(&store);
        let is_there = |(series, at_ms): &(usize, i64)| {
            found.get(&labels_of(*series)).is_some_and(|times| times.contains_key(at_ms))
        };
        let mut known = 0;
        for request in &mut self.requests {
            let there = request.samples.iter().filter(|one| is_there(one)).count();
            // Power may go after a record of the log was on the disk, and before the names of its new series were.
            let may_be_torn = was_power_loss && request.state != State::Sure;
            assert!(
                there == 0 || there == request.samples.len() || may_be_torn,
                "a part of {:?} {:?}",
                request.state,
                request.samples
            );
            let must = match request.state {
                State::Sure => true,
                State::Acknowledged => !was_power_loss,
                State::Perhaps | State::Gone => false,
            };
            assert!(!must || there > 0, "lost: {:?} {:?}", request.state, request.samples);
            assert!(there == 0 || request.state != State::Gone, "back: {:?}", request.samples);
            request.samples.retain(is_there);
            request.state = if there > 0 { State::Sure } else { State::Gone };
            known += there;
        }
        let total: usize = found.values().map(BTreeMap::len).sum();
        assert_eq!(total, known, "what was never sent is there");
    }
}

fn labels_of(series: usize) -> Labels {
    labels(if series < FLOATS { "up" } else { "took" }, series)
}

fn value(series: usize, at_ms: i64) -> f64 {
    f64::from(u32::try_from(at_ms * 31 + i64::try_from(series).unwrap()).unwrap()) / 8.0
}

fn histogram(series: usize, at_ms: i64) -> Arc<Histogram> {
    let count = value(series, at_ms);
    Arc::new(Histogram { count, zero_count: count, sum: -count, ..Histogram::default() })
}

fn batch(samples: &[(usize, i64)]) -> (Vec<Series>, Vec<HistogramSeries>) {
    let (mut floats, mut histograms) = (Vec::new(), Vec::new());
    for (series, at_ms) in samples.iter().copied() {
        let labels = labels_of(series);
        if series < FLOATS {
            let sample = Sample { at_ms, value: value(series, at_ms) };
            floats.push(Series { labels, samples: vec![sample] });
        } else {
            let sample = HistogramSample { at_ms, histogram: histogram(series, at_ms) };
            histograms.push(HistogramSeries { labels, samples: vec![sample] });
        }
    }
    (floats, histograms)
}

/// The times of each series, whose values must be those that were sent.
fn read(store: &Tsdb) -> BTreeMap<Labels, BTreeMap<i64, ()>> {
    let selection = store.select(&[], i64::MIN, i64::MAX).unwrap();
    assert_eq!(selection.warnings(), Vec::<String>::new());
    let mut found = BTreeMap::new();
    for at in 0..selection.len() {
        let (labels, mut points) = (selection.labels(at), Points::default());
        selection.read(at, &mut points).unwrap();
        let series = (0..SERIES).find(|series| labels_of(*series) == labels).unwrap();
        let mut times = BTreeMap::new();
        for sample in points.samples() {
            assert_eq!(sample.value.to_bits(), value(series, sample.at_ms).to_bits());
            times.insert(sample.at_ms, ());
        }
        for sample in &points.histograms {
            assert_eq!(sample.histogram, histogram(series, sample.at_ms));
            times.insert(sample.at_ms, ());
        }
        if !times.is_empty() {
            found.insert(labels, times);
        }
    }
    found
}

/// A whole story; gives what the disk holds in the end.
fn story(seed: u64) -> BTreeMap<String, Vec<u8>> {
    let mut story = Story::new(seed);
    for _ in 0..LIVES {
        for _ in 0..story.random.below(3) {
            let fault = match story.random.below(4) {
                0 => Fault::Io,
                1 => Fault::Full,
                _ => Fault::Crash,
            };
            let at = story.disk.ops() + 1 + story.random.below(200);
            story.disk.fail_at(at, fault);
        }
        story.live();
        story.disk.clear_faults();
        let is_power_loss = story.random.one_in(2);
        if is_power_loss {
            story.disk.power_loss();
        } else {
            story.disk.kill();
        }
        story.second += 1 + i64::try_from(story.random.below(100)).unwrap();
        story.look(is_power_loss);
    }
    let files = story.disk.files().into_iter();
    files.map(|path| (path.to_string(), wal::Disk::read(&story.disk, &path).unwrap())).collect()
}

#[test]
fn no_seed_loses_what_was_acknowledged() {
    let seeds = match number("EVENKEEL_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("EVENKEEL_ROUNDS").unwrap_or(ROUNDS),
    };
    let count = seeds.end - seeds.start;
    for seed in seeds {
        if let Err(fault) = panic::catch_unwind(|| story(seed)) {
            println!("EVENKEEL_SEED={seed} repeats it");
            panic::resume_unwind(fault);
        }
    }
    println!("{count} seeds of {LIVES} lives: nothing lost");
}

#[test]
fn a_seed_is_the_same_story_each_time() {
    for seed in 0..10 {
        assert!(story(seed) == story(seed), "seed {seed}");
    }
}

/// Otherwise nothing was shown.
#[test]
fn stories_have_requests_of_every_state() {
    let mut seen = Vec::new();
    for seed in 0..40 {
        let mut story = Story::new(seed);
        story.disk.fail_at(60 + seed, Fault::Full);
        story.live();
        seen.extend(story.requests.iter().map(|request| request.state));
    }
    for state in [State::Perhaps, State::Acknowledged, State::Sure] {
        assert!(seen.contains(&state), "{state:?}");
    }
}
