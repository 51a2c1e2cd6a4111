//! Flipped bits: what is damaged is missed and told, never read wrong.

mod codecs;

use camino::{Utf8Path, Utf8PathBuf};
use model::Matcher;
use proptest::prelude::*;
use tsdb::Tsdb;
use wal::{Disk, SimDisk};

use crate::{Contents, append_at, open, options, read, secs};

fn files(disk: &SimDisk, dir: &str) -> Vec<Utf8PathBuf> {
    disk.files().into_iter().filter(|path| path.parent() == Some(Utf8Path::new(dir))).collect()
}

/// All that can be read, and whether something was told to be missing.
fn damaged_contents(store: &Tsdb) -> (Contents, bool) {
    let selection = store.select(&[], i64::MIN, i64::MAX).unwrap();
    let contents = read(&selection);
    (contents, !selection.warnings().is_empty())
}

fn count(contents: &Contents) -> usize {
    contents.values().map(std::collections::BTreeMap::len).sum()
}

fn assert_part_of(found: &Contents, whole: &Contents) {
    for (labels, samples) in found {
        assert!(whole.contains_key(labels), "{labels} was never there");
        let known = &whole[labels];
        assert!(samples.iter().all(|(at, value)| known.get(at) == Some(value)), "{labels}");
    }
}

#[test]
fn a_flipped_byte_in_the_log_costs_one_request_at_most() {
    const RECORDS: i64 = 1000;
    let disk = SimDisk::new(1);
    let (store, _) = open(&disk, options(), secs(0));
    for second in 0..RECORDS {
        append_at(&store, second, 1);
    }
    let (whole, _) = damaged_contents(&store);
    let path = files(&disk, "t/wal").remove(0);
    let size = disk.size(&path).unwrap();
    // The records are of the same length, and the step shares no factor with it: every place of a record is met.
    for at in (0..size).step_by(47) {
        disk.flip(&path, at, 1 << (at % 8));
        let (reopened, recovery) = open(&disk, options(), secs(RECORDS));
        let (found, _) = damaged_contents(&reopened);
        assert_part_of(&found, &whole);
        let lost = if at < 96 { 0 } else { 1 };
        assert_eq!(count(&found), 1000 - lost, "byte {at}");
        assert_eq!(recovery.damage.regions_total, lost as u64, "byte {at}");
        disk.flip(&path, at, 1 << (at % 8));
        // Opening begins nothing as long as nothing is appended.
        assert_eq!(files(&disk, "t/wal").len(), 1);
    }
}

#[test]
fn a_flipped_byte_in_the_registry_costs_nothing() {
    let disk = SimDisk::new(1);
    let (store, _) = open(&disk, options(), secs(0));
    for second in 0..10 {
        append_at(&store, second, 1 + usize::try_from(second).unwrap());
    }
    store.flush(secs(10)).unwrap();
    append_at(&store, 11, 12);
    let (whole, _) = damaged_contents(&store);
    for dir in ["t/series", "t/series2"] {
        let path = files(&disk, dir).remove(0);
        for at in 0..disk.size(&path).unwrap() {
            let copy = SimDisk::new(at);
            for path in disk.files() {
                copy.put(&path, &disk.read(&path).unwrap());
            }
            copy.flip(&path, at, 1 << (at % 8));
            let (reopened, recovery) = open(&copy, options(), secs(20));
            assert_eq!((recovery.orphans, recovery.undecodable), (0, 0), "{path} byte {at}");
            assert_eq!(damaged_contents(&reopened), (whole.clone(), false), "{path} byte {at}");
            // It was mended: damage to the other log now costs nothing either.
            drop(reopened);
            let (_, recovery) = open(&copy, options(), secs(20));
            assert!(at < 96 || recovery.damage.is_none(), "{path} byte {at}: {recovery:?}");
        }
    }
}

#[test]
fn a_flipped_byte_in_a_part_costs_one_section_and_is_told() {
    let disk = SimDisk::new(1);
    let (store, _) = open(&disk, options(), secs(0));
    for second in 0..800 {
        append_at(&store, second, 40);
    }
    store.flush(secs(800)).unwrap();
    for second in 800..860 {
        store.maintain(secs(second)).unwrap();
    }
    let (whole, _) = damaged_contents(&store);
    let path = files(&disk, "t/parts").remove(0);
    let size = disk.size(&path).unwrap();
    assert_eq!(files(&disk, "t/parts").len(), 1);
    let mut lost_some = 0;
    for at in 0..size {
        disk.flip(&path, at, 1 << (at % 8));
        let (reopened, _) = open(&disk, options(), secs(860));
        let (found, is_told) = damaged_contents(&reopened);
        assert_part_of(&found, &whole);
        let lost = count(&whole) - count(&found);
        assert_eq!(lost > 0, is_told, "byte {at}");
        assert!(lost <= 32 << 10, "byte {at}: {lost} samples");
        lost_some += u32::from(lost > 0);
        if lost > 0 {
            let stats = reopened.stats();
            assert_eq!(stats.parts_damaged_total, 1);
            assert_eq!(stats.parts_damaged[0].samples, lost as u64);
            assert!(stats.parts_damaged[0].quarantined.is_some() || at % 97 != 0);
            if at % 97 == 0 {
                assert!(!reopened.verify().unwrap().is_sound());
            }
        }
        disk.flip(&path, at, 1 << (at % 8));
    }
    assert!(u64::from(lost_some) > size / 2, "most bytes are of sections");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn rubbish_in_files_never_panics_and_is_never_a_sample(
        flips in prop::collection::vec((any::<prop::sample::Index>(), 0_u64..6000, 1_u8..), 0..40),
        rubbish: Vec<u8>,
        whole_files in any::<bool>(),
    ) {
        let disk = SimDisk::new(1);
        let (store, _) = open(&disk, options(), secs(0));
        for second in 0..60 {
            append_at(&store, second, 2);
            if second % 25 == 24 {
                store.flush(secs(second)).unwrap();
            }
        }
        let (whole, _) = damaged_contents(&store);
        let all = disk.files();
        for (file, at, mask) in &flips {
            let path = &all[file.index(all.len())];
            disk.flip(path, at % disk.size(path).unwrap().max(1), *mask);
        }
        if whole_files {
            for dir in ["t/wal", "t/series", "t/exemplars"] {
                disk.put(&Utf8Path::new(dir).join("0000000000000099.wal"), &rubbish);
            }
            disk.put(Utf8Path::new("t/parts/0000000000000099.part"), &rubbish);
        }
        let (store, _) = open(&disk, options(), secs(60));
        let (found, _) = damaged_contents(&store);
        assert_part_of(&found, &whole);
        let one = [Matcher::equal("instance", "1")];
        prop_assert!(store.series(&one, 0, i64::MAX).len() <= 1);
        append_at(&store, 70, 2);
        store.flush(secs(70)).unwrap();
        for second in 70..100 {
            store.maintain(secs(second)).unwrap();
        }
        let (found, _) = damaged_contents(&store);
        let late = |second: i64| found.values().filter(|samples| samples.contains_key(&(second * 1000))).count();
        prop_assert_eq!(late(70), 2);
    }
}
