//! Reading sections.

use model::Points;

use super::{
    SECTION_BYTES_MAX, SECTION_SAMPLES_MAX, SECTION_SERIES_MAX, SectionError,
    cursor::Cursor,
    floats, histograms, ints,
    writer::{FLOATS, HEADER_BYTES, HISTOGRAM_STARTS, HISTOGRAMS, MAGIC, MEMBER, STARTS, VERSION},
};

const CRC_BYTES: usize = 4;

/// A section in bytes that are somewhere else.
#[derive(Clone, Copy, Debug)]
pub struct Section<'a> {
    offsets: &'a [u8],
    width: usize,
    body: &'a [u8],
    times: u32,
    series: u32,
    samples: u64,
    min_ms: i64,
    max_ms: i64,
    /// Tells sections apart in a [`Scratch`].
    crc: u32,
}

/// What was decoded last, for series that share it; one for each thread that reads.
#[derive(Debug, Default)]
pub struct Scratch {
    /// Checksum and length of the section that the rest is of.
    section: Option<(u32, usize)>,
    times: Vec<i64>,
    times_of: Option<u32>,
    lead: Vec<i64>,
    lead_of: Option<u32>,
    numbers: Vec<i64>,
}

/// The bytes of one series, opened.
struct Opened<'a> {
    tag: u8,
    cursor: Cursor<'a>,
}

/// Times by which samples lie: a part of the column in the scratch.
type Place = std::ops::Range<usize>;

impl<'a> Section<'a> {
    /// # Errors
    /// When the bytes are cut short, are no section, or do not fit their checksum.
    pub fn open(bytes: &'a [u8]) -> Result<Self, SectionError> {
        let (content, crc) =
            bytes.split_last_chunk::<CRC_BYTES>().ok_or(SectionError::Truncated)?;
        if crc32c::crc32c(content) != u32::from_le_bytes(*crc) {
            return Err(SectionError::Checksum);
        }
        Self::open_unchecked_crc(bytes)
    }

    /// As [`Self::open`] without the checksum, for bytes whose checksum was right before.
    ///
    /// # Errors
    /// When the bytes are cut short or are no section.
    pub fn open_unchecked_crc(bytes: &'a [u8]) -> Result<Self, SectionError> {
        if bytes.len() > SECTION_BYTES_MAX {
            return Err(SectionError::Malformed("length"));
        }
        let (content, crc) =
            bytes.split_last_chunk::<CRC_BYTES>().ok_or(SectionError::Truncated)?;
        let (header, rest) =
            content.split_at_checked(HEADER_BYTES).ok_or(SectionError::Truncated)?;
        let mut header = Cursor::new(header);
        if header.chunk()? != MAGIC || header.byte()? != VERSION {
            return Err(SectionError::Malformed("header"));
        }
        let mut number = || Ok(u32::from_le_bytes(header.chunk()?));
        let (width, times, series) = (number()?, number()?, number()?);
        let samples = u64::from_le_bytes(header.chunk()?);
        let min_ms = i64::from_le_bytes(header.chunk()?);
        let max_ms = i64::from_le_bytes(header.chunk()?);
        let entries = u64::from(times) + u64::from(series);
        if !(1..=4).contains(&width)
            || series > SECTION_SERIES_MAX
            || samples > SECTION_SAMPLES_MAX as u64
        {
            return Err(SectionError::Malformed("header"));
        }
        let table = usize::try_from(entries * u64::from(width)).unwrap_or(usize::MAX);
        let (offsets, body) = rest.split_at_checked(table).ok_or(SectionError::Truncated)?;
        Ok(Self {
            offsets,
            width: width as usize,
            body,
            times,
            series,
            samples,
            min_ms,
            max_ms,
            crc: u32::from_le_bytes(*crc),
        })
    }

    pub fn series(&self) -> u32 {
        self.series
    }

    pub fn samples(&self) -> u64 {
        self.samples
    }

    /// Unix milliseconds of the oldest sample; above [`Self::max_ms`] when there is none.
    pub fn min_ms(&self) -> i64 {
        self.min_ms
    }

    pub fn max_ms(&self) -> i64 {
        self.max_ms
    }

