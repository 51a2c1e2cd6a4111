//! Writing sections.
//!
//! A section is, all numbers in little-endian order: a header of [`HEADER_BYTES`] (magic, version, width of offsets, number
//! of time columns, of series and of samples, oldest and newest time), the offset of the end of each time column and of each
//! series in the bytes after the table, those bytes, and the CRC32C of all before it.

use std::collections::HashMap;

use model::HistogramSample;

use super::{
    Columns, Mode, Role, SECTION_SAMPLES, SECTION_SERIES_MAX, SectionSummary,
    cursor::{put_count, put_varint},
    floats::FloatWriter,
    histograms::HistogramWriter,
    ints::IntWriter,
};

pub(super) const MAGIC: [u8; 3] = *b"eks";
pub(super) const VERSION: u8 = 1;
pub(super) const HEADER_BYTES: usize = 4 + 4 + 4 + 4 + 8 + 8 + 8;

/// What a series has, in the first byte of its bytes; none when there are no samples.
pub(super) const FLOATS: u8 = 1;
pub(super) const STARTS: u8 = 1 << 1;
pub(super) const HISTOGRAMS: u8 = 1 << 2;
pub(super) const HISTOGRAM_STARTS: u8 = 1 << 3;
/// The floats may be coded against those of a series before.
pub(super) const MEMBER: u8 = 1 << 4;

/// How many of the newest time columns are searched for a part that fits.
const TIMES_SEARCHED: usize = 4;
/// A section with so many bytes is full, whatever it holds.
const BYTES_FULL: usize = 16 << 20;
/// How far over the limits a histogram's members may bring a section.
const MEMBERS_OVER: u64 = 8_192;

/// Gathers series and writes them as a section; keeps its memory from one to the next.
#[derive(Debug)]
pub struct SectionWriter {
    mode: Mode,
    floats: FloatWriter,
    ints: IntWriter,
    histograms: HistogramWriter,
    times: Times,
    /// The bytes of all series, one after the other, and where each ends.
    body: Vec<u8>,
    ends: Vec<usize>,
    lead: Lead,
    part: Vec<u8>,
    samples: u64,
    min_ms: i64,
    max_ms: i64,
    members: bool,
}

#[derive(Debug, Default)]
struct Lead {
    slot: u32,
    times: Option<TimeRef>,
    numbers: Vec<i64>,
}

impl SectionWriter {
    pub fn new(mode: Mode) -> Self {
        Self {
            mode,
            floats: FloatWriter::default(),
            ints: IntWriter::default(),
            histograms: HistogramWriter::default(),
            times: Times::default(),
            body: Vec::new(),
            ends: Vec::new(),
            lead: Lead::default(),
            part: Vec::new(),
            samples: 0,
            min_ms: i64::MAX,
            max_ms: i64::MIN,
            members: false,
        }
    }

    /// Adds a series; gives its slot. Histograms must have passed [`model::Histogram::validate`].
    pub fn push(&mut self, columns: Columns<'_>) -> u32 {
        let slot = self.series();
        self.members = columns.role != Role::Plain;
        if columns.role == Role::Lead {
            self.lead.times = None;
        }
        if columns.samples() > 0 {
            self.push_samples(slot, columns);
        }
        self.ends.push(self.body.len());
        slot
    }

    fn push_samples(&mut self, slot: u32, columns: Columns<'_>) {
        let tag_at = self.body.len();
        self.body.push(0);
        let mut tag = 0;
        let with_more = !columns.histograms.is_empty() || !columns.starts.is_empty();
        if !columns.times.is_empty() {
            tag |= FLOATS;
            self.note(columns.times[0], columns.times[columns.times.len() - 1]);
            let times = self.times.find(columns.times);
            times.put(&mut self.body);
            tag |= self.push_values(slot, columns, times, with_more);
            if columns.starts.len() == columns.times.len() {
                tag |= STARTS;
                self.ints.write(self.mode, columns.starts, None, &mut self.body);
            }
        }
        if let [first, .., last] | [first @ last] = columns.histograms {
            tag |= HISTOGRAMS;
            self.note(first.at_ms, last.at_ms);
            tag |= self.push_histograms(columns.histograms, columns.histogram_starts);
        }
        self.samples += columns.samples() as u64;
        self.body[tag_at] = tag;
    }

    fn push_values(
        &mut self,
        slot: u32,
        columns: Columns<'_>,
        times: TimeRef,
        with_more: bool,
    ) -> u8 {
        let member = columns.role == Role::Member && self.lead.times == Some(times);
        let lead = member.then_some(&self.lead.numbers[..]);
        let out = if with_more {
            self.part.clear();
            &mut self.part
        } else {
            &mut self.body
        };
        let mut tag = 0;
        if member {
            tag = MEMBER;
            put_varint(out, u64::from(slot - self.lead.slot));
        }
        let numbers = self.floats.write(self.mode, columns.values, lead, out);
        if with_more {
            put_count(&mut self.body, self.part.len());
            self.body.extend_from_slice(&self.part);
        }
        if let Some(numbers) = numbers.filter(|_| columns.role == Role::Lead) {
            self.lead.slot = slot;
            self.lead.times = Some(times);
            self.lead.numbers.clear();
            self.lead.numbers.extend_from_slice(numbers);
        }
        tag
    }

