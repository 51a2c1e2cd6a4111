//! Flipped bits in parts that hold every kind of column, as flushed and as merged.
//!
//! `EVENKEEL_ROUNDS` says how many bits are flipped in each.

use std::{collections::BTreeMap, sync::Arc};

use camino::Utf8PathBuf;
use model::{
    BucketSpan, Histogram, HistogramSample, HistogramSeries, Labels, Points, Sample, Series,
};
use tsdb::{Incoming, Tsdb};
use wal::{Disk, SimDisk};

use super::files;
use crate::{number, open, options, secs};

const ROUNDS: u64 = 400;
const STEPS: i64 = 200;

/// Each series' samples by time, as text that tells every bit.
type Whole = BTreeMap<Labels, BTreeMap<i64, String>>;

fn whole(store: &Tsdb) -> (Whole, bool) {
    let selection = store.select(&[], i64::MIN, i64::MAX).unwrap();
    let mut whole = Whole::new();
    for at in 0..selection.len() {
        let mut points = Points::default();
        selection.read(at, &mut points).unwrap();
        let samples: &mut BTreeMap<_, _> = whole.entry(selection.labels(at)).or_default();
        for sample in points.samples() {
            samples.insert(sample.at_ms, format!("{:x}", sample.value.to_bits()));
        }
        for sample in &points.histograms {
            samples.insert(sample.at_ms, format!("{:?}", sample.histogram));
        }
    }
    (whole, !selection.warnings().is_empty())
}

fn noise(seed: u64) -> u64 {
    let mixed = (seed ^ seed >> 33).wrapping_mul(0xff51_afd7_ed55_8ccd);
    (mixed ^ mixed >> 33).wrapping_mul(0xc4ce_b9fe_1a85_ec53) >> 11
}

/// A series of each kind: counters, constants, pages, decimals, full mantissas, gaps, ends, classic and native histograms.
fn fleet(step: i64) -> (Vec<Series>, Vec<HistogramSeries>) {
    let at_ms = step * 15_000;
    let n = u64::try_from(step).unwrap();
    #[expect(clippy::cast_precision_loss, reason = "samples are floats")]
    let float = |n: u64| n as f64;
    let mut floats = Vec::new();
    let mut push = |name: &str, le: &str, value: f64| {
        let labels = Labels::from_pairs([("__name__", name), ("job", "shop"), ("le", le)]);
        floats.push(Series { labels, samples: vec![Sample { at_ms, value }] });
    };
    push("requests_total", "", float(n * 7 + noise(n) % 5));
    push("up", "", 1.0);
    push("memory_bytes", "", float((1000 + noise(n) % 64) * 4096));
    push("price", "", float(100 + noise(n) % 900) / 100.0);
    push("ratio", "", float(noise(n)) / float(1 << 53));
    push("huge", "", f64::from_bits(noise(n) << 10));
    if n % 3 == 0 {
        push("sparse", "", float(n));
    }
    if n == 150 {
        push("ended", "", f64::from_bits(Sample::STALE));
    } else if n < 150 {
        push("ended", "", -float(n));
    }
    for (at, le) in ["0.1", "1", "10", "+Inf"].into_iter().enumerate() {
        push("took_bucket", le, float(n * 3 * (at as u64 + 1) + noise(n) % 3));
    }
    let counts: Vec<f64> = (0..5).map(|at| float(n * at + noise(n + at) % 3)).collect();
    let span = BucketSpan { offset: -2, length: 5 };
    let native = Histogram {
        schema: 3,
        count: counts.iter().sum(),
        sum: float(n) * 0.7,
        positive_spans: vec![span],
        positive: counts,
        ..Histogram::default()
    };
    let labels = Labels::from_pairs([("__name__", "took"), ("job", "shop")]);
    let samples = vec![HistogramSample { at_ms, histogram: Arc::new(native) }];
    (floats, vec![HistogramSeries { labels, samples }])
}

/// A store of which all is in one part; as flushed, or merged.
fn in_one_part(is_merged: bool) -> (SimDisk, Utf8PathBuf) {
    let disk = SimDisk::new(1);
    let (store, _) = open(&disk, options(), secs(0));
    for step in 0..STEPS {
        let (series, histograms) = fleet(step);
        let incoming = Incoming { series: &series, histograms: &histograms, ..Incoming::default() };
        store.append(secs(step * 15), &incoming).unwrap();
        if is_merged && step % 70 == 69 {
            store.flush(secs(step * 15)).unwrap();
        }
    }
    store.flush(secs(STEPS * 15)).unwrap();
    if is_merged {
        for second in 0..60 {
            store.maintain(secs(STEPS * 15 + second)).unwrap();
        }
    }
    let parts = files(&disk, "t/parts");
    assert_eq!(parts.len(), 1);
    (disk, parts[0].clone())
}

#[test]
fn a_flipped_bit_in_any_column_is_never_another_value() {
    let rounds = number("EVENKEEL_ROUNDS").unwrap_or(ROUNDS);
    for is_merged in [false, true] {
        let (disk, part) = in_one_part(is_merged);
        let at_end = secs(STEPS * 15 + 100);
        let (expected, _) = whole(&open(&disk, options(), at_end).0);
        let size = disk.size(&part).unwrap();
        let mut told = 0_u64;
        for round in 0..rounds {
            let bit = noise(round * 2 + u64::from(is_merged)) % (size * 8);
            disk.flip(&part, bit / 8, 1 << (bit % 8));
            let (store, _) = open(&disk, options(), at_end);
            let (found, is_told) = whole(&store);
            let mut lost = 0;
            for (labels, samples) in &expected {
                let left = found.get(labels);
                lost += samples.len() - left.map_or(0, BTreeMap::len);
                for (at_ms, value) in left.into_iter().flatten() {
                    assert_eq!(samples.get(at_ms), Some(value), "bit {bit}: {labels} at {at_ms}");
                }
            }
            assert!(found.keys().all(|labels| expected.contains_key(labels)), "bit {bit}");
            assert_eq!(lost > 0, is_told, "bit {bit}");
            told += u64::from(is_told);
            disk.flip(&part, bit / 8, 1 << (bit % 8));
        }
        assert!(told * 2 > rounds, "most bits are of sections");
        let kind = if is_merged { "merged" } else { "flushed" };
        println!(
            "{rounds} bits of a {kind} part: {told} told as damage, none read as another value"
        );
    }
}