    /// How many samples a series has, of both kinds.
    ///
    /// # Errors
    /// When there is no such slot, or its bytes are malformed.
    pub fn samples_of(&self, slot: u32) -> Result<usize, SectionError> {
        let Some(mut opened) = self.series_at(slot)? else { return Ok(0) };
        let mut count = 0;
        if opened.tag & FLOATS > 0 {
            count += self.time_part(&mut opened.cursor)?.1.len();
            if opened.tag & HISTOGRAMS == 0 {
                return Ok(count);
            }
            let length = opened.cursor.count(opened.cursor.left())?;
            opened.cursor.slice(length)?;
            if opened.tag & STARTS > 0 {
                ints::read(&mut opened.cursor, count, count, None, &mut Vec::new())?;
            }
        }
        if opened.tag & HISTOGRAMS > 0 {
            count += self.time_part(&mut opened.cursor)?.1.len();
        }
        Ok(count)
    }

    /// Appends a series' samples from `start_ms` to `end_ms`, both included.
    ///
    /// # Errors
    /// When there is no such slot, or its bytes are malformed; `into` may have some of the samples then.
    pub fn read(
        &self,
        slot: u32,
        start_ms: i64,
        end_ms: i64,
        scratch: &mut Scratch,
        into: &mut Points,
    ) -> Result<(), SectionError> {
        scratch.turn_to(self);
        let Some(Opened { tag, mut cursor }) = self.series_at(slot)? else { return Ok(()) };
        let range = (start_ms, end_ms);
        if tag & FLOATS > 0 {
            let (column, place) = self.time_part(&mut cursor)?;
            self.load_times(column, scratch)?;
            let wanted = within(&scratch.times[place.clone()], range);
            let more = tag & (STARTS | HISTOGRAMS) > 0;
            let mut values = if more {
                let length = cursor.count(cursor.left())?;
                Cursor::new(cursor.slice(length)?)
            } else {
                cursor
            };
            if !wanted.is_empty() {
                self.read_values((slot, tag), &mut values, (&place, &wanted), scratch, into)?;
            }
            if tag & STARTS > 0 {
                let starts = Some((&mut cursor, place.len()));
                extend_starts(starts, &wanted, &mut into.starts, into.times.len(), scratch)?;
            }
        }
        if tag & STARTS == 0 {
            let none = 0..0;
            extend_starts(None, &none, &mut into.starts, into.times.len(), scratch)?;
        }
        if tag & HISTOGRAMS > 0 {
            self.read_histograms(tag, &mut cursor, range, scratch, into)?;
        }
        Ok(())
    }

    fn read_values(
        &self,
        (slot, tag): (u32, u8),
        cursor: &mut Cursor<'_>,
        (place, wanted): (&Place, &Place),
        scratch: &mut Scratch,
        into: &mut Points,
    ) -> Result<(), SectionError> {
        let count = place.len();
        let mut lead = None;
        if tag & MEMBER > 0 {
            let back = u32::try_from(cursor.varint()?).ok();
            let of = back.and_then(|back| slot.checked_sub(back)).filter(|of| *of < slot);
            self.load_lead(of.ok_or(SectionError::Malformed("lead"))?, count, scratch)?;
            lead = Some(&scratch.lead[..]);
        }
        let from = into.values.len();
        let read =
            floats::read(cursor, count, wanted.end, lead, &mut scratch.numbers, &mut into.values);
        if let Err(error) = read {
            into.values.truncate(from);
            return Err(error);
        }
        into.values.drain(from..from + wanted.start);
        let times = &scratch.times[place.clone()];
        into.times.extend_from_slice(&times[wanted.clone()]);
        Ok(())
    }

    fn read_histograms(
        &self,
        tag: u8,
        cursor: &mut Cursor<'_>,
        range: (i64, i64),
        scratch: &mut Scratch,
        into: &mut Points,
    ) -> Result<(), SectionError> {
        let (column, place) = self.time_part(cursor)?;
        self.load_times(column, scratch)?;
        let wanted = within(&scratch.times[place.clone()], range);
        let total = into.histograms.len() + wanted.len();
        let starts = (tag & HISTOGRAM_STARTS > 0).then_some((&mut *cursor, place.len()));
        let mut starts_into = std::mem::take(&mut into.histogram_starts);
        extend_starts(starts, &wanted, &mut starts_into, total, scratch)?;
        let times = &scratch.times[place];
        histograms::read(cursor, times, wanted, &mut into.histograms)?;
        into.histogram_starts = starts_into;
        Ok(())
    }

    fn load_times(&self, column: u32, scratch: &mut Scratch) -> Result<(), SectionError> {
        if scratch.times_of == Some(column) {
            return Ok(());
        }
        scratch.times_of = None;
        scratch.times.clear();
        let mut cursor = Cursor::new(self.entry(column)?);
        let count = cursor.count(self.column_max())?;
        ints::read(&mut cursor, count, count, None, &mut scratch.times)?;
        scratch.times_of = Some(column);
        Ok(())
    }

