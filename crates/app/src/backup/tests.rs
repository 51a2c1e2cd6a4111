//! Backups made beside writers, restored elsewhere, and spoiled.

use std::{
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    thread,
    time::Duration,
};

use journal::{Draft, FactId, Health, Journal as _, SqliteJournal};
use model::Actor;

use super::*;
use crate::data_dir::DataDir;

const NOW: Timestamp = Timestamp::from_secs(1_795_000_000);

fn draft(n: u64) -> Draft {
    Draft {
        id: FactId::from_parts(1_795_000_000_000, u128::from(n)),
        kind: "incident.opened".into(),
        schema: 1,
        occurred_at: NOW,
        actor: Actor::system("test"),
        cause: None,
        namespace: "default".into(),
        subject: "checkout".into(),
        payload: format!("{{\"n\":{n}}}").into_bytes(),
    }
}

/// A data directory with something in every store, and a place for its backup.
struct Sample {
    dir: tempfile::TempDir,
    data: DataDir,
    journal: SqliteJournal,
}

impl Sample {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let data =
            DataDir::open(&Utf8Path::from_path(dir.path()).unwrap().join("data"), NOW).unwrap();
        let mut journal = SqliteJournal::open(&data.journal(), NOW).unwrap();
        journal.append((1..=20).map(draft).collect(), NOW).unwrap();
        journal.checkpoint_now(NOW).unwrap();
        for (folder, name) in [
            (data.metrics(), "wal/1"),
            (data.metrics(), "blocks/1"),
            (data.events(), "wal/1"),
            (data.slo(), "counts"),
        ] {
            let path = folder.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, format!("{path}").repeat(10_000)).unwrap();
        }
        fs::write(data.slo().join("counts.tmp"), "half").unwrap();
        Self { dir, data, journal }
    }

    fn at(&self, name: &str) -> Utf8PathBuf {
        Utf8Path::from_path(self.dir.path()).unwrap().join(name)
    }

    fn backup(&self) -> Manifest {
        backup(self.data.path(), &self.at("backup"), NOW).unwrap()
    }
}

#[test]
fn a_restored_directory_is_equal_and_serves() {
    let sample = Sample::new();
    let manifest = sample.backup();
    let paths: Vec<&str> = manifest.files.iter().map(|file| file.path.as_str()).collect();
    assert_eq!(
        paths,
        [
            "events/wal/1",
            "format",
            "journal/journal.checkpoint",
            "journal/journal.db",
            "journal/journal.key",
            "metrics/blocks/1",
            "metrics/wal/1",
            "slo/counts",
        ]
    );
    let restored = restore(&sample.at("backup"), &sample.at("new"), NOW).unwrap();
    assert_eq!(restored.manifest, manifest);
    assert!(restored.journal.is_whole());
    for file in manifest.files.iter().filter(|file| !file.path.starts_with("journal/")) {
        let read = |dir: &Utf8Path| fs::read(dir.join(&file.path)).unwrap();
        assert_eq!(read(&sample.at("new")), read(sample.data.path()), "{}", file.path);
    }
    let data = DataDir::open(&sample.at("new"), NOW).unwrap();
    assert!(!data.previous_shutdown_unclean());
    let mut journal = SqliteJournal::open(&data.journal(), NOW).unwrap();
    assert_eq!((journal.head(), journal.health()), (sample.journal.head(), Health::Whole));
    journal.append(vec![draft(21)], NOW).unwrap();
    assert!(journal.checkpoint_now(NOW).unwrap().is_some());
}

#[test]
fn runs_beside_writers_and_files_that_vanish() {
    let mut sample = Sample::new();
    let (data, target) = (sample.data.path().to_owned(), sample.at("backup"));
    let wal = sample.data.events().join("wal");
    let done = AtomicBool::new(false);
    let manifest = thread::scope(|scope| {
        scope.spawn(|| {
            for n in 0.. {
                fs::write(wal.join(format!("{n:06}")), vec![1; 4_096]).unwrap();
                if n >= 3 {
                    fs::remove_file(wal.join(format!("{:06}", n - 3))).unwrap();
                }
                if done.load(Ordering::SeqCst) {
                    break;
                }
            }
        });
        let copier = scope.spawn(|| backup(&data, &target, NOW));
        for n in 0..30 {
            sample.journal.append((100 + 3 * n..103 + 3 * n).map(draft).collect(), NOW).unwrap();
            sample.journal.checkpoint_now(NOW).unwrap();
        }
        let manifest = copier.join().unwrap();
        done.store(true, Ordering::SeqCst);
        manifest.unwrap()
    });
    assert!(manifest.journal.whole && manifest.journal.head_seq >= 20);
    let restored = restore(&target, &sample.at("new"), NOW).unwrap();
    let head = restored.journal.head;
    assert_eq!(sample.journal.verified_hash(head.seq), Some(head.hash));
}

/// Ends a writer also when the test fails.
struct StopOnDrop<'a>(&'a AtomicBool);

