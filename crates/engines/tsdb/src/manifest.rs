//! The manifest: which parts count, how far the log is in them, what was deleted.
//!
//! File `MANIFEST`, replaced as a whole: `EKMF | version u8 | length u32 | CRC-32C u32 | payload`, twice, so that no single
//! damaged byte costs it. The checksum covers the version and the length, too. When both are damaged it is made again from the parts' own footers, and the whole log counts.

use std::io::{self, ErrorKind};

use camino::{Utf8Path, Utf8PathBuf};
use crc32c::{crc32c, crc32c_append};
use wal::{
    Disk, Position,
    codec::{DecodeError, Reader, put_int, put_len, put_uint},
};

use crate::part::{NUMBER_END, PartMeta};

const MAGIC: &[u8; 4] = b"EKMF";
/// Version 1 had no `series_end`.
pub(crate) const VERSION: u8 = 2;
const HEADER_BYTES: usize = 13;

/// A stretch of time that is deleted of some series, in the parts up to a number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Tombstone {
    /// Sorted.
    pub(crate) ids: Vec<u32>,
    pub(crate) start_ms: i64,
    pub(crate) end_ms: i64,
    /// Parts with this number or a smaller one hold what was deleted.
    pub(crate) upto: u64,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Manifest {
    /// The number of the next part.
    pub(crate) next_part: u64,
    /// The log before this is in parts.
    pub(crate) flushed: Position,
    /// Oldest first.
    pub(crate) parts: Vec<PartMeta>,
    pub(crate) tombstones: Vec<Tombstone>,
    /// The old layout's blocks are in parts.
    pub(crate) migrated: bool,
    /// New series have this number or a higher one: parts and logs may hold samples under lower numbers whose labels were
    /// lost, and must not get others.
    pub(crate) series_end: u32,
}

/// What reading it found.
#[derive(Debug)]
pub(crate) enum Found {
    Manifest(Manifest),
    None,
    Damaged,
    Version(u8),
}

impl Manifest {
    fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        put_uint(&mut out, self.next_part);
        put_uint(&mut out, self.flushed.segment);
        put_uint(&mut out, self.flushed.offset);
        out.push(u8::from(self.migrated));
        put_len(&mut out, self.parts.len());
        self.parts.iter().for_each(|part| part.put(&mut out));
        put_len(&mut out, self.tombstones.len());
        for tombstone in &self.tombstones {
            put_int(&mut out, tombstone.start_ms);
            put_int(&mut out, tombstone.end_ms);
            put_uint(&mut out, tombstone.upto);
            put_len(&mut out, tombstone.ids.len());
            let mut last = 0;
            for id in &tombstone.ids {
                put_uint(&mut out, u64::from(id - last));
                last = *id;
            }
        }
        put_uint(&mut out, u64::from(self.series_end));
        out
    }

    fn decode(payload: &[u8]) -> Result<Self, DecodeError> {
        let reader = &mut Reader::new(payload);
        let mut manifest = Self {
            next_part: reader.uint("number")?,
            flushed: Position { segment: reader.uint("segment")?, offset: reader.uint("offset")? },
            migrated: reader.byte("migrated")? != 0,
            ..Self::default()
        };
        if manifest.next_part >= NUMBER_END {
            return Err(reader.error("number"));
        }
        for _ in 0..reader.len("parts")? {
            manifest.parts.push(PartMeta::read(reader)?);
        }
        for _ in 0..reader.len("tombstones")? {
            let (start_ms, end_ms) = (reader.int("time")?, reader.int("time")?);
            let upto = reader.uint("number")?;
            let mut last = 0_u32;
            let ids = (0..reader.len("series")?)
                .map(|_| {
                    let step = u32::try_from(reader.uint("series")?).ok();
                    last = step
                        .and_then(|step| last.checked_add(step))
                        .ok_or(reader.error("series"))?;
                    Ok(last)
                })
                .collect::<Result<_, _>>()?;
            manifest.tombstones.push(Tombstone { ids, start_ms, end_ms, upto });
        }
        if !reader.is_empty() {
            let end = u32::try_from(reader.uint("series")?);
            manifest.series_end = end.map_err(|_| reader.error("series"))?;
        }
        if reader.is_empty() { Ok(manifest) } else { Err(reader.error("the end")) }
    }

    /// Puts it in the place of the one before, durably.
    pub(crate) fn write(
        &self,
        disk: &dyn Disk,
        dir: &Utf8Path,
    ) -> Result<(), (Utf8PathBuf, io::Error)> {
        let payload = self.encode();
        let mut bytes = Vec::with_capacity(2 * (HEADER_BYTES + payload.len()));
        for _ in 0..2 {
            bytes.extend_from_slice(MAGIC);
            bytes.push(VERSION);
            let len = u32::try_from(payload.len()).expect("a manifest is far smaller than 4 GiB");
            bytes.extend_from_slice(&len.to_le_bytes());
            let crc = checksum(&bytes[bytes.len() - 5..], &payload);
            bytes.extend_from_slice(&crc.to_le_bytes());
            bytes.extend_from_slice(&payload);
        }
        write_file(disk, dir, &path(dir), &bytes)
    }

    pub(crate) fn read(disk: &dyn Disk, dir: &Utf8Path) -> io::Result<Found> {
        let bytes = match disk.read(&path(dir)) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Found::None),
            Err(error) => return Err(error),
        };
        let (first, second) = bytes.split_at(bytes.len() / 2);
        let mut found = Found::Damaged;
        for copy in [first, second] {
            match read_copy(copy) {
                Found::Manifest(manifest) => return Ok(Found::Manifest(manifest)),
                Found::Version(version) => found = Found::Version(version),
                Found::Damaged | Found::None => {}
            }
        }
        Ok(found)
    }
}

