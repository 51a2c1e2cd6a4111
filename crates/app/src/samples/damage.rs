//! What is damaged in a metric store, and what is missing with it.

use std::fmt;

use camino::{Utf8Path, Utf8PathBuf};
use model::Timestamp;
use tsdb::{PartDamage, Verified};
use wal::Damage;

use super::logs::{self, Placed, Twin};

/// What reading the whole store came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    pub parts: usize,
    /// Of parts; each has a checksum of its own.
    pub sections: u64,
    pub samples: u64,
    /// Of the logs: samples that are in no part yet, series, exemplars.
    pub log_records: u64,
    /// Parts first, in the order of their places.
    pub damage: Vec<Stretch>,
    /// How many more stretches there are than are listed; nothing is known of them.
    pub more: u64,
}

/// Bytes that cannot be read: what they held is left out of answers, which say so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stretch {
    /// The file that holds them, from the data directory on where it lies in that.
    pub file: Utf8PathBuf,
    pub offset: u64,
    pub bytes: u64,
    /// What is missing with them; `None` where nothing can be said, as of a log's record.
    pub lost: Option<Lost>,
    /// What is wrong, such as `the checksum is another one`.
    pub what: String,
    /// Where a copy of the bytes lies, for whoever wants to look.
    pub copy: Option<Utf8PathBuf>,
}

/// Samples that are missing; none when the bytes are there once more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lost {
    pub samples: u64,
    /// Times of the oldest and the newest of them.
    pub from: Timestamp,
    pub to: Timestamp,
}

impl fmt::Display for Stretch {
    /// What matters most comes first: a table may cut the end.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, offset, bytes, what, .. } = self;
        write!(f, "`{file}` bytes {offset} to {}: ", offset.saturating_add(*bytes))?;
        match self.lost {
            None => f.write_str("a record or more lost")?,
            Some(lost) if lost.samples == 0 => f.write_str("nothing lost, it is there twice")?,
            Some(lost) => write!(f, "{} samples lost, {} to {}", lost.samples, lost.from, lost.to)?,
        }
        write!(f, ": {what}")
    }
}

impl Report {
    /// Of a store in `dir`, which is shown from `data_dir` on. `opened` is what opening the store found in its logs. Reads
    /// the logs once more where they are damaged.
    pub fn new(data_dir: &Utf8Path, dir: &Utf8Path, opened: &Damage, verified: &Verified) -> Self {
        let mut parts: Vec<Stretch> =
            verified.parts_damaged.iter().map(|one| of_part(data_dir, one)).collect();
        parts.sort_by(|a, b| (&a.file, a.offset).cmp(&(&b.file, b.offset)));
        let logs = logs::place(dir, opened, &verified.damage);
        let logs = logs.into_iter().map(|one| of_log(data_dir, one));
        let unlisted =
            |damage: &Damage| damage.regions_total.saturating_sub(damage.regions.len() as u64);
        Self {
            parts: verified.parts,
            sections: verified.sections,
            samples: verified.samples,
            log_records: verified.records,
            damage: parts.into_iter().chain(logs).collect(),
            more: unlisted(opened).max(unlisted(&verified.damage)),
        }
    }

    pub fn is_whole(&self) -> bool {
        self.damage.is_empty() && self.more == 0
    }

    /// Whether answers miss nothing, whatever is damaged: it is all there once more.
    pub fn misses_nothing(&self) -> bool {
        let twice = |one: &Stretch| one.lost.is_some_and(|lost| lost.samples == 0);
        self.more == 0 && self.damage.iter().all(twice)
    }

    /// All that is known to be missing, where anything is.
    pub fn lost(&self) -> Option<Lost> {
        let lost = self.damage.iter().filter_map(|one| one.lost).filter(|lost| lost.samples > 0);
        lost.reduce(|a, b| Lost {
            samples: a.samples.saturating_add(b.samples),
            from: a.from.min(b.from),
            to: a.to.max(b.to),
        })
    }
}

fn of_part(data_dir: &Utf8Path, damage: &PartDamage) -> Stretch {
    Stretch {
        file: below(data_dir, &damage.path),
        offset: damage.offset,
        bytes: damage.bytes,
        lost: Some(Lost {
            samples: damage.samples,
            from: Timestamp::from_millis(damage.min_ms),
            to: Timestamp::from_millis(damage.max_ms),
        }),
        what: damage.what.clone(),
        copy: damage.quarantined.as_deref().map(|copy| below(data_dir, copy)),
    }
}

fn of_log(data_dir: &Utf8Path, found: Placed) -> Stretch {
    let Placed { region, file, twin } = found;
    let what = "no record of the log can be read there";
    Stretch {
        file: below(data_dir, &file),
        offset: region.offset,
        bytes: region.bytes,
        lost: twin.is_some().then_some(Lost {
            samples: 0,
            from: Timestamp::EPOCH,
            to: Timestamp::EPOCH,
        }),
        what: match twin {
            Some(Twin::Has(twin)) => {
                format!("{what}; the other copy, `{}`, has it", below(data_dir, &twin))
            }
            Some(Twin::Had) => {
                format!("{what}; the other copy had it, and both were written anew since")
            }
            None => what.to_owned(),
        },
        copy: region.quarantined.as_deref().map(|copy| below(data_dir, copy)),
    }
}

fn below(data_dir: &Utf8Path, path: &Utf8Path) -> Utf8PathBuf {
    path.strip_prefix(data_dir).unwrap_or(path).to_owned()
}
