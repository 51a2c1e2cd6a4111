//! A part's directory: which series lie in which sections.
//!
//! A *group* is of series that lie together in the same sections, one section for each stretch of time; a series' place in
//! the group is its slot in each of them. Serialised, by group: the numbers as differences, then the sections' lengths and
//! bounds, then how long before the end each series has its newest sample, in seconds. It is written twice at the end of a part, so that no single damaged byte can take it away.

use wal::codec::{DecodeError, Reader, put_int, put_len, put_uint};

use crate::codec::{SECTION_BYTES_MAX, SECTION_SAMPLES_MAX};

/// Where a section lies in its part, and between which times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SectionRef {
    pub(crate) offset: u64,
    pub(crate) bytes: u32,
    pub(crate) samples: u64,
    pub(crate) min_ms: i64,
    pub(crate) max_ms: i64,
}

impl SectionRef {
    pub(crate) fn overlaps(&self, start_ms: i64, end_ms: i64) -> bool {
        self.min_ms <= end_ms && self.max_ms >= start_ms
    }
}

/// Writes a directory, group by group.
#[derive(Debug, Default)]
pub(crate) struct DirectoryWriter {
    out: Vec<u8>,
    groups: u32,
    last_id: i64,
    last_end: u64,
}

impl DirectoryWriter {
    /// `newest_ms` has for each series the time of its newest sample, which lies within the sections' bounds.
    pub(crate) fn add(&mut self, ids: &[u32], newest_ms: &[i64], sections: &[SectionRef]) {
        debug_assert_eq!(ids.len(), newest_ms.len());
        self.groups += 1;
        put_len(&mut self.out, ids.len());
        for &id in ids {
            put_int(&mut self.out, i64::from(id) - self.last_id);
            self.last_id = i64::from(id);
        }
        put_len(&mut self.out, sections.len());
        for section in sections {
            put_uint(&mut self.out, section.offset - self.last_end);
            self.last_end = section.offset + u64::from(section.bytes);
            put_uint(&mut self.out, u64::from(section.bytes));
            put_uint(&mut self.out, section.samples);
            put_int(&mut self.out, section.min_ms);
            put_uint(&mut self.out, section.max_ms.wrapping_sub(section.min_ms).cast_unsigned());
        }
        let max_ms = sections.iter().map(|section| section.max_ms).max().unwrap_or(0);
        for at_ms in newest_ms {
            put_uint(&mut self.out, max_ms.saturating_sub(*at_ms).cast_unsigned() / 1000);
        }
    }

    pub(crate) fn finish(self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.out.len() + 5);
        put_uint(&mut out, u64::from(self.groups));
        out.extend_from_slice(&self.out);
        out
    }
}

/// A directory, to look series up in.
#[derive(Debug, Default)]
pub(crate) struct Directory {
    /// Sorted; the place of each in `places`.
    ids: Vec<u32>,
    /// Group and slot.
    places: Vec<(u32, u32)>,
    /// The first section of each group, and the end.
    firsts: Vec<u32>,
    /// How many series each group has.
    series: Vec<u32>,
    sections: Vec<SectionRef>,
}

/// A series in a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// The sections of its group, by number.
    pub(crate) first_section: u32,
    pub(crate) end_section: u32,
    pub(crate) slot: u32,
    /// How many series its group has.
    pub(crate) series: u32,
}

impl Directory {
    #[cfg(test)]
    pub(crate) fn read(bytes: &[u8]) -> Result<Self, DecodeError> {
        Self::read_with(bytes, &mut |_, _| ())
    }

    /// Reads a directory; visits each series with the time of its newest sample, up to a second too late.
    pub(crate) fn read_with(
        bytes: &[u8],
        newest: &mut dyn FnMut(u32, i64),
    ) -> Result<Self, DecodeError> {
        let reader = &mut Reader::new(bytes);
        let mut directory = Self::default();
        let mut entries: Vec<(u32, (u32, u32))> = Vec::new();
        let (mut last_id, mut last_end) = (0_i64, 0_u64);
        for group in 0..reader.len("groups")? {
            let group = u32::try_from(group).map_err(|_| reader.error("groups"))?;
            let series = reader.len("series")?;
            directory.series.push(to_u32(series));
            for slot in 0..series {
                last_id = last_id.wrapping_add(reader.int("series")?);
                let id = u32::try_from(last_id).map_err(|_| reader.error("series"))?;
                let slot = u32::try_from(slot).map_err(|_| reader.error("series"))?;
                entries.push((id, (group, slot)));
            }
            directory.firsts.push(to_u32(directory.sections.len()));
            for _ in 0..reader.len("sections")? {
                let section = section(reader, last_end)?;
                last_end = section.offset + u64::from(section.bytes);
                directory.sections.push(section);
            }
            let first = directory.firsts.last().map_or(0, |first| to_usize(*first));
            let max_ms = directory.sections[first..].iter().map(|section| section.max_ms).max();
            for (id, _) in &entries[entries.len() - series..] {
                let before = reader.uint("time")?.saturating_mul(1000);
                newest(*id, max_ms.unwrap_or(0).saturating_sub_unsigned(before));
            }
        }
        directory.firsts.push(to_u32(directory.sections.len()));
        if !reader.is_empty() {
            return Err(reader.error("the end"));
        }
        entries.sort_unstable();
        (directory.ids, directory.places) = entries.into_iter().unzip();
        Ok(directory)
    }

