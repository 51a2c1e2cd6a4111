//! Reading a log as it stood at one moment, beside whoever writes it.

use std::{
    io::{self, ErrorKind},
    ops::ControlFlow,
    sync::Arc,
};

use camino::Utf8PathBuf;
use model::Timestamp;

use crate::{
    Damage, Disk, Position, Region,
    frame::{self, Frame},
    scan::{Stretch, scan},
    segment::HEADER_BYTES,
};

/// A record that is read.
#[derive(Clone, Copy, Debug)]
pub struct Entry<'a> {
    pub at: RecordAt,
    /// After the record.
    pub end: Position,
    pub payload: &'a [u8],
}

/// Where a record lies, to read it alone later.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RecordAt {
    pub start: Position,
    /// With its frame.
    pub bytes: u32,
}

impl RecordAt {
    /// Where the record lies whose append returned `end`, given the length of its payload.
    ///
    /// # Panics
    /// When `end` is not what the append of that payload returned.
    pub fn ending(end: Position, payload_bytes: usize) -> Self {
        let bytes = to_u64(frame::HEADER_BYTES + payload_bytes);
        let offset = end.offset.checked_sub(bytes).expect("the record lies before its end");
        let bytes = u32::try_from(bytes).expect("a record is shorter than 4 GiB");
        Self { start: Position { offset, ..end }, bytes }
    }
}

/// What a reading saw.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Replayed {
    pub records: u64,
    /// Whether nothing that once lay after the position had been dropped.
    pub complete: bool,
    pub damage: Damage,
}

#[derive(Debug, thiserror::Error)]
#[error("cannot read the segment `{path}`")]
pub struct ReadError {
    pub(crate) path: Utf8PathBuf,
    #[source]
    pub(crate) source: io::Error,
}

/// A segment as the log knows it.
#[derive(Clone, Debug)]
pub(crate) struct Segment {
    pub(crate) number: u64,
    pub(crate) path: Utf8PathBuf,
    /// `None` when the header cannot be read, and with it nothing in the file.
    pub(crate) header: Option<Known>,
    /// How much of the file counts.
    pub(crate) bytes: u64,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Known {
    pub(crate) seed: u32,
    pub(crate) created: Timestamp,
    pub(crate) previous_end: Position,
}

impl Segment {
    pub(crate) fn end(&self) -> Position {
        Position { segment: self.number, offset: self.bytes }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.bytes <= to_u64(HEADER_BYTES)
    }
}

/// A log as it stood when the snapshot was taken; appends do not change it, and what is dropped meanwhile is skipped.
#[derive(Clone, Debug)]
pub struct Snapshot {
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) segments: Vec<Segment>,
}

impl Snapshot {
    /// Where the log ended.
    pub fn end(&self) -> Position {
        self.segments.last().map_or(Position::START, Segment::end)
    }

    /// Where the oldest segment began.
    pub fn start(&self) -> Position {
        let first = self.segments.first();
        first.map_or(Position::START, |first| Position { segment: first.number, offset: 0 })
    }

