//! The log's one writer.

mod active;
mod error;
mod open;
mod quarantine;
mod renew;

use std::{io::ErrorKind, ops::ControlFlow, sync::Arc, time::Duration};

use model::Timestamp;

pub use error::{AppendError, DropError, OpenError, ResumeError, SyncError};

use crate::{
    Damage, Disk, DiskFile, Entry, Options, Position, RECORD_BYTES_MAX, ReadError, Replayed,
    Snapshot, SyncPolicy, frame,
    read::{Segment, to_u64},
};
use active::Active;
use error::Poison;

/// How often the room on the disk is asked for.
const FREE_CHECK_EVERY: Duration = Duration::from_secs(1);

/// A segmented log, open for appending. One `Wal` at a time may be open on a directory; the caller sees to that.
#[derive(Debug)]
pub struct Wal {
    options: Options,
    disk: Arc<dyn Disk>,
    /// All of them, oldest first; with an active one, it is the last.
    segments: Vec<Segment>,
    active: Option<Active>,
    next_number: u64,
    poison: Option<Poison>,
    /// Records were written that no sync has covered.
    dirty: bool,
    synced_at: Timestamp,
    /// What the disk had free when last asked.
    free_bytes: u64,
    free_checked_at: Option<Timestamp>,
    buffer: Vec<u8>,
}

/// A sync that is due, to be carried out without the log.
#[derive(Debug)]
pub struct DueSync {
    file: Box<dyn DiskFile>,
    end: Position,
    path: camino::Utf8PathBuf,
}

impl DueSync {
    /// Forces what was appended until it was given to the disk. Never again after a failure.
    pub fn run(&mut self) -> std::io::Result<()> {
        self.file.sync()
    }
}

impl Wal {
    /// Opens the log in `options.dir`, or makes one, and cuts off an unfinished last record. What is found is then on the
    /// disk, whatever a killed process had left unsynced.
    ///
    /// The report is of that alone; [`Wal::read`] reports what damage it meets.
    pub fn open(options: Options, disk: Arc<dyn Disk>) -> Result<(Self, Damage), OpenError> {
        let opened = open::open(&options, &*disk)?;
        let next_number = opened.segments.last().map_or(1, |segment| segment.number + 1);
        let wal = Self {
            options,
            disk,
            segments: opened.segments,
            active: None,
            next_number,
            poison: None,
            dirty: false,
            synced_at: Timestamp::EPOCH,
            free_bytes: u64::MAX,
            free_checked_at: None,
            buffer: Vec::new(),
        };
        Ok((wal, opened.damage))
    }

    /// Appends a record and returns the position after it. On return the record survives a killed process, and under
    /// [`SyncPolicy::Always`] also power loss.
    ///
    /// After a failed write or sync the log takes no more: what has become of the bytes is unknown, and a sync that is
    /// tried again lies. Only a full disk is forgiven, by [`Wal::tick`], once there is room.
    pub fn append(&mut self, payload: &[u8], now: Timestamp) -> Result<Position, AppendError> {
        if payload.len() > RECORD_BYTES_MAX {
            return Err(AppendError::TooLarge { bytes: payload.len() });
        }
        if let Some(poison) = self.poison {
            return Err(poison.refuse_append());
        }
        self.check_room(now)?;
        self.roll_when_due(payload.len(), now)?;
        let active = self.active.as_mut().expect("rolling leaves an active segment");
        let segment = self.segments.last_mut().expect("the active segment is the last");
        self.buffer.clear();
        frame::encode(&mut self.buffer, active.seed, segment.bytes, payload);
        if let Err(source) = active.file.append(&self.buffer) {
            self.poison = Some(Poison::of_write(&source));
            return Err(AppendError::Write { path: segment.path.clone(), source });
        }
        segment.bytes += to_u64(self.buffer.len());
        self.dirty = true;
        // One large record must not hold its memory for ever.
        self.buffer.shrink_to(1 << 20);
        if self.options.sync == SyncPolicy::Always {
            self.sync().map_err(AppendError::Sync)?;
        }
        Ok(self.end())
    }

    /// The position after the last record.
    pub fn end(&self) -> Position {
        self.segments.last().map_or(Position::START, Segment::end)
    }

    /// Where the oldest segment begins.
    pub fn start(&self) -> Position {
        let first = self.segments.first();
        first.map_or(Position::START, |first| Position { segment: first.number, offset: 0 })
    }

    /// What the log takes on the disk.
    pub fn bytes(&self) -> u64 {
        self.segments.iter().map(|segment| segment.bytes).sum()
    }

    /// What was appended after `position`, in bytes, about.
    pub fn bytes_after(&self, position: Position) -> u64 {
        let after = self.segments.iter().filter(|segment| segment.number >= position.segment);
        after
            .map(|segment| {
                let before = if segment.number == position.segment { position.offset } else { 0 };
                segment.bytes.saturating_sub(before)
            })
            .sum()
    }

