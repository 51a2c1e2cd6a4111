//! Encoding and decoding sections of a synthetic fleet, and selecting from an index.
//!
//! `cargo bench -p tsdb --bench sections`; throughput is in samples (elements) a second.
#![allow(
    clippy::all,
    clippy::pedantic,
    clippy::restriction,
    reason = "a measurement, not a product"
)]

#[path = "../examples/fleet/data.rs"]
mod data;

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use model::{MatchOp, Matcher, Points};
use tsdb::{
    codec::{Columns, Mode, Role, Scratch, Section, SectionWriter},
    index::Index,
};

/// The series of one instance in the order of parts, their roles and their samples, and the times of all.
struct Fleet {
    placed: Vec<(Role, Vec<f64>)>,
    times: Vec<i64>,
}

fn fleet(samples: usize) -> Fleet {
    let layout = data::Layout { scalars: 64, hist: 3, interval: 15_000, jitter: 0, seed: 1 };
    let mut instance = data::Instance::new(&layout, 1);
    let labels = instance.labels(&layout);
    let mut columns = vec![Vec::with_capacity(samples); labels.len()];
    let (mut times, mut row) = (Vec::new(), Vec::new());
    for step in 0..samples as u64 {
        times.push(instance.step(&layout, step, step as i64 * 15_000, &mut row));
        columns.iter_mut().zip(&row).for_each(|(column, value)| column.push(*value));
    }
    let index = Index::new();
    let ids: Vec<u32> = labels.iter().map(|labels| index.insert(labels).0).collect();
    let arranged = index.arrange(&ids.iter().copied().collect());
    let placed = arranged.into_iter().map(|(id, role)| {
        let at = ids.iter().position(|other| *other == id).unwrap();
        (role, std::mem::take(&mut columns[at]))
    });
    Fleet { placed: placed.collect(), times }
}

fn encode(fleet: &Fleet, writer: &mut SectionWriter, out: &mut Vec<Vec<u8>>) {
    out.clear();
    for (role, values) in &fleet.placed {
        if writer.is_full() && *role != Role::Member {
            let mut bytes = Vec::new();
            writer.finish(&mut bytes);
            out.push(bytes);
        }
        writer.push(Columns::floats(*role, &fleet.times, values));
    }
    let mut bytes = Vec::new();
    writer.finish(&mut bytes);
    out.push(bytes);
}

fn sections(criterion: &mut Criterion) {
    for (name, mode, samples) in [("dense 480", Mode::Dense, 480), ("fast 30", Mode::Fast, 30)] {
        let fleet = fleet(samples);
        let mut group = criterion.benchmark_group(name);
        group
            .throughput(Throughput::Elements((fleet.placed.len() * samples) as u64))
            .sample_size(20);
        let (mut writer, mut out) = (SectionWriter::new(mode), Vec::new());
        group.bench_function("encode", |bencher| {
            bencher.iter(|| encode(&fleet, &mut writer, &mut out))
        });
        encode(&fleet, &mut writer, &mut out);
        let (mut scratch, mut points) = (Scratch::default(), Points::default());
        group.bench_function("decode", |bencher| {
            bencher.iter(|| {
                for bytes in &out {
                    let section = Section::open(bytes).unwrap();
                    for slot in 0..section.series() {
                        points.clear();
                        section.read(slot, i64::MIN, i64::MAX, &mut scratch, &mut points).unwrap();
                        black_box(&points);
                    }
                }
            });
        });
        group.finish();
    }
}

fn select(criterion: &mut Criterion) {
    let layout = data::Layout { scalars: 64, hist: 3, interval: 15_000, jitter: 0, seed: 1 };
    let index = Index::new();
    for id in 0..50 {
        for labels in data::Instance::new(&layout, id).labels(&layout) {
            index.insert(&labels);
        }
    }
    let matcher = |name, op, value: &str| Matcher::new(name, op, value).unwrap();
    let name = || matcher("__name__", MatchOp::Equal, "svc_c08_requests_total");
    let mut group = criterion.benchmark_group("select of 100k");
    group.sample_size(20);
    let queries = [
        ("name", vec![name()]),
        (
            "name, service, not status",
            vec![
                name(),
                matcher("service", MatchOp::Equal, "cart"),
                matcher("status", MatchOp::NotEqual, "200"),
            ],
        ),
        ("name, set", vec![name(), matcher("method", MatchOp::Regex, "GET|POST")]),
        ("name, expression", vec![name(), matcher("instance", MatchOp::Regex, "10.0.1.*")]),
    ];
    for (what, matchers) in &queries {
        group.bench_function(*what, |bencher| bencher.iter(|| index.select(matchers)));
    }
    group.finish();
}

criterion_group!(benches, sections, select);
criterion_main!(benches);
