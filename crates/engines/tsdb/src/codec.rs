//! Sections: the samples of a run of series, encoded together in one self-contained, checksummed piece.
//!
//! A *section* holds columns. Times are columns of their own, each distinct one once: the series of one scrape target have
//! the same times. Values are integers wherever they can be (counts, multiples of a page, two decimals), coded as what
//! remains after a prediction; a classic histogram's buckets are predicted from its `+Inf` bucket, the *lead*. Floats that
//! are no integers are coded as the integers that order them. Every bit pattern comes back as it went in.
//!
//! A series is addressed by its *slot*, the order in which it was pushed; who has which slot is the reader's business.
//!
//! **Invariant:** no bytes make a reader panic, or allocate more than [`SECTION_SAMPLES_MAX`] samples of one series.

mod apart;
mod bits;
mod cursor;
mod exact;
mod floats;
mod histograms;
#[cfg(test)]
mod hostile;
mod ints;
mod lattice;
mod list;
mod plan;
mod section;
#[cfg(test)]
mod tests;
mod writer;

use model::{HistogramSample, Points};

pub use section::{Scratch, Section};
pub use writer::SectionWriter;

/// How many samples make a section full.
pub const SECTION_SAMPLES: u64 = 65_536;
/// The most series in a section; a writer says it is full before.
pub const SECTION_SERIES_MAX: u32 = 131_070;
/// The most samples that a reader accepts in a section; who writes must stay below.
pub const SECTION_SAMPLES_MAX: usize = 1 << 22;
/// The most bytes that a reader accepts in a section.
pub const SECTION_BYTES_MAX: usize = 1 << 30;

/// How much work goes into making it small; one reader reads both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// For samples that are soon merged.
    Fast,
    /// For samples that stay.
    Dense,
}

/// What a column is to its neighbours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Role {
    #[default]
    Plain,
    /// The column that the members after it may be coded against: a classic histogram's `+Inf` bucket.
    Lead,
    /// May be coded against the nearest lead before it in the section.
    Member,
}

/// One series' samples; times ascend in each of the two kinds.
#[derive(Clone, Copy, Debug, Default)]
pub struct Columns<'a> {
    pub role: Role,
    /// Unix milliseconds of the floats.
    pub times: &'a [i64],
    /// One for each of `times`.
    pub values: &'a [f64],
    /// Empty, or one for each of `times`.
    pub starts: &'a [i64],
    pub histograms: &'a [HistogramSample],
    /// Empty, or one for each of `histograms`.
    pub histogram_starts: &'a [i64],
}

impl<'a> Columns<'a> {
    pub fn of(points: &'a Points, role: Role) -> Self {
        Self {
            role,
            times: &points.times,
            values: &points.values,
            starts: &points.starts,
            histograms: &points.histograms,
            histogram_starts: &points.histogram_starts,
        }
    }

    pub fn floats(role: Role, times: &'a [i64], values: &'a [f64]) -> Self {
        Self { role, times, values, ..Self::default() }
    }

    /// How many samples there are of both kinds.
    pub fn samples(&self) -> usize {
        self.times.len() + self.histograms.len()
    }
}

/// What a finished section holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SectionSummary {
    pub series: u32,
    pub samples: u64,
    /// Unix milliseconds of the oldest sample; above `max_ms` when there is none.
    pub min_ms: i64,
    pub max_ms: i64,
    pub bytes: usize,
}

/// Why a section cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SectionError {
    #[error("the section is cut short")]
    Truncated,
    #[error("the section's checksum does not fit its bytes")]
    Checksum,
    #[error("the section has a malformed {0}")]
    Malformed(&'static str),
    #[error("the section has {series} series and none in slot {slot}")]
    Slot { slot: u32, series: u32 },
}
