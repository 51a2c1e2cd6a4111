//! Writes a part, group by group.

use std::io;

use camino::Utf8PathBuf;
use crc32c::crc32c;
use model::Points;
use wal::{Disk, DiskFile};

use super::{FOOTER_MAGIC, HEADER_BYTES, MAGIC, PartMeta};
use crate::{
    codec::{Columns, Mode, Role, SectionWriter},
    directory::{DirectoryWriter, SectionRef},
    head::histogram_bytes,
};

/// Samples of one series in a section: more of them compress hardly better and take longer to find one in.
const COLUMN_SAMPLES: usize = 512;
/// A column may be so much longer before it is cut.
const COLUMN_SAMPLES_MAX: usize = 720;
/// Samples in a section, about: what a damaged byte costs, and what a query of one series reads.
const SECTION_SAMPLES: [usize; 2] = [16 << 10, 32 << 10];
/// Series in a group.
const GROUP_SERIES_MAX: usize = 4096;
/// What a group may take in memory, where it is until it is written.
const GROUP_BYTES_MAX: usize = 16 << 20;
/// Bytes that are written at once.
const WRITE_BYTES: usize = 1 << 20;

/// A failure, and the file that it is about.
type Failed = (Utf8PathBuf, io::Error);

pub(crate) struct PartWriter {
    file: Box<dyn DiskFile>,
    path: Utf8PathBuf,
    number: u64,
    mode: Mode,
    buffer: Vec<u8>,
    /// Where the buffer begins in the file.
    written: u64,
    directory: DirectoryWriter,
    sections: SectionWriter,
    /// The series of the group that is being collected; the first `group` of `columns`.
    ids: Vec<u32>,
    roles: Vec<Role>,
    columns: Vec<Points>,
    group_samples: usize,
    group_longest: usize,
    group_bytes: usize,
    samples: u64,
    series: u64,
    min_ms: i64,
    max_ms: i64,
}