fn read_copy(copy: &[u8]) -> Found {
    let Some((header, payload)) = copy.split_at_checked(HEADER_BYTES) else {
        return Found::Damaged;
    };
    let word = |at: usize| {
        u32::from_le_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]])
    };
    let is_whole = &header[..4] == MAGIC
        && usize::try_from(word(5)).ok() == Some(payload.len())
        && word(9) == checksum(&header[4..9], payload);
    match (is_whole, header[4]) {
        (true, 1..=VERSION) => Manifest::decode(payload).map_or(Found::Damaged, Found::Manifest),
        (true, version) => Found::Version(version),
        (false, _) => Found::Damaged,
    }
}

fn checksum(header: &[u8], payload: &[u8]) -> u32 {
    crc32c_append(crc32c(header), payload)
}

pub(crate) fn path(dir: &Utf8Path) -> Utf8PathBuf {
    dir.join("MANIFEST")
}

/// Writes a file beside `path` and puts it in its place, durably.
pub(crate) fn write_file(
    disk: &dyn Disk,
    dir: &Utf8Path,
    path: &Utf8Path,
    bytes: &[u8],
) -> Result<(), (Utf8PathBuf, io::Error)> {
    let new = Utf8PathBuf::from(format!("{path}.new"));
    let write = || {
        match disk.remove(&new) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
        let mut file = disk.create(&new)?;
        file.append(bytes)?;
        file.sync()?;
        disk.rename(&new, path)?;
        disk.sync_dir(dir)
    };
    write().map_err(|source| (new.clone(), source))
}

#[cfg(test)]
mod tests {
    use wal::SimDisk;

    use super::*;

    fn manifest() -> Manifest {
        let part = |number| PartMeta {
            number,
            level: 1,
            window_ms: -86_400_000,
            min_ms: -5,
            max_ms: 99,
            samples: 1000,
            series: 10,
            bytes: 4096,
            directory_offset: 4000,
            directory_bytes: 30,
            directory_crc: 0xdead_beef,
        };
        Manifest {
            next_part: 9,
            flushed: Position { segment: 3, offset: 777 },
            parts: vec![part(7), part(8)],
            tombstones: vec![Tombstone {
                ids: vec![0, 5, 900],
                start_ms: i64::MIN,
                end_ms: 7,
                upto: 8,
            }],
            migrated: true,
            series_end: 901,
        }
    }

    #[test]
    fn any_one_damaged_byte_leaves_it_readable() {
        let disk = SimDisk::new(1);
        let dir = Utf8Path::new("t");
        assert!(matches!(Manifest::read(&disk, dir).unwrap(), Found::None));
        manifest().write(&disk, dir).unwrap();
        let size = disk.size(&path(dir)).unwrap();
        for at in 0..size {
            disk.flip(&path(dir), at, 0x10);
            let Found::Manifest(found) = Manifest::read(&disk, dir).unwrap() else {
                panic!("byte {at}")
            };
            assert_eq!(found, manifest());
            disk.flip(&path(dir), at, 0x10);
        }
        disk.flip(&path(dir), 20, 1);
        disk.flip(&path(dir), size - 1, 1);
        assert!(matches!(Manifest::read(&disk, dir).unwrap(), Found::Damaged));
    }

    #[test]
    fn a_number_with_none_after_it_is_refused() {
        let read =
            |next_part: u64| Manifest::decode(&Manifest { next_part, ..manifest() }.encode());
        assert!(read(NUMBER_END - 1).is_ok());
        assert_eq!(read(u64::MAX).unwrap_err().what, "number");
    }
}
