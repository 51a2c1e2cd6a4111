//! Compares what the clients were told with what is there.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::Arc,
};

use camino::Utf8PathBuf;
use events::Events;
use model::{SpanStatus, Timestamp};
use serde_json::Value;

use super::{
    acts,
    book::Book,
    facts::{self, of, text, texts},
};
use crate::{
    http,
    receiver::{Arrival, Receiver},
};

/// Notifications without an outcome or never received, and acts without an end.
pub(super) fn owed(all: &[Value], arrivals: &[Arrival]) -> BTreeSet<String> {
    let ids = |kind, pointer| -> BTreeSet<String> {
        of(all, kind).map(|fact| text(fact, pointer).to_owned()).collect()
    };
    let came: BTreeSet<String> = arrivals.iter().map(|page| page.id.clone()).collect();
    let delivered = ids("notification.delivered", "/notification");
    let sent = &delivered & &came;
    let mut owed = &ids("notification.queued", "/notification") - &sent;
    owed.append(&mut (&ids("act.requested", "/act/id") - &ids("act.ended", "/id")));
    owed
}

pub(super) async fn over_http(book: &Book, receiver: &Receiver, url: &str, folder: &Path) {
    let all = facts::all(url).await;
    is_a_chain(&all);
    has_every_answer(book, &all);
    has_every_deploy(book, &all);
    has_every_configuration(book, &all);
    paged(book, &all, &receiver.arrivals());
    acted_once(&all, folder);
    counted(book, url).await;
    has_every_sample(book, url).await;
}

fn is_a_chain(all: &[Value]) {
    let numbers: Vec<u64> = all.iter().filter_map(|fact| fact["seq"].as_u64()).collect();
    assert!(numbers.iter().copied().eq(1..=all.len() as u64), "numbers are missing or doubled");
    let ids: BTreeSet<&str> = all.iter().filter_map(|fact| fact["id"].as_str()).collect();
    assert_eq!(ids.len(), all.len(), "two facts have one id");
}

/// Each answered order is there once, each unanswered one at most once.
fn has_every_answer(book: &Book, all: &[Value]) {
    let kinds: BTreeSet<&str> = book.answered.iter().map(|((kind, _), _)| *kind).collect();
    let mut seqs: BTreeMap<(&str, String), Vec<u64>> = BTreeMap::new();
    for kind in kinds {
        for fact in of(all, kind) {
            let mut found = Vec::new();
            texts(&fact["payload"], &mut found);
            for text in found.into_iter().collect::<BTreeSet<_>>() {
                seqs.entry((kind, text)).or_default().push(fact["seq"].as_u64().unwrap());
            }
        }
    }
    for (trace, answered) in &book.answered {
        let found = seqs.get(&(trace.0, trace.1.clone())).map_or(&[][..], Vec::as_slice);
        assert!(
            found.len() == 1 && found[0] <= *answered,
            "{trace:?} was answered as {answered} and is there as {found:?}"
        );
    }
    for trace in &book.unanswered {
        let found = seqs.get(&(trace.0, trace.1.clone())).map_or(0, Vec::len);
        assert!(found <= 1, "{trace:?} is there {found} times");
    }
}

fn has_every_deploy(book: &Book, all: &[Value]) {
    let mut stored: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for fact in of(all, "deploy.recorded") {
        let key = text(fact, "/deploy/idempotency_key");
        stored.entry(key).or_default().push(text(fact, "/deploy/id"));
    }
    for (key, id) in &book.deploys {
        let found = stored.get(key.as_str());
        assert_eq!(found, Some(&vec![id.as_str()]), "deploy `{key}` is there once, as answered");
    }
}

fn has_every_configuration(book: &Book, all: &[Value]) {
    for (seq, hash) in &book.applied {
        let fact = &all[usize::try_from(*seq).unwrap() - 1];
        assert_eq!(fact["kind"], "config.applied", "{fact}");
        assert_eq!(text(fact, "/hash"), hash, "fact {seq}");
    }
}

/// Every notification was queued once and delivered once, and came under its id with the body of the fact.
fn paged(book: &Book, all: &[Value], arrivals: &[Arrival]) {
    let mut queued: BTreeMap<&str, &str> = BTreeMap::new();
    for fact in of(all, "notification.queued") {
        let twice = queued.insert(text(fact, "/notification"), text(fact, "/payload"));
        assert_eq!(twice, None, "queued twice");
    }
    let delivered: Vec<&str> =
        of(all, "notification.delivered").map(|fact| text(fact, "/notification")).collect();
    let once: BTreeSet<&str> = delivered.iter().copied().collect();
    assert_eq!(once.len(), delivered.len(), "delivered twice");
    assert_eq!(once, queued.keys().copied().collect(), "each page owed is delivered");
    for page in &book.pages {
        assert!(once.contains(page.as_str()), "the acknowledged page `{page}` was never sent");
    }
    let mut bodies: BTreeMap<&str, &str> = BTreeMap::new();
    for page in arrivals {
        assert!(queued.contains_key(page.id.as_str()), "`{}` came and is no fact", page.id);
        let first = bodies.entry(&page.id).or_insert(&page.body);
        assert_eq!(*first, page.body, "`{}` came with another body", page.id);
    }
    println!("{} notifications in {} arrivals", queued.len(), arrivals.len());
}