    /// The log as it stands, to be read without holding the writer.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot { disk: Arc::clone(&self.disk), segments: self.segments.clone() }
    }

    /// [`Snapshot::read`] of the log as it stands.
    pub fn read(
        &self,
        from: Position,
        visit: impl FnMut(Entry<'_>) -> ControlFlow<()>,
    ) -> Result<Replayed, ReadError> {
        self.snapshot().read(from, visit)
    }

    /// Copies the damaged regions into files beside the segments, once each, and notes their names in the report.
    ///
    /// The log stays as it is. What cannot be copied is left without a name.
    pub fn quarantine(&self, damage: &mut Damage) {
        quarantine::copy(&*self.disk, &self.options.dir, &mut damage.regions);
    }

    /// Forces what was appended to the disk.
    pub fn sync(&mut self) -> Result<(), SyncError> {
        match self.poison {
            Some(Poison::Full) | None => {}
            Some(poison) => return Err(SyncError::Closed { why: poison.why() }),
        }
        if !self.dirty {
            return Ok(());
        }
        let Some(active) = &mut self.active else { return Ok(()) };
        if let Err(source) = active.file.sync() {
            self.poison = Some(Poison::Sync);
            let path = self.segments.last().map(|segment| segment.path.clone()).unwrap_or_default();
            // What becomes of it changes nothing here: the log is closed.
            drop(renew::renew(&*self.disk, &path));
            return Err(SyncError::Sync { path, source });
        }
        self.dirty = false;
        Ok(())
    }

    /// Whether an append or a sync has failed in a way that only opening the log anew can heal.
    pub fn is_closed(&self) -> bool {
        matches!(self.poison, Some(Poison::Write | Poison::Sync))
    }

    /// Does what is due: syncs under [`SyncPolicy::Interval`], asks for the room on the disk, and takes up writing again
    /// when a full disk has room. Errors again at each call once the log is closed.
    pub fn tick(&mut self, now: Timestamp) -> Result<(), SyncError> {
        let Some(mut due) = self.begin_tick(now)? else { return Ok(()) };
        let result = due.run();
        self.end_sync(due, result)
    }

    /// [`Wal::tick`] but for the sync, which is given back if it is due: it takes long, and nobody need wait for it. What
    /// came of it must be told to [`Wal::end_sync`].
    pub fn begin_tick(&mut self, now: Timestamp) -> Result<Option<DueSync>, SyncError> {
        if let Some(poison) = self.poison.filter(|_| self.is_closed()) {
            return Err(SyncError::Closed { why: poison.why() });
        }
        self.ask_room_when_due(now);
        if self.poison == Some(Poison::Full) && self.free_bytes > self.room_needed() {
            self.resume().map_err(SyncError::Resume)?;
        }
        let SyncPolicy::Interval(interval) = self.options.sync else { return Ok(None) };
        // A clock that was set back must not put the sync off.
        if now.since(self.synced_at) < interval && now >= self.synced_at {
            return Ok(None);
        }
        self.synced_at = now;
        let (Some(active), Some(segment), true) = (&self.active, self.segments.last(), self.dirty)
        else {
            return Ok(None);
        };
        match active.file.again() {
            Ok(file) => Ok(Some(DueSync { file, end: segment.end(), path: segment.path.clone() })),
            Err(source) => {
                self.poison = Some(Poison::Sync);
                Err(SyncError::Sync { path: segment.path.clone(), source })
            }
        }
    }

    /// Notes what came of a sync that [`Wal::begin_tick`] gave.
    pub fn end_sync(&mut self, due: DueSync, result: std::io::Result<()>) -> Result<(), SyncError> {
        if let Err(source) = result {
            self.poison = Some(Poison::Sync);
            drop(renew::renew(&*self.disk, &due.path));
            return Err(SyncError::Sync { path: due.path, source });
        }
        if self.end() == due.end {
            self.dirty = false;
        }
        Ok(())
    }

    /// Drops whole segments that lie before `position`, oldest first; the newest stays. Returns how many went.
    pub fn drop_before(&mut self, position: Position) -> Result<usize, DropError> {
        self.drop_while(|_, first, _| first.end() <= position)
    }

    /// Drops whole segments whose records are all from before `cutoff`, oldest first; the newest stays.
    pub fn drop_older(&mut self, cutoff: Timestamp) -> Result<usize, DropError> {
        self.drop_while(|_, _, next| next.header.is_none_or(|known| known.created <= cutoff))
    }

    /// Drops whole segments until the log takes at most `bytes_max`, oldest first; the newest stays.
    pub fn drop_to(&mut self, bytes_max: u64) -> Result<usize, DropError> {
        self.drop_while(|total, _, _| total > bytes_max)
    }

    /// Drops whole segments that lie before `position` and whose records are all from before `cutoff`, oldest first; the
    /// newest stays.
    pub fn drop_covered(
        &mut self,
        position: Position,
        cutoff: Timestamp,
    ) -> Result<usize, DropError> {
        self.drop_while(|_, first, next| {
            let old = next.header.is_none_or(|known| known.created <= cutoff);
            old && first.end() <= position
        })
    }

    fn drop_while(
        &mut self,
        goes: impl Fn(u64, &Segment, &Segment) -> bool,
    ) -> Result<usize, DropError> {
        let mut dropped = 0;
        let mut total = self.bytes();
        while let [first, next, ..] = &self.segments[dropped..]
            && goes(total, first, next)
        {
            total -= first.bytes;
            match self.disk.remove(&first.path) {
                Err(source) if source.kind() != ErrorKind::NotFound => {
                    let path = first.path.clone();
                    self.segments.drain(..dropped);
                    return Err(DropError { path, source });
                }
                Ok(()) | Err(_) => dropped += 1,
            }
        }
        self.segments.drain(..dropped);
        Ok(dropped)
    }

    fn room_needed(&self) -> u64 {
        // Even without a reserve, a disk with less than this will be full again at once.
        const ROOM_BYTES_MIN: u64 = 4096;
        self.options.free_bytes_min.max(ROOM_BYTES_MIN)
    }

    fn ask_room_when_due(&mut self, now: Timestamp) {
        let due =
            self.free_checked_at.is_none_or(|at| now < at || now.since(at) >= FREE_CHECK_EVERY);
        if due && (self.options.free_bytes_min > 0 || self.poison.is_some()) {
            self.free_checked_at = Some(now);
            // A disk that does not say is written to until it refuses.
            self.free_bytes = self.disk.free_bytes(&self.options.dir).unwrap_or(u64::MAX);
        }
    }

    fn check_room(&mut self, now: Timestamp) -> Result<(), AppendError> {
        self.ask_room_when_due(now);
        if self.free_bytes < self.options.free_bytes_min {
            return Err(AppendError::NoRoom {
                free_bytes: self.free_bytes,
                free_bytes_min: self.options.free_bytes_min,
            });
        }
        Ok(())
    }

    /// Begins a new segment when there is none, or the last one is full or old.
    fn roll_when_due(&mut self, payload_bytes: usize, now: Timestamp) -> Result<(), AppendError> {
        if let (Some(active), Some(segment)) = (&self.active, self.segments.last()) {
            let full = segment.bytes + to_u64(payload_bytes) > self.options.segment_bytes;
            let old = self.options.segment_age.is_some_and(|age| now.since(active.created) >= age);
            if segment.is_empty() || !(full || old) {
                return Ok(());
            }
        }
        self.begin_segment(now)
    }

    /// Begins a new segment unless the last one has no record yet, so that everything before can be dropped.
    pub fn rotate(&mut self, now: Timestamp) -> Result<(), AppendError> {
        if let Some(poison) = self.poison {
            return Err(poison.refuse_append());
        }
        match self.segments.last() {
            Some(last) if !last.is_empty() => self.begin_segment(now),
            Some(_) | None => Ok(()),
        }
    }

    fn begin_segment(&mut self, now: Timestamp) -> Result<(), AppendError> {
        // Under any policy, so that a later `sync` covers everything by syncing one file.
        self.sync().map_err(AppendError::Sync)?;
        self.active = None;
        let begun =
            active::begin(&self.options.dir, &*self.disk, self.next_number, now, self.last_end());
        // Not even after a failure may a number come twice.
        self.next_number += 1;
        let (active, segment) = begun.map_err(|(path, source)| {
            self.poison = Some(Poison::of_write(&source));
            AppendError::Write { path, source }
        })?;
        self.segments.push(segment);
        self.active = Some(active);
        self.dirty = false;
        self.remove_empty();
        Ok(())
    }

    /// Where the last record ends: segments without one are removed, and nothing is missed with them.
    fn last_end(&self) -> Position {
        let mut end = Position::START;
        for segment in self.segments.iter().rev() {
            end = match segment.header {
                Some(known) if segment.is_empty() => known.previous_end,
                Some(_) | None => return segment.end(),
            };
        }
        end
    }

    /// Removes segments that have no record, now that a newer one keeps their numbers from coming again.
    fn remove_empty(&mut self) {
        let Some((newest, older)) = self.segments.split_last() else { return };
        let mut kept = Vec::with_capacity(older.len() + 1);
        for segment in older {
            if !segment.is_empty() || self.disk.remove(&segment.path).is_err() {
                kept.push(segment.clone());
            }
        }
        kept.push(newest.clone());
        self.segments = kept;
    }

    /// Goes on after a full disk: cuts off the unfinished record and leaves its segment.
    fn resume(&mut self) -> Result<(), ResumeError> {
        let was_active = self.active.take().is_some();
        if let Some(segment) = self.segments.last().filter(|_| was_active) {
            let cut = self.disk.truncate(&segment.path, segment.bytes);
            if let Err(source) = cut {
                self.poison = Some(Poison::Sync);
                drop(renew::renew(&*self.disk, &segment.path));
                return Err(ResumeError { path: segment.path.clone(), source });
            }
            self.dirty = false;
        }
        self.poison = None;
        Ok(())
    }
}