    pub(crate) fn ids(&self) -> &[u32] {
        &self.ids
    }

    pub(crate) fn section(&self, number: u32) -> SectionRef {
        self.sections[to_usize(number)]
    }

    pub(crate) fn sections(&self) -> &[SectionRef] {
        &self.sections
    }

    /// What it takes in memory.
    pub(crate) fn bytes(&self) -> usize {
        self.ids.len() * 12 + self.sections.len() * size_of::<SectionRef>()
    }

    pub(crate) fn place(&self, id: u32) -> Option<Place> {
        let at = self.ids.binary_search(&id).ok()?;
        Some(self.place_at(at))
    }

    /// The place of the series at `at` in [`Directory::ids`].
    pub(crate) fn place_at(&self, at: usize) -> Place {
        let (group, slot) = self.places[at];
        let group = to_usize(group);
        Place {
            first_section: self.firsts[group],
            end_section: self.firsts[group + 1],
            slot,
            series: self.series[group],
        }
    }

    /// Visits the places of those of `ids`, sorted, that are here, with their place among `ids`.
    pub(crate) fn places_of(&self, ids: &[u32], mut visit: impl FnMut(usize, Place)) {
        // Looking each one up is cheaper than walking along, as long as they are few.
        if ids.len() < self.ids.len() / 16 {
            for (number, id) in ids.iter().enumerate() {
                if let Some(place) = self.place(*id) {
                    visit(number, place);
                }
            }
            return;
        }
        let mut at = 0;
        for (number, id) in ids.iter().enumerate() {
            while self.ids.get(at).is_some_and(|here| here < id) {
                at += 1;
            }
            if self.ids.get(at) == Some(id) {
                visit(number, self.place_at(at));
            }
        }
    }
}

fn section(reader: &mut Reader<'_>, last_end: u64) -> Result<SectionRef, DecodeError> {
    let offset = last_end.checked_add(reader.uint("offset")?).ok_or(reader.error("offset"))?;
    let bytes = reader.uint("length")?;
    if bytes > SECTION_BYTES_MAX as u64 || offset.checked_add(bytes).is_none() {
        return Err(reader.error("length"));
    }
    let bytes = u32::try_from(bytes).map_err(|_| reader.error("length"))?;
    let samples = reader.uint("samples")?;
    // None is as wrong as too many: a series of such a section would be left out, and its place go to the next.
    if samples == 0 || samples > SECTION_SAMPLES_MAX as u64 {
        return Err(reader.error("samples"));
    }
    let min_ms = reader.int("time")?;
    let max_ms = min_ms.wrapping_add(reader.uint("time")?.cast_signed());
    Ok(SectionRef { offset, bytes, samples, min_ms, max_ms })
}

fn to_u32(len: usize) -> u32 {
    u32::try_from(len).expect("a part has fewer than 2^32 sections")
}

pub(crate) fn to_usize(number: u32) -> usize {
    usize::try_from(number).expect("32 bits fit")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn section(offset: u64, bytes: u32, min_ms: i64) -> SectionRef {
        SectionRef { offset, bytes, samples: 9, min_ms, max_ms: min_ms + 100 }
    }

    #[test]
    fn finds_what_was_added() {
        let mut writer = DirectoryWriter::default();
        let sections = [section(64, 100, -5), section(164, 50, 95), section(214, 7, i64::MIN)];
        writer.add(&[9, 3, 4], &[195, -5_000, -5_900], &sections[..2]);
        writer.add(&[1, 70_000], &[i64::MIN + 100; 2], &sections[2..]);
        let bytes = writer.finish();
        let directory = Directory::read(&bytes).unwrap();
        assert_eq!(directory.ids(), [1, 3, 4, 9, 70_000]);
        assert_eq!(directory.sections(), sections);
        assert_eq!(
            directory.place(4),
            Some(Place { first_section: 0, end_section: 2, slot: 2, series: 3 })
        );
        assert_eq!(
            directory.place(1),
            Some(Place { first_section: 2, end_section: 3, slot: 0, series: 2 })
        );
        assert_eq!(directory.place(5), None);
        let mut newest = Vec::new();
        Directory::read_with(&bytes, &mut |id, at_ms| newest.push((id, at_ms))).unwrap();
        assert_eq!(newest[..3], [(9, 195), (3, -4_805), (4, -5_805)]);
        let mut found = Vec::new();
        directory.places_of(&[1, 2, 9], |number, place| found.push((number, place.slot)));
        assert_eq!(found, [(0, 0), (2, 0)]);
        for len in 0..bytes.len() {
            assert!(Directory::read(&bytes[..len]).is_err());
        }
    }
    #[test]
    fn a_section_without_samples_is_refused() {
        for (samples, is_read) in [(0, false), (1, true), (1 << 22, true), (1 << 23, false)] {
            let mut writer = DirectoryWriter::default();
            writer.add(&[1], &[5], &[SectionRef { samples, ..section(16, 9, 0) }]);
            assert_eq!(Directory::read(&writer.finish()).is_ok(), is_read, "{samples}");
        }
    }
}
