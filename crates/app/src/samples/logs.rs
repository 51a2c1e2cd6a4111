//! In which of the store's logs damage lies, and whether another log has the same.
//!
//! What the store reports names a stretch by its segment alone, unless a copy of it was made; each log is read again to tell.

use std::{collections::BTreeMap, ops::ControlFlow, sync::Arc};

use camino::{Utf8Path, Utf8PathBuf};
use wal::{Damage, Disk, Position, Region, SyncPolicy, Wal};

use crate::offline::Untouched;

/// The store's logs below its directory, in the order in which it verifies them; two of them are the registry of series.
const LOGS: [&str; 4] = ["wal", "series", "series2", "exemplars"];

/// A stretch of one of the logs.
#[derive(Debug)]
pub(super) struct Placed {
    pub(super) region: Region,
    /// The segment's file.
    pub(super) file: Utf8PathBuf,
    pub(super) twin: Option<Twin>,
}

/// Where the same records are whole: in the registry's other log.
#[derive(Debug)]
pub(super) enum Twin {
    Has(Utf8PathBuf),
    /// It had them, and both logs were written anew from it.
    Had,
}

struct Logs<'a> {
    dir: &'a Utf8Path,
    disk: Arc<Untouched>,
    /// What cannot be read in each log; one that could not be read at all is not there.
    damaged: BTreeMap<&'static str, Vec<Region>>,
}

/// Each damaged stretch once: those that opening the store in `dir` met, and those that verifying it met besides. Writes nothing.
pub(super) fn place(dir: &Utf8Path, opened: &Damage, verified: &Damage) -> Vec<Placed> {
    let all = || opened.regions.iter().chain(&verified.regions);
    if all().next().is_none() {
        return Vec::new();
    }
    let logs = Logs::read(dir);
    let mut found: Vec<(Option<&'static str>, &Region)> = Vec::new();
    for region in all() {
        let met = |found: &[(Option<&str>, &Region)], log: Option<&str>| {
            found
                .iter()
                .any(|(known, one)| (log.is_none() || *known == log) && starts_alike(one, region))
        };
        let told = log_of_copy(region);
        let any = |log: &&&'static str| {
            let damaged = logs.damaged.get(**log).into_iter().flatten();
            damaged.into_iter().any(|one| starts_alike(one, region))
        };
        let mut candidates: Vec<Option<&'static str>> = match told {
            Some(log) => vec![Some(log)],
            None => LOGS.iter().filter(any).map(|log| Some(*log)).collect(),
        };
        if candidates.is_empty() {
            candidates.push(None);
        }
        let fresh = candidates.into_iter().find(|log| !met(&found, *log));
        found.extend(fresh.map(|log| (log, region)));
    }
    let is_listed = |damage: &Damage| damage.regions_total == damage.regions.len() as u64;
    let all_listed = is_listed(opened) && is_listed(verified);
    let placed = found.iter().map(|(log, region)| {
        let below = log.map_or_else(|| dir.to_owned(), |log| dir.join(log));
        Placed {
            region: (*region).clone(),
            file: segment(&below, region),
            twin: log.filter(|_| all_listed).and_then(|log| logs.twin(log, region, &found)),
        }
    });
    placed.collect()
}

impl<'a> Logs<'a> {
    fn read(dir: &'a Utf8Path) -> Self {
        let disk = Arc::new(Untouched::default());
        let there = LOGS.iter().filter(|log| dir.join(log).is_dir());
        let damaged = there.filter_map(|log| {
            let options =
                wal::Options { sync: SyncPolicy::Never, ..wal::Options::new(dir.join(log)) };
            let shared: Arc<dyn Disk> = Arc::<Untouched>::clone(&disk);
            let (opened, _) = Wal::open(options, shared).ok()?;
            let read = opened.read(Position::START, |_| ControlFlow::Continue(())).ok()?;
            Some((*log, read.damage.regions))
        });
        let damaged = damaged.collect();
        Self { dir, disk, damaged }
    }

    /// The registry's two logs get the same records at the same places.
    fn twin(&self, log: &str, region: &Region, found: &[(Option<&str>, &Region)]) -> Option<Twin> {
        let twin = match log {
            "series" => "series2",
            "series2" => "series",
            _ => return None,
        };
        let found = found.iter().filter(|(log, _)| *log == Some(twin)).map(|(_, one)| *one);
        if self.damaged.get(twin)?.iter().chain(found).any(|one| overlap(one, region)) {
            return None;
        }
        let file = segment(&self.dir.join(twin), region);
        let end = region.offset.saturating_add(region.bytes);
        match self.disk.size(&file) {
            Ok(bytes) => (bytes >= end).then_some(Twin::Has(file)),
            Err(_) if self.disk.size(&segment(&self.dir.join(log), region)).is_err() => {
                Some(Twin::Had)
            }
            Err(_) => None,
        }
    }
}

/// A copy lies in a folder of the log that it is of.
fn log_of_copy(region: &Region) -> Option<&'static str> {
    let log = region.quarantined.as_deref()?.parent()?.parent()?.file_name()?;
    LOGS.into_iter().find(|known| *known == log)
}

fn segment(log: &Utf8Path, region: &Region) -> Utf8PathBuf {
    log.join(format!("{:016}.wal", region.segment))
}

fn starts_alike(a: &Region, b: &Region) -> bool {
    (a.segment, a.offset) == (b.segment, b.offset)
}

fn overlap(a: &Region, b: &Region) -> bool {
    let end = |one: &Region| one.offset.saturating_add(one.bytes);
    a.segment == b.segment && a.offset < end(b) && b.offset < end(a)
}
