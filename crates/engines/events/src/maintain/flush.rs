//! What is in memory becomes files.

use std::{collections::BTreeMap, sync::Arc};

use datafusion::arrow::{
    array::{AsArray as _, RecordBatch, UInt32Array},
    compute::take_record_batch,
    datatypes::TimestampNanosecondType,
};
use model::Timestamp;
use wal::Position;

use crate::{
    Events, MaintainError, Maintained,
    file::{self, Built, Origin},
    head::{self, SEAL_BYTES, SEAL_ROWS, Sealed},
    schema::{Promoted, Signal},
};

pub(crate) const HOUR_NS: i64 = 3_600_000_000_000;
/// One flush writes files for so many hours; the rows of all others, which come late, share one file.
const HOURS_MAX: usize = 48;
/// Fewer rows than this are no file of their own when there are hours enough.
const ROWS_MIN: usize = 64;

/// The hour in which a time lies, counted from 1970.
pub(crate) fn hour(time: Timestamp) -> i64 {
    time.as_nanos().div_euclid(HOUR_NS)
}

impl Events {
    /// Turns records into rows when there are many.
    pub(super) fn seal_when_many(&self) {
        let many = {
            let state = self.state.read();
            Signal::ALL.map(|signal| state.table(signal).seals())
        };
        if many.contains(&true) {
            let _one_at_a_time = self.keeper.lock();
            Signal::ALL.iter().zip(many).filter(|(_, many)| *many).for_each(|(signal, _)| {
                self.seal(*signal);
            });
        }
    }

    /// Turns the records of a table into rows; whoever calls holds the keeper.
    fn seal(&self, signal: Signal) {
        let (chunks, promoted) = {
            let state = self.state.read();
            let table = state.table(signal);
            (table.chunks.clone(), Arc::clone(&table.promoted))
        };
        let mut promoted = Promoted::clone(&promoted);
        let mut sealed = Vec::new();
        // Some requests bring more than one batch should have, most bring far less.
        let mut from = 0;
        while from < chunks.len() {
            let (mut rows, mut bytes) = (0, 0);
            let more = chunks[from..].iter().take_while(|chunk| {
                let first = rows == 0;
                rows += chunk.records.len();
                bytes += chunk.bytes;
                first || (rows <= SEAL_ROWS && bytes <= SEAL_BYTES)
            });
            let upto = from + more.count();
            let run = &chunks[from..upto];
            head::learn(signal, run, &mut promoted);
            let stretch = run.iter().map(|chunk| chunk.stretch).reduce(head::Stretch::and);
            let rows = head::rows(signal, run, &promoted);
            sealed.extend(stretch.map(|stretch| Arc::new(Sealed { rows, stretch })));
            from = upto;
        }
        let mut state = self.state.write();
        let table = state.table_mut(signal);
        // Only here do chunks go, and new ones come behind.
        for chunk in table.chunks.drain(..chunks.len()) {
            table.chunk_rows -= chunk.records.len();
            table.chunk_bytes -= chunk.bytes;
        }
        table.sealed.extend(sealed);
        table.promoted = Arc::new(promoted);
    }

    pub(super) fn flush_is_due(&self, now: Timestamp) -> bool {
        let (enough, any) = {
            let state = self.state.read();
            let tables = Signal::ALL.map(|signal| state.table(signal));
            let enough = tables.iter().any(|table| self.options.fills(table) >= 1);
            (enough, tables.iter().any(|table| table.memory_rows() > 0))
        };
        let mut keeper = self.keeper.lock();
        let since = *keeper.waits_since.get_or_insert(now);
        if !any {
            keeper.waits_since = None;
        }
        enough || any && now.since(since) >= self.options.flush_after
    }

