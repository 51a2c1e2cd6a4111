//! Walks over all rows of `journal.db`.

use rusqlite::{Connection, OptionalExtension as _};

use super::row::{COLUMNS, Row, Unreadable};
use crate::{
    checkpoint::Checkpoint,
    fact::Hash,
    limits::join,
    own::{self, Own, PAYLOAD_ERASED, Range},
    report::{Accepted, Reason},
    walk::{Seen, Walk, Walked},
};

/// Verifies every row. What SQLite itself cannot read is a finding like others; `Err` is trouble that says nothing of the journal, such as a lock.
pub(crate) fn scan(
    conn: &Connection,
    checkpoint: Result<Checkpoint, Reason>,
) -> rusqlite::Result<Walked> {
    let mut walk = Walk::new(checkpoint);
    match scan_rows(conn, &mut walk) {
        Err(error) if is_damage(&error) => walk.see_damage(error.to_string()),
        other => other?,
    }
    // A damaged file may refuse here too; then what moved is called changed.
    match find_moved(conn, &mut walk) {
        Err(error) if !is_damage(&error) => return Err(error),
        Ok(()) | Err(_) => {}
    }
    Ok(walk.finish())
}

/// Whether SQLite says that the file is not what it wrote.
pub(crate) fn is_damage(error: &rusqlite::Error) -> bool {
    use rusqlite::ErrorCode::{DatabaseCorrupt, NotADatabase};
    matches!(error.sqlite_error_code(), Some(DatabaseCorrupt | NotADatabase))
        || matches!(error, rusqlite::Error::SqliteFailure(inner, _) if inner.extended_code == SHORT_READ)
}

/// `SQLITE_IOERR_SHORT_READ`: the file ends where a page should be.
const SHORT_READ: i32 = 10 | 2 << 8;

fn scan_rows(conn: &Connection, walk: &mut Walk) -> rusqlite::Result<()> {
    let mut scratch = Vec::with_capacity(1 << 10);
    let erased = erased(conn, &mut scratch)?;
    let mut stored_hash = conn.prepare("SELECT hash FROM facts WHERE seq = ?")?;
    let mut statement =
        conn.prepare(&format!("SELECT {COLUMNS} FROM facts WHERE seq >= 1 ORDER BY seq"))?;
    let mut rows = statement.query([])?;
    let mut at = 0;
    while let Some(row) = rows.next()? {
        let row = match Row::read(row) {
            Ok(row) => row,
            Err(Unreadable { seq, what }) => {
                walk.see_unreadable(u64::try_from(seq).unwrap_or(0), what);
                continue;
            }
        };
        let seq = row.fields.seq;
        while erased.get(at).is_some_and(|range| range.last < seq) {
            at += 1;
        }
        let fault =
            row.fault(erased.get(at).is_some_and(|range| range.contains(seq)), &mut scratch);
        let own = Own::parse(row.fields.kind, row.fields.subject);
        let accepted = accepted(&row, own);
        let seen = Seen {
            seq,
            recorded_at: model::Timestamp::from_nanos(row.fields.recorded_at),
            prev_hash: *row.prev_hash,
            hash: *row.hash,
            fault,
            own,
            accepted,
        };
        walk.see(seen, |seq| {
            stored_hash
                .query_row([seq.cast_signed()], |row| row.get::<_, Hash>(0))
                .optional()
                .unwrap_or(None)
        });
    }
    Ok(())
}

fn accepted(row: &Row<'_>, own: Option<Own>) -> Option<Accepted> {
    let Some(Own::Accepted(_)) = own else { return None };
    let record = row.to_record().ok()?;
    let reason = row.payload.and_then(own::reason).unwrap_or_default();
    Some(Accepted { seq: record.seq, at: record.recorded_at, by: record.actor, reason })
}

/// The ranges whose payloads a sound fact erased, in order.
fn erased(conn: &Connection, scratch: &mut Vec<u8>) -> rusqlite::Result<Vec<Range>> {
    let mut ranges = Vec::new();
    let mut statement = conn.prepare(&format!("SELECT {COLUMNS} FROM facts WHERE kind = ?"))?;
    let mut rows = statement.query([PAYLOAD_ERASED])?;
    while let Some(row) = rows.next()? {
        let Ok(row) = Row::read(row) else { continue };
        if row.fields.hash(row.prev_hash, scratch) == *row.hash
            && let Some(Own::Erased(range)) = Own::parse(row.fields.kind, row.fields.subject)
        {
            ranges.push(range);
        }
    }
    Ok(join(ranges))
}

/// Tries each bad row at the numbers of the others and at those that are missing.
fn find_moved(conn: &Connection, walk: &mut Walk) -> rusqlite::Result<()> {
    let (bad, missing) = walk.suspects();
    let mut scratch = Vec::new();
    let mut statement = conn.prepare(&format!("SELECT {COLUMNS} FROM facts WHERE seq = ?"))?;
    let mut hashes = Vec::with_capacity(bad.len());
    for seq in &bad {
        let pair = statement.query_row([seq.cast_signed()], |row| {
            Ok((row.get::<_, Hash>(14)?, row.get::<_, Hash>(15)?))
        });
        hashes.extend(pair.optional().unwrap_or(None));
    }
    for seq in &bad {
        let mut rows = statement.query([seq.cast_signed()])?;
        let Some(Ok(row)) = rows.next()?.map(Row::read) else { continue };
        hashes.push((*row.prev_hash, *row.hash));
        let candidates = bad.iter().chain(&missing).filter(|from| *from != seq);
        let from = candidates.copied().find(|from| {
            let fields = crate::chain::Fields { seq: *from, ..row.fields };
            hashes.iter().any(|(prev, hash)| fields.hash(prev, &mut scratch) == *hash)
        });
        hashes.pop();
        if let Some(from) = from {
            walk.found_moved(*seq, from);
        }
    }
    Ok(())
}