impl Drop for StopOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// Flushes and merges make files and remove them while they are copied.
#[test]
fn a_metric_store_that_flushes_and_merges_is_copied_whole() {
    let sample = Sample::new();
    for folder in ["wal", "blocks"] {
        fs::remove_dir_all(sample.data.metrics().join(folder)).unwrap();
    }
    let options = tsdb::Options {
        head_samples: 300,
        free_bytes_min: 0,
        ..tsdb::Options::new(sample.data.metrics())
    };
    let disk = || std::sync::Arc::new(wal::RealDisk);
    let (store, _) = tsdb::Tsdb::open(options, disk(), NOW).unwrap();
    let labels: Vec<_> = (0..20)
        .map(|n| model::Labels::from_pairs([("__name__", "up"), ("n", &*n.to_string())]))
        .collect();
    let append = |second: u64| {
        let now = NOW + Duration::from_secs(second);
        let one = model::Sample { at_ms: now.as_millis(), value: 1.0 };
        let series: Vec<_> = labels
            .iter()
            .map(|labels| model::Series { labels: labels.clone(), samples: vec![one] })
            .collect();
        store.append(now, &tsdb::Incoming { series: &series, ..Default::default() }).unwrap();
        // Twenty seconds between looks, in which hardly anything comes: what there is is merged.
        store.maintain(now).unwrap();
    };
    let (done, written) = (AtomicBool::new(false), AtomicU64::new(0));
    thread::scope(|scope| {
        scope.spawn(|| {
            for n in 0.. {
                append(n * 20);
                written.store(n + 1, Ordering::SeqCst);
                if done.load(Ordering::SeqCst) {
                    break;
                }
            }
        });
        let _stop = StopOnDrop(&done);
        for round in 0..4 {
            while written.load(Ordering::SeqCst) < (round + 1) * 60 {
                thread::yield_now();
            }
            let before = written.load(Ordering::SeqCst);
            let (target, new) = (sample.at(&format!("b{round}")), sample.at(&format!("n{round}")));
            backup(sample.data.path(), &target, NOW).unwrap();
            restore(&target, &new, NOW).unwrap();
            let data = DataDir::open(&new, NOW).unwrap();
            let options = tsdb::Options { free_bytes_min: 0, ..tsdb::Options::new(data.metrics()) };
            let (copy, recovery) = tsdb::Tsdb::open(options, disk(), NOW).unwrap();
            assert!(recovery.damage.is_none() && recovery.parts_damaged.is_empty(), "{recovery:?}");
            let found = copy.select(&[], i64::MIN, i64::MAX).unwrap();
            assert_eq!((found.len(), found.warnings()), (20, vec![]));
            for at in 0..found.len() {
                let mut points = model::Points::default();
                found.read(at, &mut points).unwrap();
                assert!(points.times.len() as u64 >= before, "{before}: {}", points.times.len());
            }
        }
    });
    assert!(store.stats().parts < 20, "parts were merged");
}

#[test]
fn a_snapshot_of_the_metrics_stays_out_of_backups() {
    let sample = Sample::new();
    let copy = sample.data.path().join("metrics-snapshots/one");
    fs::create_dir_all(&copy).unwrap();
    fs::write(copy.join("MANIFEST"), "copied already").unwrap();
    let manifest = sample.backup();
    assert!(manifest.files.iter().all(|file| !file.path.contains("snapshots")), "{manifest:?}");
}

#[test]
fn every_changed_or_missing_file_is_named() {
    let sample = Sample::new();
    let manifest = sample.backup();
    for file in &manifest.files {
        let path = sample.at("backup").join(&file.path);
        let whole = fs::read(&path).unwrap();
        let mut changed = whole.clone();
        changed[whole.len() / 2] ^= 4;
        fs::write(&path, &changed).unwrap();
        let error = restore(&sample.at("backup"), &sample.at("new"), NOW).unwrap_err();
        assert!(
            error.to_string().starts_with(&format!("`{path}` is not as it was backed up")),
            "{error}"
        );
        fs::remove_file(&path).unwrap();
        let error = restore(&sample.at("backup"), &sample.at("new"), NOW).unwrap_err();
        assert_eq!(error.to_string(), format!("`{path}` is missing from the backup"));
        fs::write(&path, &whole).unwrap();
    }
    assert!(!sample.at("new").exists(), "nothing is written before all is checked");
}

#[test]
fn a_manifest_with_another_head_is_refused_and_the_directory_not_served() {
    let sample = Sample::new();
    let mut manifest = sample.backup();
    manifest.journal.head_seq = 19;
    manifest.write(&sample.at("backup")).unwrap();
    let error = restore(&sample.at("backup"), &sample.at("new"), NOW).unwrap_err();
    assert!(matches!(error, RestoreError::OtherHead { seq: 19, found_seq: 20, .. }), "{error}");
    let error = DataDir::open(&sample.at("new"), NOW).unwrap_err();
    assert!(error.to_string().contains("was not finished"), "{error}");
    assert!(matches!(
        restore(&sample.at("backup"), &sample.at("new"), NOW),
        Err(RestoreError::NotEmpty { .. })
    ));
}

#[test]
fn refuses_wrong_places() {
    let sample = Sample::new();
    let check = |from: &Utf8Path, to: &Utf8Path| backup(from, to, NOW).unwrap_err();
    let data = sample.data.path();
    assert!(matches!(
        check(&sample.at("none"), &sample.at("backup")),
        BackupError::NotADataDir { .. }
    ));
    assert!(matches!(check(data, &data.join("backup")), BackupError::Within { .. }));
    assert!(!data.join("backup").exists());
    sample.backup();
    assert!(matches!(check(data, &sample.at("backup")), BackupError::NotEmpty { .. }));
    let unfinished = restore(data, &sample.at("new"), NOW).unwrap_err();
    assert!(matches!(unfinished, RestoreError::Manifest(ManifestError::Missing { .. })));
    assert!(matches!(restore(&sample.at("backup"), data, NOW), Err(RestoreError::NotEmpty { .. })));
}

#[test]
fn a_broken_journal_is_backed_up_as_it_is() {
    let sample = Sample::new();
    fs::remove_file(sample.data.journal().join("journal.checkpoint")).unwrap();
    assert!(!sample.backup().journal.whole);
    let restored = restore(&sample.at("backup"), &sample.at("new"), NOW).unwrap();
    assert!(!restored.journal.is_whole());
}
