//! A part: an immutable file of samples.
//!
//! `header | sections | directory | directory | footer`. The header says what the file is; each section has its own
//! checksum; the directory is there twice; the footer says what the manifest says of the part, for when that is lost.

#[cfg(test)]
mod tests;
mod writer;

use std::{
    io::{self, ErrorKind},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use camino::{Utf8Path, Utf8PathBuf};
use crc32c::crc32c;
use parking_lot::Mutex;
use wal::{
    Disk, DiskRead,
    codec::{DecodeError, Reader, put_int, put_uint},
};

pub(crate) use writer::{PartWriter, bytes_of};

use crate::{
    PartDamage,
    cache::Cache,
    codec::Section,
    damage::Faults,
    directory::{Directory, SectionRef},
};

const MAGIC: &[u8; 8] = b"EKPART\x01\n";
const HEADER_BYTES: u64 = 16;
const FOOTER_MAGIC: &[u8; 4] = b"EKFT";
const EXTENSION: &str = "part";
/// No part has as many bytes, or samples: sums over all parts stay far from the end of 64 bits.
const SIZE_MAX: u64 = 1 << 48;
/// No part has this number or a higher one: the numbers after it have a digit more before long than names have.
pub(crate) const NUMBER_END: u64 = 1_000_000_000_000_000;
/// The window of a part whose samples lie anywhere.
pub(crate) const ANYWHERE: i64 = i64::MIN;

/// What the manifest knows of a part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PartMeta {
    pub(crate) number: u64,
    /// 0 as flushed; one more than the highest of those that were merged into it.
    pub(crate) level: u8,
    /// The start of the window of time that it lies in, or [`ANYWHERE`].
    pub(crate) window_ms: i64,
    pub(crate) min_ms: i64,
    pub(crate) max_ms: i64,
    pub(crate) samples: u64,
    pub(crate) series: u64,
    pub(crate) bytes: u64,
    pub(crate) directory_offset: u64,
    pub(crate) directory_bytes: u64,
    pub(crate) directory_crc: u32,
}

impl PartMeta {
    pub(crate) fn put(&self, out: &mut Vec<u8>) {
        put_uint(out, self.number);
        out.push(self.level);
        put_int(out, self.window_ms);
        put_int(out, self.min_ms);
        put_int(out, self.max_ms);
        put_uint(out, self.samples);
        put_uint(out, self.series);
        put_uint(out, self.bytes);
        put_uint(out, self.directory_offset);
        put_uint(out, self.directory_bytes);
        out.extend_from_slice(&self.directory_crc.to_le_bytes());
    }

    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let meta = Self {
            number: reader.uint("number")?,
            level: reader.byte("level")?,
            window_ms: reader.int("window")?,
            min_ms: reader.int("time")?,
            max_ms: reader.int("time")?,
            samples: reader.uint("samples")?,
            series: reader.uint("series")?,
            bytes: reader.uint("bytes")?,
            directory_offset: reader.uint("offset")?,
            directory_bytes: reader.uint("length")?,
            directory_crc: u32::from_le_bytes(reader.array("checksum")?),
        };
        if meta.is_possible() { Ok(meta) } else { Err(reader.error("size")) }
    }

    /// Whether both directories lie within the part, whose sizes and number can be.
    fn is_possible(&self) -> bool {
        let directories = self.directory_bytes.checked_mul(2);
        let end = directories.and_then(|bytes| bytes.checked_add(self.directory_offset));
        let sizes = [self.bytes, self.samples, self.series];
        end.is_some_and(|end| end <= self.bytes)
            && sizes.into_iter().all(|size| size < SIZE_MAX)
            && self.number < NUMBER_END
    }

    pub(crate) fn overlaps(&self, start_ms: i64, end_ms: i64) -> bool {
        self.min_ms <= end_ms && self.max_ms >= start_ms
    }
}

pub(crate) fn directory(dir: &Utf8Path) -> Utf8PathBuf {
    dir.join("parts")
}

pub(crate) fn path(dir: &Utf8Path, number: u64) -> Utf8PathBuf {
    directory(dir).join(format!("{number:016}.{EXTENSION}"))
}