    /// Visits the records after `from`, in order, until told to stop. Damage is reported, and gone around.
    ///
    /// `from` is a position that this log gave out; one that power loss has made to lie beyond its segment's end reads on
    /// from the next segment.
    pub fn read(
        &self,
        from: Position,
        mut visit: impl FnMut(Entry<'_>) -> ControlFlow<()>,
    ) -> Result<Replayed, ReadError> {
        let mut replayed = Replayed { complete: self.has_all_after(from), ..Replayed::default() };
        for segment in self.segments.iter().filter(|segment| segment.number >= from.segment) {
            let start = if segment.number == from.segment { from.offset } else { 0 };
            match read_segment(&*self.disk, segment, start, &mut replayed, &mut visit) {
                Ok(ControlFlow::Continue(())) => {}
                Ok(ControlFlow::Break(())) => break,
                Err(source) if source.kind() == ErrorKind::NotFound => replayed.complete = false,
                Err(source) => return Err(ReadError { path: segment.path.clone(), source }),
            }
        }
        Ok(replayed)
    }

    fn has_all_after(&self, from: Position) -> bool {
        match self.segments.first() {
            None => true,
            Some(Segment { header: Some(known), .. }) => from >= known.previous_end,
            Some(segment) => from.segment >= segment.number,
        }
    }

    /// The payload of one record; `None` when it is damaged, or its segment was dropped.
    pub fn get(&self, at: RecordAt) -> Result<Option<Vec<u8>>, ReadError> {
        let bytes = self.stretch(at.start, u64::from(at.bytes))?;
        let (Some(bytes), Some(seed)) = (bytes, self.seed(at.start.segment)) else {
            return Ok(None);
        };
        Ok(match frame::decode(&bytes, seed, at.start.offset) {
            Frame::Whole(payload) => Some(payload.to_vec()),
            Frame::BadPayload(_) | Frame::CutPayload | Frame::CutHeader | Frame::NoRecord => None,
        })
    }

    /// Visits the records of a stretch of one segment, from one position to another between records; `false` when a
    /// part of it cannot be read.
    pub fn read_stretch(
        &self,
        start: Position,
        end: Position,
        mut visit: impl FnMut(&[u8]),
    ) -> Result<bool, ReadError> {
        let bytes = self.stretch(start, end.offset.saturating_sub(start.offset))?;
        let (Some(bytes), Some(seed)) = (bytes, self.seed(start.segment)) else {
            return Ok(false);
        };
        let (mut at, mut whole) = (0, true);
        while at < bytes.len() {
            let offset = start.offset + to_u64(at);
            at += match frame::decode(&bytes[at..], seed, offset) {
                Frame::Whole(payload) => {
                    visit(payload);
                    frame::HEADER_BYTES + payload.len()
                }
                Frame::BadPayload(len) => {
                    whole = false;
                    frame::HEADER_BYTES + len
                }
                Frame::CutPayload | Frame::CutHeader | Frame::NoRecord => {
                    whole = false;
                    1
                }
            };
        }
        Ok(whole)
    }

    fn stretch(&self, start: Position, bytes: u64) -> Result<Option<Vec<u8>>, ReadError> {
        let Some(segment) = self.segment(start.segment) else { return Ok(None) };
        let Ok(len) = usize::try_from(bytes) else { return Ok(None) };
        if start.offset.saturating_add(bytes) > segment.bytes {
            return Ok(None);
        }
        match self.disk.read_at(&segment.path, start.offset, len) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error)
                if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::UnexpectedEof) =>
            {
                Ok(None)
            }
            Err(source) => Err(ReadError { path: segment.path.clone(), source }),
        }
    }

    fn segment(&self, number: u64) -> Option<&Segment> {
        let at = self.segments.binary_search_by_key(&number, |segment| segment.number).ok()?;
        self.segments.get(at)
    }

    fn seed(&self, number: u64) -> Option<u32> {
        Some(self.segment(number)?.header?.seed)
    }
}

fn read_segment(
    disk: &dyn Disk,
    segment: &Segment,
    from: u64,
    replayed: &mut Replayed,
    visit: &mut dyn FnMut(Entry<'_>) -> ControlFlow<()>,
) -> io::Result<ControlFlow<()>> {
    let region = |start: usize, end: usize| Region {
        segment: segment.number,
        offset: to_u64(start),
        bytes: to_u64(end - start),
        quarantined: None,
    };
    if from >= segment.bytes {
        return Ok(ControlFlow::Continue(()));
    }
    let mut file = disk.read(&segment.path)?;
    file.truncate(usize::try_from(segment.bytes).unwrap_or(usize::MAX));
    let Some(known) = segment.header else {
        if file.len() < HEADER_BYTES {
            // Records come only after the header is on the disk: nothing was lost here.
            replayed.damage.torn_bytes += to_u64(file.len());
        } else {
            replayed.damage.add(region(0, file.len()));
        }
        return Ok(ControlFlow::Continue(()));
    };
    let from = usize::try_from(from).unwrap_or(usize::MAX).max(HEADER_BYTES);
    Ok(scan(&file, known.seed, from, &mut |stretch| {
        match stretch {
            Stretch::Record { start, end, payload } => {
                replayed.records += 1;
                let position =
                    |offset| Position { segment: segment.number, offset: to_u64(offset) };
                let bytes = u32::try_from(end - start).expect("a record is shorter than 4 GiB");
                let at = RecordAt { start: position(start), bytes };
                return visit(Entry { at, end: position(end), payload });
            }
            Stretch::Damaged { start, end } => replayed.damage.add(region(start, end)),
            Stretch::Torn { start } => replayed.damage.torn_bytes += to_u64(file.len() - start),
        }
        ControlFlow::Continue(())
    }))
}

pub(crate) fn to_u64(len: usize) -> u64 {
    u64::try_from(len).expect("a length in memory fits 64 bits")
}
