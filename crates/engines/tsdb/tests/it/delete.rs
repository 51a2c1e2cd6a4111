//! Deletions, snapshots, exemplars.

use model::{Exemplar, Labels, Matcher, SeriesExemplars};
use tsdb::{EXEMPLARS_MAX, Incoming};
use wal::SimDisk;

use crate::{append_at, contents, labels, open, options, secs};

#[test]
fn what_is_deleted_is_gone_and_what_comes_later_is_not() {
    let disk = SimDisk::new(1);
    let (store, _) = open(&disk, options(), secs(0));
    for second in 0..100 {
        append_at(&store, second, 3);
        if second == 50 {
            store.flush(secs(50)).unwrap();
        }
    }
    let one = [Matcher::equal("instance", "1")];
    assert_eq!(store.delete(secs(100), &one, 20_000, 69_000).unwrap().series, 1);
    let check = |store: &tsdb::Tsdb, after: usize| {
        let contents = contents(store);
        assert_eq!(contents[&labels("up", 0)].len(), 100);
        assert_eq!(contents[&labels("up", 1)].len(), 50 + after);
        assert!(contents[&labels("up", 1)].range(20_000..40_000).next().is_none());
    };
    check(&store, 0);
    let late = crate::series(&labels("up", 1), &[(50_000, 9.0)]);
    store.append(secs(101), &crate::floats(&[late])).unwrap();
    check(&store, 1);
    check(&open(&disk, options(), secs(101)).0, 1);
    store.flush(secs(101)).unwrap();
    for second in 101..160 {
        store.maintain(secs(second)).unwrap();
    }
    let stats = store.stats();
    assert_eq!((stats.tombstones, stats.samples, stats.parts), (0, 251, 1));
    check(&store, 1);
    let newest = crate::series(&labels("up", 2), &[(99_000, 297.0)]);
    assert_eq!(
        store.append(secs(160), &crate::floats(std::slice::from_ref(&newest))).unwrap().duplicates,
        1
    );
    store.delete(secs(160), &[Matcher::equal("instance", "2")], i64::MIN, i64::MAX).unwrap();
    assert_eq!(
        store.append(secs(160), &crate::floats(&[newest])).unwrap().samples,
        1,
        "it was gone"
    );
    store.delete(secs(160), &[Matcher::equal("instance", "2")], i64::MIN, i64::MAX).unwrap();
    for second in 160..220 {
        store.maintain(secs(second)).unwrap();
    }
    assert_eq!(store.label_values("instance", &[], 0, i64::MAX).len(), 2);
    assert_eq!(store.delete(secs(220), &[Matcher::equal("a", "b")], 0, 1).unwrap().series, 0);
}

#[test]
fn a_snapshot_is_a_store_of_its_own() {
    let disk = SimDisk::new(1);
    let (store, _) = open(&disk, options(), secs(0));
    for second in 0..60 {
        append_at(&store, second, 3);
        if second == 30 {
            store.flush(secs(30)).unwrap();
        }
    }
    let before = contents(&store);
    store.snapshot("copy".into(), secs(60)).unwrap();
    assert!(store.snapshot("copy".into(), secs(60)).is_err());
    for second in 60..120 {
        append_at(&store, second, 4);
        store.maintain(secs(second + 60)).unwrap();
    }
    disk.power_loss();
    let copied = tsdb::Options { dir: "copy".into(), ..options() };
    let (copy, recovery) = open(&disk, copied, secs(120));
    assert!(recovery.parts_damaged.is_empty() && recovery.damage.is_none());
    assert_eq!(contents(&copy), before);
    append_at(&copy, 130, 3);
}

fn exemplar(at_ms: i64, trace: usize) -> Exemplar {
    Exemplar { labels: Labels::from_pairs([("trace_id", trace.to_string())]), value: 0.5, at_ms }
}

#[test]
fn exemplars_are_kept_within_bounds() {
    let disk = SimDisk::new(1);
    let (store, _) = open(&disk, options(), secs(0));
    let append = |instance: usize, exemplars: Vec<Exemplar>| {
        let exemplars = [SeriesExemplars { labels: labels("up", instance), exemplars }];
        let incoming = Incoming { exemplars: &exemplars, ..Incoming::default() };
        store
            .append(secs(10), &incoming)
            .unwrap()
            .exemplars
            .iter()
            .map(|one| one.exemplars.len())
            .sum::<usize>()
    };
    assert_eq!(append(0, vec![exemplar(2000, 1), exemplar(1000, 2)]), 2);
    assert_eq!(append(0, vec![exemplar(2000, 1)]), 0, "it is known");
    assert_eq!(append(1, vec![exemplar(2000, 1)]), 1);
    let one = [Matcher::equal("instance", "0")];
    let expected = [SeriesExemplars {
        labels: labels("up", 0),
        exemplars: vec![exemplar(1000, 2), exemplar(2000, 1)],
    }];
    assert_eq!(store.exemplars(&one, 0, 5000), expected);
    assert_eq!(store.exemplars(&[], 1500, 5000).len(), 2);
    let (reopened, _) = open(&disk, options(), secs(20));
    assert_eq!(reopened.exemplars(&one, 0, 5000), expected);
    for series in 0..110 {
        let at = i64::try_from(series).unwrap() * 10_000;
        append(series, (0..1000).map(|n| exemplar(at + i64::try_from(n).unwrap(), n)).collect());
    }
    assert!(store.stats().exemplars <= EXEMPLARS_MAX);
    assert!(store.exemplars(&one, 0, i64::MAX).is_empty(), "the oldest went");
}
