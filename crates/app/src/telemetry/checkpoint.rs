//! The counts' checkpoint: written now and then, read at the start, completed by replaying the logs after it.
//!
//! File `slo/checkpoint`: one line with the SHA-256 of the rest in hexadecimal, then JSON. A damaged one is ignored, and the
//! counts are taken again from the logs as far as these reach.

use std::{
    collections::VecDeque,
    fs,
    io::{self, Write as _},
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use camino::Utf8Path;
use catalog::Catalog;
use events::{Events, Position};
use model::{Batch, Timestamp};
use sha2::{Digest, Sha256};
use slo::{Counters, Slo};
use tsdb::Tsdb;

use super::{FirstSeen, SignalSeen, Stores, writer::Checkpoints};
use crate::{
    control::chain,
    record::{
        counters::{CountersCheckpoint, FirstSnapshot, ServiceFirst},
        disk::Disk,
    },
};

const FILE: &str = "checkpoint";
/// How far before the checkpoint spans are read again, so that those sent twice count once.
const SEED_BEFORE: Duration = Duration::from_secs(15 * 60);

/// Writes the counts as they are between two batches.
pub(super) fn write(stores: &Stores, to: &Checkpoints, now: Timestamp) -> Result<(), String> {
    let checkpoint = {
        let counters = stores.counters.lock();
        CountersCheckpoint {
            events: stores.events.position(),
            metrics: stores.metrics.position(),
            journal_seq: to.backfilled_seq.load(Ordering::Acquire),
            at: now,
            counters: counters.snapshot(),
            first: Some(first(stores)),
        }
    };
    let json = checkpoint.to_json().to_string();
    let text = format!("{}\n{json}", hex::encode(Sha256::digest(json.as_bytes())));
    replace(&to.dir, text.as_bytes()).map_err(|error| chain(&error))?;
    stores.metrics.keep_from(checkpoint.metrics);
    stores.events.keep_from(checkpoint.events);
    Ok(())
}

/// What was heard of first, and when.
fn first(stores: &Stores) -> FirstSnapshot {
    let at = {
        let seen = stores.seen.lock();
        [seen.spans.first_at, seen.logs.first_at, seen.samples.first_at]
    };
    let catalog = stores.catalog.read();
    let service = |((service, environment), first): (&catalog::Key, catalog::First)| ServiceFirst {
        service: service.clone(),
        environment: environment.clone(),
        by: first.by,
        at: first.at,
    };
    FirstSnapshot {
        spans_at: at[0],
        logs_at: at[1],
        samples_at: at[2],
        services: catalog.first().map(service).collect(),
    }
}

/// Puts the file in place of the old one, so that a reader sees one or the other, whole.
fn replace(dir: &Utf8Path, bytes: &[u8]) -> io::Result<()> {
    let new = dir.join("checkpoint.new");
    let mut file = fs::File::create(&new)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&new, dir.join(FILE))?;
    fs::File::open(dir)?.sync_all()
}

fn read(dir: &Utf8Path) -> Option<CountersCheckpoint> {
    let text = fs::read_to_string(dir.join(FILE)).ok()?;
    let (digest, json) = text.split_once('\n')?;
    let checkpoint = (hex::encode(Sha256::digest(json.as_bytes())) == digest)
        .then(|| serde_json::from_str(json).ok())
        .flatten()
        .and_then(|json| CountersCheckpoint::from_json(&json).ok());
    if checkpoint.is_none() {
        tracing::warn!(
            "the checkpoint of the SLI counts is damaged; counting again from the telemetry logs"
        );
    }
    checkpoint
}

/// Counts and catalogue as they were, and the fact up to which back-fills are in the counts.
#[derive(Debug)]
pub(crate) struct Recovered {
    pub(crate) counters: Counters,
    pub(crate) catalog: Catalog,
    pub(crate) seen: FirstSeen,
    pub(crate) backfilled_seq: u64,
}

/// The SLOs of the configuration at hand.
#[derive(Debug)]
pub(crate) struct Configured {
    pub(crate) slos: Vec<Slo>,
    /// Whether these are the ones that are in force: otherwise the counts of others are kept.
    pub(crate) for_certain: bool,
}