impl PartWriter {
    pub(crate) fn create(
        disk: &dyn Disk,
        path: Utf8PathBuf,
        number: u64,
        mode: Mode,
    ) -> Result<Self, Failed> {
        let file = match disk.create(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                // Of an attempt that did not come to its end.
                disk.remove(&path)
                    .and_then(|()| disk.create(&path))
                    .map_err(|e| (path.clone(), e))?
            }
            Err(error) => return Err((path, error)),
        };
        let mut buffer = Vec::with_capacity(WRITE_BYTES + (256 << 10));
        buffer.extend_from_slice(MAGIC);
        buffer.extend_from_slice(&number.to_le_bytes());
        debug_assert_eq!(buffer.len() as u64, HEADER_BYTES);
        Ok(Self {
            file,
            path,
            number,
            mode,
            buffer,
            written: 0,
            directory: DirectoryWriter::default(),
            sections: SectionWriter::new(mode),
            ids: Vec::new(),
            roles: Vec::new(),
            columns: Vec::new(),
            group_samples: 0,
            group_longest: 0,
            group_bytes: 0,
            samples: 0,
            series: 0,
            min_ms: i64::MAX,
            max_ms: i64::MIN,
        })
    }

    /// Takes a series' samples, in order of time, and leaves `points` empty.
    pub(crate) fn push(&mut self, id: u32, role: Role, points: &mut Points) -> Result<(), Failed> {
        if points.is_empty() {
            return Ok(());
        }
        if role != Role::Member && self.is_full(points.len()) || self.is_overfull() {
            self.cut()?;
        }
        let at = self.ids.len();
        if at == self.columns.len() {
            self.columns.push(Points::default());
        }
        std::mem::swap(&mut self.columns[at], points);
        points.clear();
        let len = self.columns[at].len();
        self.ids.push(id);
        self.roles.push(role);
        self.group_samples += len;
        self.group_longest = self.group_longest.max(len);
        self.group_bytes += bytes_of(&self.columns[at]);
        Ok(())
    }

    fn is_full(&self, more: usize) -> bool {
        let target = SECTION_SAMPLES[usize::from(self.mode == Mode::Dense)];
        let longest = self.group_longest.max(more);
        let columns =
            if longest > COLUMN_SAMPLES_MAX { longest.div_ceil(COLUMN_SAMPLES) } else { 1 };
        self.group_samples + more > target.saturating_mul(columns)
            || self.ids.len() >= GROUP_SERIES_MAX
    }

    fn is_overfull(&self) -> bool {
        self.group_bytes > GROUP_BYTES_MAX || self.ids.len() >= GROUP_SERIES_MAX * 2
    }

    /// Writes the group that was collected.
    fn cut(&mut self) -> Result<(), Failed> {
        let group = self.ids.len();
        if group == 0 {
            return Ok(());
        }
        let mut sections = Vec::new();
        self.encode(&mut sections)?;
        let newest = self.columns[..group].iter().map(newest);
        let newest: Vec<i64> = newest.collect();
        self.directory.add(&self.ids, &newest, &sections);
        self.series += group as u64;
        self.forget_group();
        Ok(())
    }

    /// Takes a series that is too long for memory: what `piece` gives, a stretch of time after the other, until that is
    /// nothing.
    pub(crate) fn push_long<E: From<Failed>>(
        &mut self,
        id: u32,
        role: Role,
        piece: &mut dyn FnMut(&mut Points) -> Result<bool, E>,
    ) -> Result<(), E> {
        self.cut()?;
        let (mut sections, mut newest_ms) = (Vec::new(), i64::MIN);
        let mut points = Points::default();
        while piece(&mut points)? {
            newest_ms = newest_ms.max(newest(&points));
            self.push(id, role, &mut points)?;
            let written = self.encode(&mut sections);
            self.forget_group();
            written?;
        }
        if !sections.is_empty() {
            self.directory.add(&[id], &[newest_ms], &sections);
            self.series += 1;
        }
        Ok(())
    }

    /// Encodes the group that was collected.
    fn encode(&mut self, sections: &mut Vec<SectionRef>) -> Result<(), Failed> {
        let group = self.ids.len();
        for (start_ms, end_ms) in stretches(&self.columns[..group], self.group_longest) {
            for (points, role) in self.columns[..group].iter().zip(&self.roles) {
                self.sections.push(slice(points, *role, start_ms, end_ms));
            }
            let offset = self.written + self.buffer.len() as u64;
            let summary = self.sections.finish(&mut self.buffer);
            if summary.samples == 0 {
                // Nothing lies in this stretch, which cannot be; and if it were, it is harmless.
                self.buffer.truncate(usize::try_from(offset - self.written).unwrap_or(usize::MAX));
                continue;
            }
            let bytes = u32::try_from(summary.bytes).expect("a section is smaller than 4 GiB");
            sections.push(SectionRef {
                offset,
                bytes,
                samples: summary.samples,
                min_ms: summary.min_ms,
                max_ms: summary.max_ms,
            });
            self.samples += summary.samples;
            self.min_ms = self.min_ms.min(summary.min_ms);
            self.max_ms = self.max_ms.max(summary.max_ms);
            if self.buffer.len() >= WRITE_BYTES {
                self.write()?;
            }
        }
        Ok(())
    }

    fn forget_group(&mut self) {
        for points in &mut self.columns[..self.ids.len()] {
            points.clear();
            // One long series must not hold its memory until the end.
            if points.times.capacity().max(points.histograms.capacity()) > 4 * COLUMN_SAMPLES {
                *points = Points::default();
            }
        }
        self.ids.clear();
        self.roles.clear();
        (self.group_samples, self.group_longest, self.group_bytes) = (0, 0, 0);
    }

    fn write(&mut self) -> Result<(), Failed> {
        self.file.append(&self.buffer).map_err(|error| (self.path.clone(), error))?;
        self.written += self.buffer.len() as u64;
        self.buffer.clear();
        Ok(())
    }

    /// Ends the part and syncs it; `None`, and no file, when nothing was pushed. The directory is not synced.
    pub(crate) fn finish(
        self,
        disk: &dyn Disk,
        level: u8,
        window_ms: i64,
    ) -> Result<Option<PartMeta>, Failed> {
        let path = self.path.clone();
        let ended = self.end(disk, level, window_ms);
        if ended.is_err() {
            // No manifest names it yet, and on a full disk each try would leave one more.
            drop(disk.remove(&path));
        }
        ended
    }

    fn end(
        mut self,
        disk: &dyn Disk,
        level: u8,
        window_ms: i64,
    ) -> Result<Option<PartMeta>, Failed> {
        self.cut()?;
        if self.series == 0 {
            drop(self.file);
            disk.remove(&self.path).map_err(|error| (self.path.clone(), error))?;
            return Ok(None);
        }
        let directory = std::mem::take(&mut self.directory).finish();
        let mut meta = PartMeta {
            number: self.number,
            level,
            window_ms,
            min_ms: self.min_ms,
            max_ms: self.max_ms,
            samples: self.samples,
            series: self.series,
            bytes: 0,
            directory_offset: self.written + self.buffer.len() as u64,
            directory_bytes: directory.len() as u64,
            directory_crc: crc32c(&directory),
        };
        self.buffer.extend_from_slice(&directory);
        self.buffer.extend_from_slice(&directory);
        let before = self.written + self.buffer.len() as u64;
        self.buffer.extend_from_slice(&footer(&mut meta, before));
        self.write()?;
        self.file.sync().map_err(|error| (self.path.clone(), error))?;
        Ok(Some(meta))
    }

    /// Gives up: the file goes.
    pub(crate) fn abandon(self, disk: &dyn Disk) {
        drop(self.file);
        // What is left would be swept away at the next start.
        drop(disk.remove(&self.path));
    }
}

