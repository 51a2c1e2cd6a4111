//! Whole sections: what was pushed is read, in any part and order, and rubbish is refused without harm.

use std::sync::Arc;

use model::{BucketSpan, Histogram, HistogramSample, Points, ResetHint};
use proptest::prelude::*;

use super::*;

fn value() -> impl Strategy<Value = f64> {
    prop_oneof![
        2 => any::<u64>().prop_map(f64::from_bits),
        4 => (0i32..100).prop_map(f64::from),
        1 => Just(f64::from_bits(model::Sample::STALE)),
        1 => (0i32..10_000).prop_map(|v| f64::from(v) / 100.0),
    ]
}

fn times(count: impl Into<prop::collection::SizeRange>) -> impl Strategy<Value = Vec<i64>> {
    let step = prop_oneof![8 => Just(15_000i64), 2 => 1i64..30_000, 1 => 1i64..1 << 40];
    (-1i64 << 50..1 << 50, prop::collection::vec(step, count)).prop_map(|(first, steps)| {
        let times = steps.iter().scan(first, |at, step| {
            *at += step;
            Some(*at)
        });
        times.collect()
    })
}

fn spans() -> impl Strategy<Value = Vec<BucketSpan>> {
    let first = (-50i32..50, 0u32..5).prop_map(|(offset, length)| BucketSpan { offset, length });
    let other = (0i32..9, 0u32..5).prop_map(|(offset, length)| BucketSpan { offset, length });
    (prop::option::of(first), prop::collection::vec(other, 0..3))
        .prop_map(|(first, rest)| first.map_or_else(Vec::new, |first| [vec![first], rest].concat()))
}

fn histogram() -> impl Strategy<Value = Histogram> {
    let count = || prop_oneof![3 => (0u32..1000).prop_map(f64::from), 1 => value()];
    let hint = prop::sample::select(vec![
        ResetHint::Unknown,
        ResetHint::Reset,
        ResetHint::NotReset,
        ResetHint::Gauge,
    ]);
    let named = (count(), count(), value(), prop_oneof![3 => Just(1e-128), 1 => value()]);
    let schema = prop_oneof![3 => Just(3), 1 => -4i32..9, 1 => Just(Histogram::CUSTOM)];
    (schema, named, spans(), spans(), prop::collection::vec(count(), 40), hint).prop_map(
        |(schema, (count, zero_count, sum, zero_threshold), positive, negative, counts, hint)| {
            let buckets =
                |spans: &[BucketSpan]| spans.iter().map(|span| span.length as usize).sum::<usize>();
            let custom = schema == Histogram::CUSTOM;
            let negative = if custom { Vec::new() } else { negative };
            Histogram {
                schema,
                zero_threshold,
                zero_count,
                count,
                sum,
                positive: counts[..buckets(&positive)].to_vec(),
                negative: counts[20..20 + buckets(&negative)].to_vec(),
                positive_spans: positive,
                negative_spans: negative,
                custom_values: if custom { vec![0.5, 1.0, 2.5] } else { Vec::new() },
                reset_hint: hint,
            }
        },
    )
}

fn points(columns: &[Vec<i64>]) -> impl Strategy<Value = Points> + use<> {
    let shared = prop::sample::select(columns.to_vec());
    let cut = (shared, 0usize..10, 0usize..10).prop_map(|(times, skip, drop)| {
        let end = times.len() - drop.min(times.len());
        times[skip.min(end)..end].to_vec()
    });
    let own = prop_oneof![4 => cut, 1 => times(0..50)];
    (
        own,
        prop::collection::vec(value(), 200),
        0usize..4,
        any::<bool>(),
        prop::collection::vec(histogram(), 0..6),
        times(6),
    )
        .prop_map(|(times, values, kind, with_starts, histograms, histogram_times)| {
            let mut points = Points::default();
            if kind != 3 {
                points.values = values[..times.len()].to_vec();
                if kind == 1 {
                    let mut sum = 0.0;
                    for value in &mut points.values {
                        sum += if value.abs() < 1e6 { value.trunc().abs() } else { 0.0 };
                        *value = sum;
                    }
                }
                points.times = times;
                if with_starts {
                    points.starts = points.times.iter().map(|time| time - 5).collect();
                }
            }
            if kind >= 2 {
                points.histograms = histograms
                    .into_iter()
                    .zip(&histogram_times)
                    .map(|(histogram, at_ms)| HistogramSample {
                        at_ms: *at_ms,
                        histogram: Arc::new(histogram),
                    })
                    .collect();
                if with_starts {
                    points.histogram_starts =
                        points.histograms.iter().map(|h| h.at_ms - 9).collect();
                }
            }
            points
        })
}

