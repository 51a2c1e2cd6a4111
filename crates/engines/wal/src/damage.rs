//! What was found damaged in a log.

/// A stretch of a segment that holds no readable record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Region {
    pub segment: u64,
    pub offset: u64,
    pub bytes: u64,
    /// The file beside the segments that keeps a copy of the bytes; `None` when none could be written.
    pub quarantined: Option<camino::Utf8PathBuf>,
}

/// The most regions that a report lists; beyond, it only counts.
pub const REGIONS_MAX: usize = 1000;

/// A report of what was lost. The default one is of an unharmed log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Damage {
    /// The regions, at most [`REGIONS_MAX`] of them.
    pub regions: Vec<Region>,
    /// How many regions there are. Each holds at least one record, unless its bytes were never one.
    pub regions_total: u64,
    /// How many bytes they hold.
    pub bytes: u64,
    /// How many bytes of an unfinished last record were dropped; never acknowledged under power, so not counted as damage.
    pub torn_bytes: u64,
}

impl Damage {
    pub fn is_none(&self) -> bool {
        self.regions_total == 0
    }

    pub fn merge(&mut self, other: Self) {
        self.regions_total += other.regions_total;
        self.bytes += other.bytes;
        self.torn_bytes += other.torn_bytes;
        let room = REGIONS_MAX.saturating_sub(self.regions.len());
        self.regions.extend(other.regions.into_iter().take(room));
    }

    pub(crate) fn add(&mut self, region: Region) {
        self.regions_total += 1;
        self.bytes += region.bytes;
        if self.regions.len() < REGIONS_MAX {
            self.regions.push(region);
        }
    }
}
