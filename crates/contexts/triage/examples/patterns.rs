//! Prints the templates of log files and how fast lines were mined: `cargo run --release --example patterns -- FILE…`.
//! A line that begins with blanks, or with no `[` where the first line of the file has one, belongs to the one before.
#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::cast_precision_loss,
    reason = "a report of measurements"
)]

use std::time::Instant;

use model::Timestamp;
use triage::patterns::Miner;

fn main() {
    let mut records: Vec<String> = Vec::new();
    for path in std::env::args().skip(1) {
        let text = std::fs::read_to_string(&path).unwrap();
        let bracketed = text.starts_with('[');
        let first = records.len();
        for line in text.lines() {
            let goes_on = line.starts_with([' ', '\t']) || (bracketed && !line.starts_with('['));
            match records[first..].last_mut() {
                Some(record) if goes_on => {
                    record.push('\n');
                    record.push_str(line);
                }
                _ => records.push(line.to_owned()),
            }
        }
    }
    let mut miner = Miner::default();
    for record in &records {
        miner.observe(record, 0, Timestamp::EPOCH);
    }
    let start = Instant::now();
    let templates = miner.templates();
    let merging = start.elapsed();
    for template in &templates {
        println!("{:6} {} {template}", template.count(), template.id());
    }
    let shapes = miner.clone();
    let rounds = (2_000_000 / records.len().max(1)).max(1);
    let start = Instant::now();
    for _ in 0..rounds {
        for record in &records {
            miner.observe(record, 0, Timestamp::EPOCH);
        }
    }
    let seconds = start.elapsed().as_secs_f64();
    let bytes: usize = records.iter().map(String::len).sum();
    println!(
        "{} records, {} templates, {} in other; merged in {merging:.1?}; {:.0} k lines/s, {:.0} MB/s",
        records.len(),
        templates.len(),
        shapes.other().count,
        (records.len() * rounds) as f64 / seconds / 1e3,
        (bytes * rounds) as f64 / seconds / 1e6
    );
}