fn all() -> impl Strategy<Value = Vec<(Role, Points)>> {
    let role = prop::sample::select(vec![Role::Plain, Role::Lead, Role::Member, Role::Member]);
    prop::collection::vec(times(0..150), 1..3).prop_flat_map(move |columns| {
        prop::collection::vec((role.clone(), points(&columns)), 0..12)
    })
}

fn write(mode: Mode, all: &[(Role, Points)]) -> (Vec<u8>, SectionSummary) {
    let mut writer = SectionWriter::new(mode);
    let mut bytes = vec![1, 2, 3];
    // What a writer was used for before must not show.
    writer.push(Columns::floats(Role::Lead, &[1, 2, 4], &[1.0, 2.0, 7.0]));
    writer.finish(&mut Vec::new());
    for (at, (role, points)) in all.iter().enumerate() {
        assert_eq!(writer.push(Columns::of(points, *role)) as usize, at);
    }
    let summary = writer.finish(&mut bytes);
    bytes.drain(..3);
    (bytes, summary)
}

/// Some number below `end`.
fn index(of: u64, end: usize) -> usize {
    usize::try_from(of % end as u64).unwrap()
}

/// All bits, so that NaN equals itself.
fn shown(points: &Points) -> String {
    let bits = |values: &[f64]| values.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
    let histograms = points.histograms.iter().map(|sample| {
        let h = &sample.histogram;
        let named = bits(&[h.zero_threshold, h.zero_count, h.count, h.sum]);
        let counts = (bits(&h.positive), bits(&h.negative), bits(&h.custom_values));
        (
            sample.at_ms,
            h.schema,
            named,
            counts,
            h.positive_spans.clone(),
            h.negative_spans.clone(),
            h.reset_hint,
        )
    });
    let histograms: Vec<_> = histograms.collect();
    format!(
        "{:?} {:?} {:?} {:?} {histograms:?}",
        points.times,
        bits(&points.values),
        points.starts,
        points.histogram_starts
    )
}

/// The samples in the range.
fn cut(points: &Points, start: i64, end: i64) -> Points {
    let mut cut = Points::default();
    for (at, time) in points.times.iter().enumerate() {
        if (start..=end).contains(time) {
            cut.push(*time, points.values[at]);
            cut.starts.extend(points.starts.get(at));
        }
    }
    for (at, sample) in points.histograms.iter().enumerate() {
        if (start..=end).contains(&sample.at_ms) {
            cut.histograms.push(sample.clone());
            cut.histogram_starts.extend(points.histogram_starts.get(at));
        }
    }
    cut
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(80))]

    #[test]
    fn what_is_pushed_is_read(all in all(), order in any::<u64>(), fast: bool) {
        let (bytes, summary) = write(if fast { Mode::Fast } else { Mode::Dense }, &all);
        prop_assert_eq!(summary.bytes, bytes.len());
        let section = Section::open(&bytes).unwrap();
        prop_assert_eq!(section.series() as usize, all.len());
        prop_assert_eq!(section.samples(), all.iter().map(|(_, points)| points.len() as u64).sum::<u64>());
        let mut scratch = Scratch::default();
        let mut slots: Vec<u32> = (0..section.series()).collect();
        if order % 2 == 0 && !slots.is_empty() {
            let by = index(order, slots.len());
            slots.rotate_left(by);
            slots.reverse();
        }
        for slot in slots {
            let points = &all[slot as usize].1;
            prop_assert_eq!(section.samples_of(slot).unwrap(), points.len());
            let mut back = Points::default();
            section.read(slot, i64::MIN, i64::MAX, &mut scratch, &mut back).unwrap();
            prop_assert_eq!(shown(&back), shown(points));
            let all_times: Vec<i64> = points.times.iter().copied().chain(points.histograms.iter().map(|h| h.at_ms)).collect();
            if !all_times.is_empty() {
                let at = |by: u64| all_times[index(order >> by, all_times.len())];
                let (start, end) = (at(3).min(at(9)), at(3).max(at(9)));
                let mut back = Points::default();
                section.read(slot, start, end, &mut scratch, &mut back).unwrap();
                prop_assert_eq!(shown(&back), shown(&cut(points, start, end)));
            }
        }
    }

    #[test]
    fn damage_is_seen_and_does_no_harm(all in all(), hits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4), to in any::<prop::sample::Index>()) {
        let (bytes, _) = write(Mode::Dense, &all);
        let mut damaged = bytes.clone();
        for (at, to) in hits {
            let at = at.index(damaged.len());
            damaged[at] = to;
        }
        if damaged != bytes {
            prop_assert_eq!(Section::open(&damaged).err(), Some(SectionError::Checksum));
        }
        read_all(&damaged);
        read_all(&bytes[..to.index(bytes.len())]);
    }

    #[test]
    fn rubbish_does_no_harm(width in 0u32..5, times in 0u32..4, series in 0u32..5, body in prop::collection::vec(any::<u8>(), 0..300)) {
        let mut bytes = b"eks\x01".to_vec();
        for number in [width, times, series] {
            bytes.extend(number.to_le_bytes());
        }
        bytes.extend([0; 24]);
        bytes.extend(&body);
        read_all(&bytes);
        read_all(&body);
    }
}

