//! Measures the codec on a synthetic fleet: bytes and time for each sample, by kind of series.
//!
//! `cargo run --release -p tsdb --example fleet -- [series] [samples] [fast|dense] [jitter ms] [steps before] [alternatives]`
#![allow(
    clippy::all,
    clippy::pedantic,
    clippy::restriction,
    reason = "a measurement, not a product"
)]

mod alternatives;
mod data;

use std::{collections::BTreeMap, time::Instant};

use model::{Labels, Points};
use tsdb::codec::{Columns, Mode, Role, Scratch, Section, SectionWriter};

struct Series {
    labels: Labels,
    times: usize,
    values: Vec<f64>,
}

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let number = |at: usize, or: usize| args.get(at).and_then(|arg| arg.parse().ok()).unwrap_or(or);
    let (count, samples, jitter) = (number(0, 20_000), number(1, 480), number(3, 0) as i64);
    let mode =
        if args.get(2).is_some_and(|mode| mode == "fast") { Mode::Fast } else { Mode::Dense };
    let skip = number(4, 1000);
    let layout = data::Layout { scalars: 64, hist: 3, interval: 15_000, jitter, seed: 1 };
    let (mut all, mut times) = (Vec::new(), Vec::new());
    for id in 0..count.div_ceil(layout.per_instance()) as u64 {
        let mut instance = data::Instance::new(&layout, id);
        let from = all.len();
        let values = || Vec::with_capacity(samples);
        all.extend(instance.labels(&layout).into_iter().map(|labels| Series {
            labels,
            times: times.len(),
            values: values(),
        }));
        let mut column = Vec::new();
        let mut row = Vec::new();
        for step in 0..(skip + samples) as u64 {
            let at =
                instance.step(&layout, step, 1_700_000_000_000 + step as i64 * 15_000, &mut row);
            if step >= skip as u64 {
                column.push(at);
                all[from..]
                    .iter_mut()
                    .zip(&row)
                    .for_each(|(series, value)| series.values.push(*value));
            }
        }
        times.push(column);
    }
    let placed = arrange(&all);
    encode(&all, &times, &placed, mode);
    by_kind(&all, &times, &placed, mode);
    if args.get(5).is_some() {
        others(&all, &placed);
    }
}

fn family(labels: &Labels) -> (&str, u8) {
    let name = labels.metric_name().unwrap_or_default();
    for (at, suffix) in ["_bucket", "_count", "_sum"].iter().enumerate() {
        if let Some(base) = name.strip_suffix(suffix) {
            return (base, at as u8);
        }
    }
    (name, 3)
}

/// Families together, in them a histogram's series, the last bucket first.
fn arrange(all: &[Series]) -> Vec<(usize, Role)> {
    let mut order: Vec<usize> = (0..all.len()).collect();
    order.sort_by_cached_key(|at| {
        let labels = &all[*at].labels;
        let (base, suffix) = family(labels);
        let le: f64 = labels.get("le").and_then(|le| le.parse().ok()).unwrap_or(0.0);
        let rest = labels.filtered(|name| name != "__name__" && name != "le");
        (base.to_owned(), rest, suffix, (-le * 1e6) as i64)
    });
    let role = |at: usize| {
        let labels = &all[at].labels;
        match (family(labels).1, labels.get("le")) {
            (0, Some("+Inf")) => Role::Lead,
            (0 | 1, _) => Role::Member,
            _ => Role::Plain,
        }
    };
    order.into_iter().map(|at| (at, role(at))).collect()
}

fn encode(all: &[Series], times: &[Vec<i64>], placed: &[(usize, Role)], mode: Mode) {
    let mut sections = Vec::new();
    let mut writer = SectionWriter::new(mode);
    let mut best = f64::MAX;
    for _ in 0..5 {
        sections.clear();
        let begun = Instant::now();
        for &(at, role) in placed {
            let series = &all[at];
            if writer.is_full() && role != Role::Member {
                let mut bytes = Vec::new();
                writer.finish(&mut bytes);
                sections.push(bytes);
            }
            writer.push(Columns::floats(role, &times[series.times], &series.values));
        }
        let mut bytes = Vec::new();
        writer.finish(&mut bytes);
        sections.push(bytes);
        best = best.min(begun.elapsed().as_secs_f64());
    }
    let samples: usize = all.iter().map(|series| series.values.len()).sum();
    let bytes: usize = sections.iter().map(Vec::len).sum();
    println!("{mode:?}: {} series, {samples} samples, {} sections", all.len(), sections.len());
    println!("  bytes/sample {:.4}", bytes as f64 / samples as f64);
    println!("  encode ns/sample {:.2}", best * 1e9 / samples as f64);
    let (mut points, mut scratch) = (Points::default(), Scratch::default());
    let mut best = f64::MAX;
    for round in 0..5 {
        let begun = Instant::now();
        let mut next = placed.iter();
        for bytes in &sections {
            let section = Section::open(bytes).unwrap();
            for slot in 0..section.series() {
                points.clear();
                section.read(slot, i64::MIN, i64::MAX, &mut scratch, &mut points).unwrap();
                if round == 0 {
                    let series = &all[next.next().unwrap().0];
                    let same = points
                        .values
                        .iter()
                        .zip(&series.values)
                        .all(|(a, b)| a.to_bits() == b.to_bits());
                    assert!(same && points.times == times[series.times]);
                }
            }
        }
        best = best.min(begun.elapsed().as_secs_f64());
    }
    println!("  decode ns/sample {:.2}", best * 1e9 / samples as f64);
    let mut at = 1u64;
    let begun = Instant::now();
    let rounds = 20_000;
    for _ in 0..rounds {
        at = at.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        let bytes = &sections[(at >> 33) as usize % sections.len()];
        let section = Section::open_unchecked_crc(bytes).unwrap();
        points.clear();
        section
            .read(
                (at >> 20) as u32 % section.series(),
                i64::MIN,
                i64::MAX,
                &mut scratch,
                &mut points,
            )
            .unwrap();
    }
    println!(
        "  one series at random: {:.2} us",
        begun.elapsed().as_secs_f64() * 1e6 / f64::from(rounds)
    );
    let begun = Instant::now();
    for bytes in &sections {
        Section::open(bytes).unwrap();
    }
    println!(
        "  open and check: {:.2} us a section",
        begun.elapsed().as_secs_f64() * 1e6 / sections.len() as f64
    );
}