fn newest(points: &Points) -> i64 {
    let histogram = points.histograms.last().map(|sample| sample.at_ms);
    points.times.last().copied().max(histogram).unwrap_or(i64::MIN)
}

/// What samples take in memory, about.
pub(crate) fn bytes_of(points: &Points) -> usize {
    let histograms = points.histograms.iter().map(|one| histogram_bytes(&one.histogram));
    16 * points.times.len() + histograms.sum::<usize>()
}

/// Sets the part's size and encodes the footer, whose own length is in it.
fn footer(meta: &mut PartMeta, before: u64) -> Vec<u8> {
    let mut payload = Vec::new();
    loop {
        payload.clear();
        meta.put(&mut payload);
        let size = before + payload.len() as u64 + 12;
        if meta.bytes == size {
            break;
        }
        meta.bytes = size;
    }
    let len = u32::try_from(payload.len()).expect("a footer is short");
    let crc = crc32c(&payload);
    payload.extend_from_slice(&len.to_le_bytes());
    payload.extend_from_slice(&crc.to_le_bytes());
    payload.extend_from_slice(FOOTER_MAGIC);
    payload
}

/// The stretches of time into which a group is cut, so that columns are of a handy length.
fn stretches(group: &[Points], longest: usize) -> Vec<(i64, i64)> {
    if longest <= COLUMN_SAMPLES_MAX {
        return vec![(i64::MIN, i64::MAX)];
    }
    let Some(guide) = group.iter().max_by_key(|points| points.len()) else { return Vec::new() };
    let mut times: Vec<i64> = guide.times.clone();
    times.extend(guide.histograms.iter().map(|sample| sample.at_ms));
    times.sort_unstable();
    let count = times.len().div_ceil(COLUMN_SAMPLES);
    let mut stretches = Vec::with_capacity(count);
    let mut start = i64::MIN;
    for cut in 1..count {
        let at = times[cut * times.len() / count];
        if at > start {
            stretches.push((start, at - 1));
            start = at;
        }
    }
    stretches.push((start, i64::MAX));
    // Other series may be denser than the guide within a stretch, by as much as they are in all.
    stretches
}

fn slice(points: &Points, role: Role, start_ms: i64, end_ms: i64) -> Columns<'_> {
    if (start_ms, end_ms) == (i64::MIN, i64::MAX) {
        return Columns::of(points, role);
    }
    let first = points.times.partition_point(|at| *at < start_ms);
    let last = points.times.partition_point(|at| *at <= end_ms);
    let first_histogram = points.histograms.partition_point(|sample| sample.at_ms < start_ms);
    let last_histogram = points.histograms.partition_point(|sample| sample.at_ms <= end_ms);
    Columns {
        role,
        times: &points.times[first..last],
        values: &points.values[first..last],
        starts: points.starts.get(first..last).unwrap_or_default(),
        histograms: &points.histograms[first_histogram..last_histogram],
        histogram_starts: points
            .histogram_starts
            .get(first_histogram..last_histogram)
            .unwrap_or_default(),
    }
}
