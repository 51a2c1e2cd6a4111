//! Times a difference of 1 M events with 60 keys as dictionary ids: `cargo run --release --example different`.
#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a report of measurements"
)]

use std::time::Instant;

use triage::difference::{Counter, ValueId};

const EVENTS: usize = 1_000_000;
const KEYS: usize = 60;

fn main() {
    let names: Vec<String> = (0..KEYS).map(|n| format!("key{n}")).collect();
    let mut counter = Counter::new(&names.iter().map(String::as_str).collect::<Vec<_>>());
    // From two values a key to identifiers; the first two decide the side together.
    let sizes: Vec<usize> =
        (0..KEYS).map(|n| [3, 4, 2, 8, 20, 50, 200, 900, 5000][n % 9]).collect();
    let ids: Vec<Vec<ValueId>> = (0..KEYS)
        .map(|key| {
            let id = counter.key(&names[key]).unwrap();
            (0..sizes[key])
                .map(|value| {
                    if key % 9 == 7 {
                        counter.number(id, value as f64)
                    } else {
                        counter.text(id, &format!("v{value}"))
                    }
                })
                .collect()
        })
        .collect();
    let mut state = 1_u64;
    let mut next = move || {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).unwrap()
    };
    let mut rows: Vec<Option<ValueId>> = Vec::with_capacity(EVENTS * KEYS);
    let mut inside = Vec::with_capacity(EVENTS);
    for _ in 0..EVENTS {
        let at = rows.len();
        rows.extend((0..KEYS).map(|key| {
            // Skewed: the lesser of two draws.
            let value = next() % sizes[key];
            (next() % 8 > 0).then(|| ids[key][value.min(next() % sizes[key])])
        }));
        let guilty = rows[at] == Some(ids[0][1]) && rows[at + 1] == Some(ids[1][2]);
        inside.push(next() % 100 < if guilty { 70 } else { 1 });
    }
    let start = Instant::now();
    for (row, inside) in rows.chunks_exact(KEYS).zip(&inside) {
        counter.observe(*inside, 1.0, row);
    }
    let first = start.elapsed();
    let mut pairs = counter.into_pairs();
    let chosen = start.elapsed();
    for (row, inside) in rows.chunks_exact(KEYS).zip(&inside) {
        pairs.observe(*inside, 1.0, row);
    }
    let second = start.elapsed();
    let found = pairs.into_difference();
    let all = start.elapsed();
    println!(
        "{EVENTS} events of {KEYS} keys: {all:.0?} (singles {first:.0?}, choosing {:.0?}, pairs {:.0?}, ranking {:.0?})",
        chosen - first,
        second - chosen,
        all - second
    );
    println!(
        "{} properties, {} pairs, {} rows, {} set aside",
        found.tested,
        found.pairs_tested,
        found.rows.len(),
        found.set_aside.len()
    );
    for row in found.rows.iter().take(3) {
        println!("{:.3} {}", row.separation_low, row.sentence());
    }
}