/// The counts that a process which never stopped would have.
///
/// # Errors
/// When a log cannot be read.
pub(crate) fn recover(
    dir: &Utf8Path,
    events: &Events,
    metrics: &Tsdb,
    configured: Configured,
    now: Timestamp,
) -> Result<Recovered, String> {
    let found = read(dir);
    let (from_events, from_metrics) = found
        .as_ref()
        .map_or((Position::START, Position::START), |found| (found.events, found.metrics));
    // Until the next checkpoint says otherwise, another kill needs it again.
    metrics.keep_from(from_metrics);
    events.keep_from(from_events);
    let mut later = Vec::new();
    let replayed = events.replay(from_events, |received_at, spans, logs| {
        later.push(Batch { received_at, spans, logs, ..Batch::default() });
    });
    replayed.map_err(|error| chain(&error))?;
    let spans_after = later.len();
    // The samples that nobody counts need not be read again: there may be millions.
    let counted = Counters::new(configured.slos.clone()).counted_metrics();
    metrics.watch(Arc::new(move |labels| counted.contains(labels)));
    let replayed = metrics.replay(from_metrics, |received_at, series| {
        later.push(Batch { received_at, series: series.to_vec(), ..Batch::default() });
    });
    replayed.map_err(|error| chain(&error))?;
    later.sort_by_key(|batch| batch.received_at);

    let mut counters = match &found {
        Some(found) if configured.for_certain => {
            Counters::restore(&found.counters, configured.slos)
        }
        Some(found) => Counters::restore_keeping(&found.counters, configured.slos),
        None => Counters::new(configured.slos),
    };
    let (mut catalog, mut seen) = remembered(found.as_ref().and_then(|found| found.first.as_ref()));
    let seed_from = events.position_at(found.as_ref().map_or(now, |found| found.at) - SEED_BEFORE);
    // The last `spans_after` of these come after the checkpoint: they wait in `held` and are counted below.
    let mut held = VecDeque::new();
    let seeded = events.replay(seed_from, |received_at, spans, logs| {
        let batch = Batch { received_at, spans, logs, ..Batch::default() };
        catalog.observe(&batch);
        held.push_back(batch);
        if held.len() > spans_after
            && let Some(batch) = held.pop_front()
        {
            counters.seed(&batch);
        }
    });
    seeded.map_err(|error| chain(&error))?;
    for batch in &later {
        counters.observe(batch);
        seen.recall(batch);
        if !batch.series.is_empty() {
            // Spans and logs it has from the seed.
            catalog.observe(batch);
        }
    }
    Ok(Recovered {
        counters,
        catalog,
        seen,
        backfilled_seq: found.map_or(0, |found| found.journal_seq),
    })
}

fn remembered(first: Option<&FirstSnapshot>) -> (Catalog, FirstSeen) {
    let (mut catalog, mut seen) = (Catalog::default(), FirstSeen::default());
    if let Some(first) = first {
        seen.spans = SignalSeen::since(first.spans_at);
        seen.logs = SignalSeen::since(first.logs_at);
        seen.samples = SignalSeen::since(first.samples_at);
        catalog.remember(first.services.iter().map(|one| {
            let key = (one.service.clone(), one.environment.clone());
            (key, catalog::First { by: one.by, at: one.at })
        }));
    }
    (catalog, seen)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_heard_of_first_is_read_back() {
        let at = Timestamp::from_secs(1_795_000_000);
        let cart = ServiceFirst {
            service: "cart".into(),
            environment: "prod".into(),
            by: catalog::Heard::Sample,
            at,
        };
        let snapshot = FirstSnapshot {
            spans_at: Some(at),
            logs_at: None,
            samples_at: Some(at),
            services: vec![cart],
        };
        let read = FirstSnapshot::from_json(&snapshot.to_json()).unwrap();
        assert_eq!(read, snapshot);
        let (catalog, seen) = remembered(Some(&read));
        assert_eq!((seen.spans.first_at, seen.logs.first_at), (Some(at), None));
        let first: Vec<_> = catalog.first().map(|(key, first)| (&*key.0, first.by)).collect();
        assert_eq!(first, [("cart", catalog::Heard::Sample)]);
        assert!(catalog.get("cart", "prod").is_none(), "it is not heard of now");
    }
}