/// No act was started or ended twice, and each program ran at most once; once where it is said to have succeeded.
fn acted_once(all: &[Value], folder: &Path) {
    let mut runs: BTreeMap<String, u32> = BTreeMap::new();
    for entry in std::fs::read_dir(acts(folder)).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        *runs.entry(name.rsplit_once('-').unwrap().0.to_owned()).or_default() += 1;
    }
    for kind in ["act.requested", "act.started", "act.ended"] {
        let ids: Vec<&str> = of(all, kind)
            .map(|fact| text(fact, if kind == "act.requested" { "/act/id" } else { "/id" }))
            .collect();
        let once: BTreeSet<&str> = ids.iter().copied().collect();
        assert_eq!(once.len(), ids.len(), "`{kind}` twice for one act");
        println!("{}: {}", kind, ids.len());
    }
    let started: BTreeSet<&str> = of(all, "act.started").map(|fact| text(fact, "/id")).collect();
    for (act, count) in &runs {
        assert!(started.contains(act.as_str()), "`{act}` ran before its fact");
        assert_eq!(*count, 1, "`{act}` ran {count} times");
    }
    for fact in of(all, "act.ended").filter(|fact| text(fact, "/outcome/is") == "succeeded") {
        let id = text(fact, "/id");
        assert!(runs.contains_key(id), "`{id}` succeeded and left nothing");
    }
}

async fn get(url: &str) -> Value {
    http().get(url).send().await.unwrap().json().await.unwrap()
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "counts")]
async fn counted(book: &Book, url: &str) {
    let slo = get(&format!("{url}/evenkeel/v1/slos/orders")).await;
    let count = |name: &str| slo["budget"][name].as_f64().unwrap() as u64;
    let counted = (count("total_events"), count("bad_events"));
    assert_eq!(counted, book.counted(), "the SLI counts equal a recount");
}

async fn has_every_sample(book: &Book, url: &str) {
    for ((metric, client), sent) in &book.samples {
        let query = format!("{url}/api/v1/query?query={metric}%7Bclient%3D%22{client}%22%7D[1d]");
        let answer = get(&query).await;
        let values = answer["data"]["result"][0]["values"].as_array();
        let values = values.unwrap_or_else(|| panic!("{query}: {answer}"));
        #[expect(clippy::cast_possible_truncation, reason = "milliseconds of this century")]
        let stored: Vec<(i64, f64)> = values
            .iter()
            .map(|pair| {
                let at = (pair[0].as_f64().unwrap() * 1000.0).round() as i64;
                (at, pair[1].as_str().unwrap().parse().unwrap())
            })
            .collect();
        let sent: Vec<(i64, f64)> = sent.iter().map(|(at, value)| (*at, *value)).collect();
        assert_eq!(stored, sent, "{metric} of {client}");
    }
}

/// Reads the store of spans and logs itself, once nobody else has it.
pub(super) fn on_disk(book: &Book, folder: &Path) {
    let dir = Utf8PathBuf::try_from(folder.join("data/events")).unwrap();
    let disk = Arc::new(wal::RealDisk);
    let (store, _) = Events::open(events::Options::new(dir), disk, Timestamp::default()).unwrap();
    let mut spans: BTreeMap<u64, bool> = BTreeMap::new();
    let mut logs: BTreeMap<String, u64> = BTreeMap::new();
    let read = store.replay(events::Position::START, |_, some_spans, some_logs| {
        for span in some_spans {
            let bad = span.status == SpanStatus::Error;
            spans.insert(u64::from_be_bytes(span.span_id.0), bad);
        }
        for log in some_logs {
            *logs.entry(log.body.as_str().unwrap().to_owned()).or_default() += 1;
        }
    });
    let read = read.unwrap();
    assert!(read.complete && read.undecodable == 0, "{read:?}");
    assert_eq!(spans.len(), book.spans.len(), "spans that nobody sent, or that are lost");
    assert_eq!(spans, book.spans, "every acknowledged span is there as it was sent");
    for (text, tries) in &book.logs {
        let found = logs.remove(text).unwrap_or(0);
        assert!(
            (1..=*tries).contains(&found),
            "`{text}` was sent {tries} times and is there {found} times"
        );
    }
    assert!(logs.is_empty(), "logs that nobody sent: {logs:?}");
}