    fn load_lead(
        &self,
        slot: u32,
        count: usize,
        scratch: &mut Scratch,
    ) -> Result<(), SectionError> {
        if scratch.lead_of == Some(slot) && scratch.lead.len() == count {
            return Ok(());
        }
        scratch.lead_of = None;
        let opened = self.series_at(slot)?.ok_or(SectionError::Malformed("lead"))?;
        let Opened { tag, mut cursor } = opened;
        if tag & FLOATS == 0 || self.time_part(&mut cursor)?.1.len() != count {
            return Err(SectionError::Malformed("lead"));
        }
        if tag & (STARTS | HISTOGRAMS) > 0 {
            let length = cursor.count(cursor.left())?;
            cursor = Cursor::new(cursor.slice(length)?);
        }
        if tag & MEMBER > 0 {
            return Err(SectionError::Malformed("lead"));
        }
        floats::read_lead(&mut cursor, count, &mut scratch.lead)?;
        scratch.lead_of = Some(slot);
        Ok(())
    }

    fn series_at(&self, slot: u32) -> Result<Option<Opened<'a>>, SectionError> {
        if slot >= self.series {
            return Err(SectionError::Slot { slot, series: self.series });
        }
        let mut cursor = Cursor::new(self.entry(self.times + slot)?);
        if cursor.is_empty() {
            return Ok(None);
        }
        Ok(Some(Opened { tag: cursor.byte()?, cursor }))
    }

    /// The bytes of a time column or, after those, of a series.
    fn entry(&self, at: u32) -> Result<&'a [u8], SectionError> {
        let at = at as usize;
        let from = if at == 0 { 0 } else { self.offset(at - 1)? };
        self.body.get(from..self.offset(at)?).ok_or(SectionError::Malformed("offset"))
    }

    fn offset(&self, at: usize) -> Result<usize, SectionError> {
        let bytes = self.offsets.get(at * self.width..(at + 1) * self.width);
        let bytes = bytes.ok_or(SectionError::Malformed("offset"))?;
        Ok(bytes.iter().rev().fold(0, |offset, byte| offset << 8 | usize::from(*byte)))
    }

    /// The most times in a column: each is some sample's.
    fn column_max(&self) -> usize {
        usize::try_from(self.samples).map_or(SECTION_SAMPLES_MAX, |n| n.min(SECTION_SAMPLES_MAX))
    }

    /// Which time column, and which part of it.
    fn time_part(&self, cursor: &mut Cursor<'_>) -> Result<(u32, Place), SectionError> {
        let column = cursor.varint()?;
        let in_part = column & 1 > 0;
        let column = u32::try_from(column >> 1).ok().filter(|column| *column < self.times);
        let column = column.ok_or(SectionError::Malformed("time column"))?;
        let count = Cursor::new(self.entry(column)?).count(self.column_max())?;
        if !in_part {
            return Ok((column, 0..count));
        }
        let skip = cursor.count(count)?;
        let length = cursor.count(count - skip)?;
        Ok((column, skip..skip + length))
    }
}

impl Scratch {
    fn turn_to(&mut self, section: &Section<'_>) {
        let now = Some((section.crc, section.body.len()));
        if self.section != now {
            self.section = now;
            self.times_of = None;
            self.lead_of = None;
        }
    }
}

/// Which of the times lie in the range, both ends included.
fn within(times: &[i64], (start_ms, end_ms): (i64, i64)) -> Place {
    let from = times.partition_point(|time| *time < start_ms);
    let to = times.partition_point(|time| *time <= end_ms);
    from..to.max(from)
}

/// Keeps the starts as long as the samples: 0 where they are not known, nothing when none is.
fn extend_starts(
    column: Option<(&mut Cursor<'_>, usize)>,
    wanted: &Place,
    into: &mut Vec<i64>,
    total: usize,
    scratch: &mut Scratch,
) -> Result<(), SectionError> {
    let Some((cursor, count)) = column else {
        if !into.is_empty() {
            into.resize(total, 0);
        }
        return Ok(());
    };
    scratch.numbers.clear();
    ints::read(cursor, count, count, None, &mut scratch.numbers)?;
    let starts = scratch.numbers.get(wanted.clone()).ok_or(SectionError::Malformed("starts"))?;
    if !wanted.is_empty() {
        into.resize(total - wanted.len(), 0);
        into.extend_from_slice(starts);
    }
    Ok(())
}