    fn push_histograms(&mut self, samples: &[HistogramSample], starts: &[i64]) -> u8 {
        let times: Vec<i64> = samples.iter().map(|sample| sample.at_ms).collect();
        self.times.find(&times).put(&mut self.body);
        let mut tag = 0;
        if starts.len() == samples.len() {
            tag = HISTOGRAM_STARTS;
            self.ints.write(self.mode, starts, None, &mut self.body);
        }
        self.histograms.write(self.mode, samples, &mut self.body);
        tag
    }

    fn note(&mut self, first: i64, last: i64) {
        self.min_ms = self.min_ms.min(first);
        self.max_ms = self.max_ms.max(last);
    }

    /// How many series there are so far.
    pub fn series(&self) -> u32 {
        u32::try_from(self.ends.len()).expect("a section is cut before")
    }

    /// How many samples there are so far.
    pub fn samples(&self) -> u64 {
        self.samples
    }

    /// How many bytes the series take so far, without times and table.
    pub fn bytes(&self) -> usize {
        self.body.len()
    }

    /// Whether the section should be finished; a lead and its members stay together unless they are very many.
    pub fn is_full(&self) -> bool {
        let over = if self.members { MEMBERS_OVER } else { 0 };
        self.samples >= SECTION_SAMPLES + over
            || self.body.len() >= BYTES_FULL
            || self.ends.len() as u64 + MEMBERS_OVER >= u64::from(SECTION_SERIES_MAX) + over
    }

    /// Appends the section to `out`; the writer is empty after.
    pub fn finish(&mut self, out: &mut Vec<u8>) -> SectionSummary {
        let from = out.len();
        let summary = SectionSummary {
            series: self.series(),
            samples: self.samples,
            min_ms: self.min_ms,
            max_ms: self.max_ms,
            bytes: 0,
        };
        let times = self.times.write(&mut self.ints, self.mode, &mut self.part);
        let total = self.part.len() + self.body.len();
        let width = (usize::BITS - total.leading_zeros()).div_ceil(8).max(1) as usize;
        out.extend_from_slice(&MAGIC);
        out.push(VERSION);
        for number in [width, times.len(), self.ends.len()] {
            let number = u32::try_from(number).expect("a section is cut before");
            out.extend_from_slice(&number.to_le_bytes());
        }
        out.extend_from_slice(&summary.samples.to_le_bytes());
        out.extend_from_slice(&summary.min_ms.to_le_bytes());
        out.extend_from_slice(&summary.max_ms.to_le_bytes());
        let shifted = self.ends.iter().map(|end| end + self.part.len());
        for end in times.iter().copied().chain(shifted) {
            out.extend_from_slice(&end.to_le_bytes()[..width]);
        }
        out.extend_from_slice(&self.part);
        out.extend_from_slice(&self.body);
        let crc = crc32c::crc32c(&out[from..]);
        out.extend_from_slice(&crc.to_le_bytes());
        self.clear();
        SectionSummary { bytes: out.len() - from, ..summary }
    }

    fn clear(&mut self) {
        self.times.clear();
        self.body.clear();
        self.ends.clear();
        self.lead.times = None;
        (self.samples, self.min_ms, self.max_ms) = (0, i64::MAX, i64::MIN);
        self.members = false;
    }
}

/// A time column, or a part of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct TimeRef {
    column: usize,
    /// How many times are left off before, and how many there are; `None`: all.
    part: Option<(usize, usize)>,
}

impl TimeRef {
    fn put(self, out: &mut Vec<u8>) {
        put_count(out, self.column << 1 | usize::from(self.part.is_some()));
        if let Some((skip, count)) = self.part {
            put_count(out, skip);
            put_count(out, count);
        }
    }
}

/// The distinct time columns of a section.
#[derive(Debug, Default)]
struct Times {
    all: Vec<i64>,
    ends: Vec<usize>,
    /// By length, first and last time: the newest such.
    known: HashMap<(usize, i64, i64), usize>,
}

impl Times {
    fn column(&self, at: usize) -> &[i64] {
        let from = if at == 0 { 0 } else { self.ends[at - 1] };
        &self.all[from..self.ends[at]]
    }

    /// `times` is not empty.
    fn find(&mut self, times: &[i64]) -> TimeRef {
        let count = self.ends.len();
        if count > 0 && self.column(count - 1) == times {
            return TimeRef { column: count - 1, part: None };
        }
        let key = (times.len(), times[0], times[times.len() - 1]);
        if let Some(&column) = self.known.get(&key)
            && self.column(column) == times
        {
            return TimeRef { column, part: None };
        }
        for column in (count.saturating_sub(TIMES_SEARCHED)..count).rev() {
            let all = self.column(column);
            let skip = all.partition_point(|time| *time < times[0]);
            if all.get(skip..skip + times.len()) == Some(times) {
                return TimeRef { column, part: Some((skip, times.len())) };
            }
        }
        self.all.extend_from_slice(times);
        self.ends.push(self.all.len());
        self.known.insert(key, count);
        TimeRef { column: count, part: None }
    }

    /// Writes the columns into `out` and gives where each ends.
    fn write(&self, ints: &mut IntWriter, mode: Mode, out: &mut Vec<u8>) -> Vec<usize> {
        out.clear();
        let write = |at| {
            let column = self.column(at);
            put_count(out, column.len());
            ints.write(mode, column, None, out);
            out.len()
        };
        (0..self.ends.len()).map(write).collect()
    }

    fn clear(&mut self) {
        self.all.clear();
        self.ends.clear();
        self.known.clear();
    }
}
