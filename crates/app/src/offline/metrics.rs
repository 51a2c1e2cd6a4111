//! The metric store as `doctor` shows it: what is damaged, where, what is missing with it, and what to do.

use std::sync::Arc;

use camino::{Utf8Path, Utf8PathBuf};
use model::{Limits, Timestamp};
use tsdb::Tsdb;
use wal::Disk as _;

use super::{Check, Holder, Outcome, check, holder, untouched::Untouched};
use crate::{
    control::chain,
    data_dir::{FORMAT_VERSION, Format, names},
    samples::{self, Report, SamplesError},
};

/// Damaged stretches, and parts that were set aside, that are told one by one.
const TOLD_MAX: usize = 20;
const NAME: &str = "metrics";

/// What to do about damage; a table does not cut it.
const ADVICE: [&str; 2] = [
    "answers leave out what is damaged and say so; look at the disk that it lies on first",
    "to bring samples back: `restore` a backup beside, `tsdb export` the time from it, `tsdb import` that here",
];

/// The same, where all that is damaged is there once more.
const NOTHING_MISSING: &str =
    "answers miss nothing: the other copy has what is damaged; look at the disk that it lies on";

/// Reads the metric store of a data directory that no server runs on, and says how it is. Takes as long as reading all of
/// it; writes nothing. Nothing is said of a directory that has no store of this format.
pub fn examine_metrics(data_dir: &Utf8Path, now: Timestamp) -> Vec<Check> {
    let current = Format::read(data_dir)
        .is_ok_and(|format| format.is_some_and(|format| format.version == FORMAT_VERSION));
    if !current || !data_dir.join(names::METRICS).is_dir() {
        return Vec::new();
    }
    let read = read(data_dir, now);
    if !matches!(holder(data_dir), Ok(Holder::Nobody)) {
        // It moves files under our eyes.
        return vec![check(
            NAME,
            Outcome::Note,
            "a server began to run on it meanwhile; ask again",
        )];
    }
    match read {
        Ok((report, aside)) => metrics_checks(&report, &aside),
        Err(error) => {
            let text = format!("the store cannot be read: {}", chain(&error));
            vec![check(NAME, Outcome::Bad, text)]
        }
    }
}

/// As [`samples::verify`], and leaves everything as it is; with the parts that were set aside, or would be.
fn read(data_dir: &Utf8Path, now: Timestamp) -> Result<(Report, Vec<Utf8PathBuf>), SamplesError> {
    let dir = data_dir.join(names::METRICS);
    let disk = Arc::new(Untouched::default());
    let options = samples::keeping(dir.clone(), Limits::default());
    let (store, recovery) = Tsdb::open(options, disk.clone(), now).map_err(SamplesError::Open)?;
    let verified = store.verify().map_err(SamplesError::Read)?;
    let mut report = Report::new(data_dir, &dir, &recovery.damage, &verified);
    // Other copies would be made by whoever may write.
    let real = |copy: &Utf8PathBuf| data_dir.join(copy).is_file();
    report.damage.iter_mut().for_each(|one| one.copy = one.copy.take().filter(real));
    let aside = set_aside(data_dir, disk.list(&dir.join("parts")).unwrap_or_default());
    Ok((report, aside))
}

/// The parts that were set aside since their end could not be read when the manifest was lost, from the data directory on.
pub fn parts_set_aside(data_dir: &Utf8Path) -> Vec<Utf8PathBuf> {
    let parts = data_dir.join(names::METRICS).join("parts");
    set_aside(data_dir, wal::RealDisk.list(&parts).unwrap_or_default())
}

fn set_aside(data_dir: &Utf8Path, files: Vec<Utf8PathBuf>) -> Vec<Utf8PathBuf> {
    let damaged = files.into_iter().filter(|path| path.extension() == Some("damaged"));
    let below = |path: Utf8PathBuf| match path.strip_prefix(data_dir) {
        Ok(below) => below.to_owned(),
        Err(_) => path,
    };
    damaged.map(below).collect()
}

/// What a report says, and which parts were set aside: the first line sums it up.
pub fn metrics_checks(report: &Report, aside: &[Utf8PathBuf]) -> Vec<Check> {
    if report.is_whole() && aside.is_empty() {
        let text = format!(
            "whole: {} samples in {} parts, {} records in the logs",
            report.samples, report.parts, report.log_records
        );
        return vec![check(NAME, Outcome::Good, text)];
    }
    let bad = |text: String| check(NAME, Outcome::Bad, text);
    let mut checks = vec![bad(summary(report, aside.len()))];
    checks.extend(report.damage.iter().take(TOLD_MAX).map(|one| bad(one.to_string())));
    let untold = report.damage.len().saturating_sub(TOLD_MAX) as u64 + report.more;
    if untold > 0 {
        checks.push(bad(format!("and {untold} stretches more")));
    }
    for path in aside.iter().take(TOLD_MAX) {
        checks.push(bad(format!("`{path}`: the end of this part is damaged; lost: all it held")));
    }
    if aside.len() > TOLD_MAX {
        checks.push(bad(format!("and {} parts more", aside.len() - TOLD_MAX)));
    }
    let advice: &[&str] =
        if aside.is_empty() && report.misses_nothing() { &[NOTHING_MISSING] } else { &ADVICE };
    checks.extend(advice.iter().map(|text| check(NAME, Outcome::Note, *text)));
    checks
}

fn summary(report: &Report, aside: usize) -> String {
    let count = report.damage.len() as u64 + report.more;
    let plural = |count: u64| if count == 1 { "" } else { "es" };
    let mut text = format!("DAMAGED: {count} stretch{} cannot be read", plural(count));
    if count == 0 {
        let plural = if aside == 1 { "" } else { "s" };
        text = format!("DAMAGED: {aside} part{plural} set aside");
    }
    match report.lost() {
        Some(lost) => {
            text + &format!(
                "; {} samples from {} to {} are missing",
                lost.samples, lost.from, lost.to
            )
        }
        None if aside == 0
            && report.more == 0
            && report.damage.iter().all(|one| one.lost.is_some()) =>
        {
            text + "; no sample is missing"
        }
        None => text,
    }
}