/// What each kind takes, as the difference that a section's growth shows.
fn by_kind(all: &[Series], times: &[Vec<i64>], placed: &[(usize, Role)], mode: Mode) {
    let mut kinds: BTreeMap<&str, (usize, usize, usize)> = BTreeMap::new();
    let mut writer = SectionWriter::new(mode);
    let mut before = 0;
    let mut nanos: BTreeMap<&str, u128> = BTreeMap::new();
    for &(at, role) in placed {
        let series = &all[at];
        if writer.is_full() && role != Role::Member {
            writer.finish(&mut Vec::new());
            before = 0;
        }
        let begun = Instant::now();
        writer.push(Columns::floats(role, &times[series.times], &series.values));
        let took = begun.elapsed().as_nanos();
        let kind = kind_of(series, role);
        let entry = kinds.entry(kind).or_default();
        entry.0 += 1;
        entry.1 += series.values.len();
        entry.2 += writer.bytes() - before + 3;
        *nanos.entry(kind).or_default() += took;
        before = writer.bytes();
    }
    let total: usize = kinds.values().map(|kind| kind.1).sum();
    for (kind, (series, samples, bytes)) in &kinds {
        println!(
            "  {kind:14} {series:7} series  {:7.4} bytes/sample  {:7.4} of the whole  {:6.1} ns/sample",
            *bytes as f64 / *samples as f64,
            *bytes as f64 / total as f64,
            nanos[kind] as f64 / *samples as f64,
        );
    }
}

fn kind_of(series: &Series, role: Role) -> &str {
    let name = series.labels.metric_name().unwrap();
    match family(&series.labels).1 {
        0 if role == Role::Lead => "hist +Inf",
        0 => "hist bucket",
        1 => "hist count",
        2 => "hist sum",
        _ if name.contains("_c") && name.ends_with("total") => {
            let same = series.values.windows(2).all(|v| v[0] == v[1]);
            let grown = (series.values[series.values.len() - 1] - series.values[0]).abs()
                / series.values.len() as f64;
            match () {
                () if same => "counter idle",
                () if grown < 1.0 => "counter slow",
                () => "counter",
            }
        }
        _ => name.rsplit('_').next().unwrap(),
    }
}

/// The same columns in other codecs.
fn others(all: &[Series], placed: &[(usize, Role)]) {
    let mut kinds: BTreeMap<&str, Vec<&[f64]>> = BTreeMap::new();
    for &(at, role) in placed {
        kinds.entry(kind_of(&all[at], role)).or_default().push(&all[at].values);
    }
    let mut totals: BTreeMap<String, (usize, u128, u128)> = BTreeMap::new();
    for (kind, columns) in &kinds {
        let samples: usize = columns.iter().map(|column| column.len()).sum();
        let per = |bytes: usize| bytes as f64 / samples as f64;
        let gorilla: usize = columns.iter().map(|column| alternatives::gorilla(column)).sum();
        print!("  {kind:14} xor {:7.4}", per(gorilla));
        totals.entry("xor".into()).or_default().0 += gorilla;
        for (name, group, level) in [
            ("pco4", 1, 4),
            ("pco8", 1, 8),
            ("pco12", 1, 12),
            ("pco8/20", 20, 8),
            ("pco8/120", 120, 8),
        ] {
            let groups: Vec<Vec<&[f64]>> = columns.chunks(group).map(<[_]>::to_vec).collect();
            let measured = alternatives::pco(&groups, level);
            print!(
                "  {name} {:7.4} ({:.0}/{:.1} ns)",
                per(measured.bytes),
                measured.encode_ns as f64 / samples as f64,
                measured.decode_ns as f64 / samples as f64
            );
            let total = totals.entry(name.into()).or_default();
            *total = (
                total.0 + measured.bytes,
                total.1 + measured.encode_ns,
                total.2 + measured.decode_ns,
            );
        }
        println!();
    }
    let samples: usize = all.iter().map(|series| series.values.len()).sum();
    for (name, (bytes, encode, decode)) in totals {
        let each = |total: u128| total as f64 / samples as f64;
        println!(
            "  {name:9} values only: {:.4} bytes/sample, {:.1} / {:.1} ns/sample",
            each(bytes as u128),
            each(encode),
            each(decode)
        );
    }
}
