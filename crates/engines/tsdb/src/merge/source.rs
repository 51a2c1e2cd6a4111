//! A part that is being merged, read series by series.

use std::{io, sync::Arc};

use camino::Utf8Path;
use model::Points;

use crate::{
    codec::{Scratch, Section},
    directory::Directory,
    part::{Part, Shared},
};

/// Sections that are held at once: those of one group.
const HELD_MAX: usize = 64;

pub(super) struct Source {
    part: Arc<Part>,
    directory: Arc<Directory>,
    /// By number; those of the group that was read last. `None` is damaged.
    held: Vec<(u32, Option<Vec<u8>>, Scratch)>,
}

impl Source {
    /// `None` when the directory is damaged, and with it the part.
    pub(super) fn open(shared: &Shared, part: &Arc<Part>) -> io::Result<Option<Self>> {
        let directory = part.directory(shared)?;
        Ok(directory.map(|directory| Self { part: Arc::clone(part), directory, held: Vec::new() }))
    }

    pub(super) fn ids(&self) -> &[u32] {
        self.directory.ids()
    }

    pub(super) fn number(&self) -> u64 {
        self.part.meta.number
    }

    pub(super) fn path(&self) -> &Utf8Path {
        &self.part.path
    }

    /// Of each section that the series is in the oldest time and its weight: the samples of all its series, and more for those
    /// that take many bytes, as histograms do.
    pub(super) fn sections(&self, id: u32) -> impl Iterator<Item = (i64, u64)> {
        let place = self.directory.place(id);
        let numbers = place.map_or(0..0, |place| place.first_section..place.end_section);
        numbers.map(|number| {
            let section = self.directory.section(number);
            (section.min_ms, section.samples + 2 * u64::from(section.bytes))
        })
    }

    /// Appends the series' samples from `start_ms` to `end_ms`.
    pub(super) fn read(
        &mut self,
        shared: &Shared,
        id: u32,
        (start_ms, end_ms): (i64, i64),
        into: &mut Points,
    ) -> io::Result<()> {
        let Some(place) = self.directory.place(id) else { return Ok(()) };
        for number in place.first_section..place.end_section {
            let section = self.directory.section(number);
            if section.max_ms < start_ms || section.min_ms > end_ms {
                continue;
            }
            let at = match self.held.iter().position(|(held, _, _)| *held == number) {
                Some(at) => at,
                None => {
                    let outside =
                        |held: u32| !(place.first_section..place.end_section).contains(&held);
                    self.held.retain(|(held, _, _)| !outside(*held));
                    if self.held.len() >= HELD_MAX {
                        self.held.clear();
                    }
                    let bytes = self.part.read_section(shared, section)?;
                    self.held.push((number, bytes, Scratch::default()));
                    self.held.len() - 1
                }
            };
            let (_, bytes, scratch) = &mut self.held[at];
            let Some(content) = bytes.as_deref() else { continue };
            let before = (into.times.len(), into.histograms.len());
            let read = Section::open_unchecked_crc(content)
                .and_then(|section| section.read(place.slot, start_ms, end_ms, scratch, into));
            if let Err(error) = read {
                // Its checksum was right: a fault of whoever wrote it. What was decoded before stays, and other series may be
                // whole.
                truncate(into, before);
                self.part.damaged(
                    shared,
                    (section.offset, u64::from(section.bytes)),
                    (section.samples, section.min_ms, section.max_ms),
                    &error.to_string(),
                    Some(content),
                );
            }
        }
        Ok(())
    }
}

pub(crate) fn truncate(points: &mut Points, (floats, histograms): (usize, usize)) {
    points.times.truncate(floats);
    points.values.truncate(floats);
    points.starts.truncate(floats);
    points.histograms.truncate(histograms);
    points.histogram_starts.truncate(histograms);
}