/// The number in the name of a part's file; `None` for other files.
pub(crate) fn number(path: &Utf8Path) -> Option<u64> {
    if path.extension() != Some(EXTENSION) {
        return None;
    }
    let stem = path.file_stem()?;
    let is_number = stem.len() == 16 && stem.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| stem.parse().ok()).flatten().filter(|number| *number < NUMBER_END)
}

/// What the footer says, if it is whole.
pub(crate) fn read_footer(disk: &dyn Disk, path: &Utf8Path) -> io::Result<Option<PartMeta>> {
    let size = disk.size(path)?;
    let Some(at) = size.checked_sub(12) else { return Ok(None) };
    let tail = disk.read_at(path, at, 12)?;
    let word = |at: usize| u32::from_le_bytes([tail[at], tail[at + 1], tail[at + 2], tail[at + 3]]);
    let len = word(0);
    let Some(start) =
        at.checked_sub(u64::from(len)).filter(|_| len < 1024 && &tail[8..] == FOOTER_MAGIC)
    else {
        return Ok(None);
    };
    let payload = disk.read_at(path, start, usize::try_from(len).unwrap_or(0))?;
    if crc32c(&payload) != word(4) {
        return Ok(None);
    }
    Ok(PartMeta::read(&mut Reader::new(&payload)).ok().filter(|meta| meta.bytes == size))
}

/// A part, open for reading. Whoever holds one can read it, even when it was dropped meanwhile.
#[derive(Debug)]
pub(crate) struct Part {
    pub(crate) meta: PartMeta,
    pub(crate) path: Utf8PathBuf,
    file: Arc<dyn DiskRead>,
    directory: Mutex<Option<Arc<Directory>>>,
    /// When the directory was used last, by the clock of [`Shared`].
    used: AtomicU64,
}

/// What reading parts needs beside them.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) dir: Utf8PathBuf,
    pub(crate) cache: Cache,
    pub(crate) faults: Faults,
    /// Tells this store from others of the process.
    pub(crate) store: u64,
    clock: AtomicU64,
}

static STORES: AtomicU64 = AtomicU64::new(1);

impl Shared {
    pub(crate) fn new(disk: Arc<dyn Disk>, dir: Utf8PathBuf, cache_bytes: usize) -> Self {
        Self {
            disk,
            dir,
            cache: Cache::new(cache_bytes),
            faults: Faults::default(),
            store: STORES.fetch_add(1, Relaxed),
            clock: AtomicU64::new(1),
        }
    }
}

impl Part {
    pub(crate) fn open(shared: &Shared, meta: PartMeta) -> io::Result<Self> {
        let path = path(&shared.dir, meta.number);
        let file = shared.disk.open(&path)?;
        Ok(Self { meta, path, file, directory: Mutex::default(), used: AtomicU64::new(0) })
    }

    /// The directory, from memory or from the disk; `None` when both copies are damaged.
    pub(crate) fn directory(&self, shared: &Shared) -> io::Result<Option<Arc<Directory>>> {
        self.used.store(shared.clock.fetch_add(1, Relaxed), Relaxed);
        let mut known = self.directory.lock();
        if let Some(directory) = &*known {
            return Ok(Some(Arc::clone(directory)));
        }
        let directory = self.read_directory(shared, &mut |_, _| ())?.map(Arc::new);
        known.clone_from(&directory);
        Ok(directory)
    }

    /// Visits each series with the time of its newest sample.
    pub(crate) fn newest(
        &self,
        shared: &Shared,
        visit: &mut dyn FnMut(u32, i64),
    ) -> io::Result<()> {
        let directory = self.read_directory(shared, visit)?.map(Arc::new);
        *self.directory.lock() = directory;
        Ok(())
    }