    /// Writes what is in memory into files, so that the next start reads nothing again.
    ///
    /// # Errors
    /// When a file cannot be written. Nothing is lost by it.
    pub fn flush(&self) -> Result<Maintained, MaintainError> {
        let mut keeper = self.keeper.lock();
        // What is shown after this comes with the next flush, and the log keeps it.
        let position: Position = self.state.read().shown;
        Signal::ALL.iter().for_each(|signal| self.seal(*signal));
        let (sealed, promoted) = {
            let state = self.state.read();
            let sealed = Signal::ALL.map(|signal| state.table(signal).sealed.clone());
            (sealed, Signal::ALL.map(|signal| Arc::clone(&state.table(signal).promoted)))
        };
        if sealed.iter().all(Vec::is_empty) {
            return Ok(Maintained::default());
        }
        let memory = sealed.iter().flatten().map(|one| one.rows.get_array_memory_size() as u64);
        self.check_room(memory.sum::<u64>() / 4)?;
        let origin = Origin { upto: position, ..Origin::default() };
        let mut built: Vec<Built> = Vec::new();
        for signal in Signal::ALL {
            let at = signal as usize;
            let rows: Vec<_> = sealed[at].iter().map(|one| one.rows.clone()).collect();
            for batches in by_hour(rows) {
                let number = keeper.manifest.next;
                keeper.manifest.next += 1;
                let one = file::build(number, signal, &promoted[at], batches, origin.clone());
                built.push(one.map_err(MaintainError::Build)?);
            }
        }
        let done = Maintained {
            files_written: built.len(),
            rows_written: built.iter().map(|one| one.meta.rows).sum(),
            ..Maintained::default()
        };
        let change = |manifest: &mut crate::manifest::Manifest| {
            manifest.flushed = manifest.flushed.max(position);
            manifest.promoted = promoted.map(|promoted| Promoted::clone(&promoted));
        };
        self.commit(&mut keeper, built, change, |state| {
            for signal in Signal::ALL {
                state.table_mut(signal).sealed.drain(..sealed[signal as usize].len());
            }
        })?;
        keeper.waits_since = None;
        Ok(done)
    }
}

/// The rows of each hour together; those of hours with few rows, when there are many hours, are together, too.
pub(crate) fn by_hour(batches: Vec<RecordBatch>) -> Vec<Vec<RecordBatch>> {
    let hours = |batch: &RecordBatch| -> Vec<i64> {
        let column = batch.column_by_name("Timestamp").expect("every table has times");
        let times = column.as_primitive::<TimestampNanosecondType>().values();
        times.iter().map(|at| at.div_euclid(HOUR_NS)).collect()
    };
    let mut counts: BTreeMap<i64, usize> = BTreeMap::new();
    let hours: Vec<Vec<i64>> = batches.iter().map(hours).collect();
    for hour in hours.iter().flatten() {
        *counts.entry(*hour).or_default() += 1;
    }
    if counts.len() <= 1 {
        return if batches.is_empty() { Vec::new() } else { vec![batches] };
    }
    let few = counts.len() > HOURS_MAX / 2;
    let mut own: Vec<i64> = counts
        .iter()
        .filter(|(_, rows)| !few || **rows >= ROWS_MIN)
        .map(|(hour, _)| *hour)
        .collect();
    // The newest hours have files of their own.
    let over = own.len().saturating_sub(HOURS_MAX);
    own.drain(..over);
    let mut groups: Vec<Vec<RecordBatch>> = vec![Vec::new(); own.len() + 1];
    for (batch, hours) in batches.iter().zip(&hours) {
        let mut rows: Vec<Vec<u32>> = vec![Vec::new(); groups.len()];
        for (row, hour) in hours.iter().enumerate() {
            let row = u32::try_from(row).expect("a batch has few rows");
            rows[own.binary_search(hour).unwrap_or(own.len())].push(row);
        }
        for (group, rows) in groups.iter_mut().zip(rows) {
            if rows.len() == batch.num_rows() {
                group.push(batch.clone());
            } else if !rows.is_empty() {
                let taken = take_record_batch(batch, &UInt32Array::from(rows));
                group.push(taken.expect("the rows are of the batch"));
            }
        }
    }
    groups.retain(|group| !group.is_empty());
    groups
}
