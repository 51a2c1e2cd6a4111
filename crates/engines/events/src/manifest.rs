//! The manifest: which files count, how far the log is in them, which attributes have columns, what was lost.
//!
//! File `MANIFEST`, replaced as a whole, written twice ([`crate::twice`]). When both copies are damaged it is made again from what
//! the files say of themselves, and the whole log counts.

use std::io::{self, ErrorKind};

use camino::{Utf8Path, Utf8PathBuf};
use model::Timestamp;
use wal::{
    Disk, Position,
    codec::{DecodeError, Reader, put_bytes, put_int, put_len, put_uint},
};

use crate::{
    file::FileMeta,
    schema::{Promoted, Signal},
    twice,
};

const MAGIC: &[u8; 4] = b"EKEM";
pub(crate) const VERSION: u8 = 1;
/// Losses that are remembered; the oldest go first.
const LOSSES_MAX: usize = 1000;

/// Rows that damage has cost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loss {
    pub signal: Signal,
    /// The file that they were in; what is left of it lies in `quarantine`.
    pub file: String,
    pub rows: u64,
    /// Between when and when the file's rows are.
    pub first: Timestamp,
    pub last: Timestamp,
    pub found_at: Timestamp,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Manifest {
    /// The number of the next file.
    pub(crate) next: u64,
    /// The log before this is in files.
    pub(crate) flushed: Position,
    /// By [`Signal`].
    pub(crate) promoted: [Promoted; 2],
    pub(crate) files: Vec<FileMeta>,
    pub(crate) losses: Vec<Loss>,
}

/// What reading it found.
#[derive(Debug)]
pub(crate) enum Found {
    Manifest { manifest: Box<Manifest>, hurt: bool },
    None,
    Damaged,
    Version(u8),
}

impl Manifest {
    pub(crate) fn lose(&mut self, loss: Loss) {
        self.losses.push(loss);
        let over = self.losses.len().saturating_sub(LOSSES_MAX);
        self.losses.drain(..over);
    }

    fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        put_uint(&mut out, self.next);
        put_uint(&mut out, self.flushed.segment);
        put_uint(&mut out, self.flushed.offset);
        self.promoted.iter().for_each(|promoted| promoted.put(&mut out));
        put_len(&mut out, self.files.len());
        self.files.iter().for_each(|file| file.put(&mut out));
        put_len(&mut out, self.losses.len());
        for loss in &self.losses {
            out.push(loss.signal as u8);
            put_bytes(&mut out, loss.file.as_bytes());
            put_uint(&mut out, loss.rows);
            for time in [loss.first, loss.last, loss.found_at] {
                put_int(&mut out, time.as_nanos());
            }
        }
        out
    }

    fn decode(payload: &[u8]) -> Result<Self, DecodeError> {
        let reader = &mut Reader::new(payload);
        let next = reader.uint("number")?;
        let flushed = Position { segment: reader.uint("segment")?, offset: reader.uint("offset")? };
        let [spans, logs] = Signal::ALL.map(|signal| Promoted::read(signal, reader));
        let promoted = [spans?, logs?];
        let files =
            (0..reader.len("files")?).map(|_| FileMeta::read(reader)).collect::<Result<_, _>>()?;
        let losses = (0..reader.len("losses")?).map(|_| loss(reader)).collect::<Result<_, _>>()?;
        if reader.is_empty() {
            Ok(Self { next, flushed, promoted, files, losses })
        } else {
            Err(reader.error("the end"))
        }
    }

    /// Puts it in the place of the one before, durably.
    pub(crate) fn write(&self, disk: &dyn Disk, dir: &Utf8Path) -> io::Result<()> {
        put(disk, dir, "MANIFEST", &twice::encode(MAGIC, VERSION, &self.encode()))
    }

    pub(crate) fn read(disk: &dyn Disk, dir: &Utf8Path) -> io::Result<Found> {
        let bytes = match disk.read(&dir.join("MANIFEST")) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Found::None),
            Err(error) => return Err(error),
        };
        Ok(match twice::decode(MAGIC, &bytes) {
            twice::Found::Payload { version: VERSION, payload, hurt } => {
                match Self::decode(payload) {
                    Ok(manifest) => Found::Manifest { manifest: Box::new(manifest), hurt },
                    Err(_) => Found::Damaged,
                }
            }
            twice::Found::Payload { version, .. } => Found::Version(version),
            twice::Found::Damaged => Found::Damaged,
        })
    }
}

fn loss(reader: &mut Reader<'_>) -> Result<Loss, DecodeError> {
    let number = reader.byte("table")?;
    let signal = Signal::ALL.get(usize::from(number)).copied().ok_or(reader.error("table"))?;
    let (file, rows) = (reader.str("file")?.to_owned(), reader.uint("rows")?);
    let mut time = || reader.int("time").map(Timestamp::from_nanos);
    Ok(Loss { signal, file, rows, first: time()?, last: time()?, found_at: time()? })
}

/// Writes a file beside its place and puts it there, durably.
pub(crate) fn put(disk: &dyn Disk, dir: &Utf8Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    let (path, new) = (dir.join(name), new_path(dir, name));
    match disk.remove(&new) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    let mut file = disk.create(&new)?;
    file.append(bytes)?;
    file.sync()?;
    disk.rename(&new, &path)?;
    disk.sync_dir(dir)
}

fn new_path(dir: &Utf8Path, name: &str) -> Utf8PathBuf {
    dir.join(format!("{name}.new"))
}