    fn read_directory(
        &self,
        shared: &Shared,
        newest: &mut dyn FnMut(u32, i64),
    ) -> io::Result<Option<Directory>> {
        let meta = &self.meta;
        let len = usize::try_from(meta.directory_bytes).map_err(io::Error::other)?;
        for copy in 0..2 {
            let offset = meta.directory_offset + copy * meta.directory_bytes;
            let (what, bytes) = match self.file.read_at(offset, len) {
                Ok(bytes) if crc32c(&bytes) == meta.directory_crc => {
                    match Directory::read_with(&bytes, newest) {
                        Ok(directory) if self.has_room_for(&directory) => {
                            return Ok(Some(directory));
                        }
                        Ok(_) => ("the directory names bytes that are no sections", Some(bytes)),
                        Err(_) => ("the directory is malformed", Some(bytes)),
                    }
                }
                Ok(bytes) => ("a copy of the directory fails its checksum", Some(bytes)),
                Err(error) if error.kind() == ErrorKind::UnexpectedEof => {
                    ("the file is too short", None)
                }
                Err(error) => return Err(error),
            };
            let lost = if copy == 0 { (0, 0, 0) } else { (meta.samples, meta.min_ms, meta.max_ms) };
            self.damaged(shared, (offset, meta.directory_bytes), lost, what, bytes.as_deref());
        }
        Ok(None)
    }

    /// Whether the sections lie where sections do.
    fn has_room_for(&self, directory: &Directory) -> bool {
        let mut sections = directory.sections().iter();
        sections
            .all(|section| section.offset + u64::from(section.bytes) <= self.meta.directory_offset)
    }

    /// What the directory takes in memory, and when it was used last.
    pub(crate) fn directory_bytes(&self) -> (usize, u64) {
        let bytes = self.directory.lock().as_ref().map_or(0, |directory| directory.bytes());
        (bytes, self.used.load(Relaxed))
    }

    /// Whether nobody has asked for the directory yet.
    pub(crate) fn is_unused(&self) -> bool {
        self.used.load(Relaxed) == 0
    }

    pub(crate) fn forget_directory(&self) {
        *self.directory.lock() = None;
    }

    /// The bytes of a section, whole; `None` when it is damaged, which is noted.
    pub(crate) fn read_section(
        &self,
        shared: &Shared,
        section: SectionRef,
    ) -> io::Result<Option<Vec<u8>>> {
        let damage = |what: &str, bytes: Option<&[u8]>| {
            let lost = (section.samples, section.min_ms, section.max_ms);
            self.damaged(shared, (section.offset, u64::from(section.bytes)), lost, what, bytes);
        };
        let len = usize::try_from(section.bytes).map_err(io::Error::other)?;
        match self.file.read_at(section.offset, len) {
            Ok(bytes) => match Section::open(&bytes) {
                // What a query may read is reckoned from the directory.
                Ok(opened) if opened.samples() == section.samples => Ok(Some(bytes)),
                Ok(_) => {
                    damage("the section has other samples than the directory says", Some(&bytes));
                    Ok(None)
                }
                Err(error) => {
                    damage(&error.to_string(), Some(&bytes));
                    Ok(None)
                }
            },
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => {
                damage("the file is too short", None);
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// [`Part::read_section`] by way of the cache.
    pub(crate) fn section(
        &self,
        shared: &Shared,
        section: SectionRef,
    ) -> io::Result<Option<Arc<Vec<u8>>>> {
        let key = (self.meta.number, section.offset);
        if let Some(bytes) = shared.cache.get(key) {
            return Ok(Some(bytes));
        }
        let bytes = self.read_section(shared, section)?.map(Arc::new);
        if let Some(bytes) = &bytes {
            shared.cache.put(key, Arc::clone(bytes));
        }
        Ok(bytes)
    }

    pub(crate) fn damaged(
        &self,
        shared: &Shared,
        (offset, bytes): (u64, u64),
        (samples, min_ms, max_ms): (u64, i64, i64),
        what: &str,
        content: Option<&[u8]>,
    ) {
        let damage = PartDamage {
            part: self.meta.number,
            path: self.path.clone(),
            offset,
            bytes,
            samples,
            min_ms,
            max_ms,
            what: what.to_owned(),
            quarantined: None,
        };
        shared.faults.note(&*shared.disk, &shared.dir, damage, content);
    }
}