fn read_all(bytes: &[u8]) {
    let Ok(section) = Section::open_unchecked_crc(bytes) else { return };
    let mut scratch = Scratch::default();
    for slot in 0..section.series().min(100) {
        let mut points = Points::default();
        let read = section.read(slot, i64::MIN, i64::MAX, &mut scratch, &mut points);
        // Errors are what is expected; what is read all the same is bounded.
        assert!(read.is_err() || section.samples_of(slot).is_ok());
        assert!(points.len() <= 2 * SECTION_SAMPLES_MAX);
    }
}

#[test]
fn many_samples_in_few_bytes_are_refused() {
    let count = SECTION_SAMPLES_MAX + 1;
    let times: Vec<i64> = (0..count as i64).collect();
    let mut writer = SectionWriter::new(Mode::Fast);
    writer.push(Columns::floats(Role::Plain, &times, &vec![1.0; count]));
    let mut bytes = Vec::new();
    writer.finish(&mut bytes);
    assert!(bytes.len() < 100);
    assert_eq!(Section::open(&bytes).err(), Some(SectionError::Malformed("header")));
}

#[test]
fn a_histograms_buckets_cost_little() {
    let times: Vec<i64> = (0..400).map(|at| at * 15_000).collect();
    let mut whole = 0;
    let steps: Vec<i64> = (0..400i64).map(|at| 300 + at * at % 67).collect();
    let column = |share: i64| -> Vec<f64> {
        let mut sum = 0;
        steps
            .iter()
            .map(|step| {
                sum += step * share / 100;
                sum as f64
            })
            .collect()
    };
    let mut write = |role| {
        let mut writer = SectionWriter::new(Mode::Dense);
        for share in [100, 98, 90, 50, 20] {
            writer.push(Columns::floats(
                if share == 100 { Role::Lead } else { role },
                &times,
                &column(share),
            ));
        }
        let mut bytes = Vec::new();
        writer.finish(&mut bytes);
        whole = bytes.len();
        whole
    };
    let (apart, together) = (write(Role::Plain), write(Role::Member));
    assert!(together * 2 < apart, "{together} of {apart}");
}

#[test]
fn a_full_writer_says_so_between_groups() {
    let times: Vec<i64> = (0..70_000).collect();
    let values = vec![1.5; 70_000];
    let mut writer = SectionWriter::new(Mode::Fast);
    writer.push(Columns::floats(Role::Member, &times, &values));
    assert!(!writer.is_full());
    writer.push(Columns::floats(Role::Plain, &[1], &[1.0]));
    assert!(writer.is_full());
}
