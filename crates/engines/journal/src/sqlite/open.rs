//! Opening: versions, verification, and a file that SQLite itself cannot read.
//!
//! A damaged file is rebuilt: all rows that could be verified are copied to `journal.db.rebuilt`, with a
//! `journal.resumed_after_break` behind them when something was lost; then the damaged file is renamed to `journal.db.damaged-…`,
//! and the rebuilt one takes its place. A kill between the two renames is made good at the next opening.

use std::{fs, io, sync::Arc, time::Duration};

use camino::{Utf8Path, Utf8PathBuf};
use model::{Actor, Timestamp};
use parking_lot::RwLock;
use rusqlite::Connection;

use super::{
    DATABASE_FILE, Reader, SqliteJournal, State,
    row::insert,
    scan::{is_damage, scan},
    schema::{self, FORMAT_VERSION, SchemaError},
};
use crate::{
    chain::link,
    checkpoint::{self, Checkpoint, CheckpointError, KeyError},
    files,
    own::{self, RESUMED_AFTER_BREAK, Range},
    port::StoreError,
    report::{Reason, Report},
    walk::Walked,
};

/// How long a statement waits for a lock that a foreign program holds.
pub(crate) const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// When the last number is not known, this many are left out, so that none is given twice.
const LOST_NUMBERS: u64 = 1_000_000;

/// Why a journal was not opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("cannot make or read the folder `{path}`")]
    Folder {
        path: Utf8PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("cannot open the journal `{path}`")]
    Store {
        path: Utf8PathBuf,
        #[source]
        source: StoreError,
    },
    #[error("the journal `{path}` has version {found}; this build reads {max} and older")]
    Newer { path: Utf8PathBuf, found: i64, max: u32 },
    #[error("`{path}` is a database, but not a journal")]
    NotAJournal { path: Utf8PathBuf },
    #[error("cannot sign checkpoints")]
    Key(#[source] StoreError),
    #[error("cannot write the first checkpoint")]
    Checkpoint(#[source] CheckpointError),
}

impl OpenError {
    pub(crate) fn schema(path: &Utf8Path, error: SchemaError) -> Self {
        let path = path.to_owned();
        match error {
            SchemaError::Newer { found } => Self::Newer { path, found, max: FORMAT_VERSION },
            SchemaError::Foreign => Self::NotAJournal { path },
            SchemaError::Store(source) => Self::Store { path, source: source.into() },
        }
    }
}

pub(super) fn open(dir: &Utf8Path, now: Timestamp) -> Result<SqliteJournal, OpenError> {
    let path = dir.join(DATABASE_FILE);
    fs::create_dir_all(dir)
        .and_then(|()| finish_rebuild(&path))
        .map_err(|source| OpenError::Folder { path: dir.to_owned(), source })?;
    let key = checkpoint::load_or_create_key(dir)
        .map_err(|error: KeyError| OpenError::Key(error.into()))?;
    let checkpoint = Checkpoint::read(dir, Some(&key));
    let (conn, walked) = connect_and_scan(&path, &checkpoint, now)?;
    let state = State {
        head: walked.head,
        segments: walked.segments.clone(),
        breaks: walked.breaks.clone(),
        last_recorded_at: walked.last_recorded_at,
    };
    let skipped = Arc::new(RwLock::new(state.skipped()));
    let mut journal = SqliteJournal {
        reader: Reader::new(path.clone(), Arc::clone(&skipped)),
        report: report(walked, Vec::new()),
        checkpoint: checkpoint.ok(),
        dir: dir.to_owned(),
        path,
        conn,
        key,
        state,
        skipped,
        stopped: false,
    };
    if !checkpoint::exists(dir) {
        journal.checkpoint_now(now).map_err(OpenError::Checkpoint)?;
    }
    Ok(journal)
}

pub(crate) fn report(walked: Walked, file_problems: Vec<String>) -> Report {
    Report {
        records: walked.records,
        head: walked.head,
        checkpoint: walked.checkpoint,
        findings: walked.findings,
        findings_omitted: walked.findings_omitted,
        breaks: walked.breaks,
        file_problems,
    }
}

/// What SQLite finds wrong with the file; at most a few lines. `thorough` also compares indexes with the table.
pub(crate) fn file_problems(conn: &Connection, thorough: bool) -> rusqlite::Result<Vec<String>> {
    let sql = if thorough { "PRAGMA integrity_check(10)" } else { "PRAGMA quick_check(1)" };
    let lines = conn.prepare(sql).and_then(|mut statement| {
        statement
            .query_map([], |row| row.get::<_, String>(0))?
            .collect::<rusqlite::Result<Vec<_>>>()
    });
    match lines {
        Ok(lines) => Ok(lines.into_iter().filter(|line| line != "ok").collect()),
        Err(error) if is_damage(&error) => Ok(vec![error.to_string()]),
        Err(error) => Err(error),
    }
}

fn connect_and_scan(
    path: &Utf8Path,
    checkpoint: &Result<Checkpoint, Reason>,
    now: Timestamp,
) -> Result<(Connection, Walked), OpenError> {
    let store =
        |source: rusqlite::Error| OpenError::Store { path: path.to_owned(), source: source.into() };
    let folder = |source| OpenError::Folder { path: path.to_owned(), source };
    match connect(path) {
        Ok(conn) => {
            let walked = scan(&conn, checkpoint.clone()).map_err(store)?;
            let lost = walked.breaks.last().is_some_and(|found| {
                found.resumed_at.is_none() && matches!(found.reason, Reason::Damaged { .. })
            });
            if !lost && file_problems(&conn, false).map_err(store)?.is_empty() {
                return Ok((conn, walked));
            }
            rebuild(path, Some(&conn), &walked, now).map_err(store)?;
            // SQLite may be unable to close a damaged file in order; it is set aside as it is.
            drop(conn);
        }
        Err(SchemaError::Store(error)) if is_damage(&error) => {
            let mut walk = crate::walk::Walk::new(checkpoint.clone());
            walk.see_damage(error.to_string());
            rebuild(path, None, &walk.finish(), now).map_err(store)?;
        }
        Err(error) => return Err(OpenError::schema(path, error)),
    }
    set_aside(path, now).and_then(|()| finish_rebuild(path)).map_err(folder)?;
    let conn = connect(path).map_err(|error| OpenError::schema(path, error))?;
    let walked = scan(&conn, checkpoint.clone()).map_err(store)?;
    Ok((conn, walked))
}

pub(super) fn connect(path: &Utf8Path) -> Result<Connection, SchemaError> {
    let mut conn = Connection::open(path)?;
    conn.busy_timeout(BUSY_TIMEOUT)?;
    schema::version(&conn)?;
    conn.pragma_update(None, "journal_mode", "WAL")?;
    conn.pragma_update(None, "synchronous", "FULL")?;
    conn.pragma_update(None, "secure_delete", "ON")?;
    conn.pragma_update(None, "trusted_schema", "OFF")?;
    schema::upgrade(&mut conn)?;
    Ok(conn)
}

/// Writes all that `walked` trusts, and the range that is lost, to a new file beside `path`.
fn rebuild(
    path: &Utf8Path,
    old: Option<&Connection>,
    walked: &Walked,
    now: Timestamp,
) -> rusqlite::Result<()> {
    let rebuilt = path.with_added_extension("rebuilt");
    remove_database(&rebuilt);
    let mut conn = Connection::open(&rebuilt)?;
    conn.pragma_update(None, "synchronous", "FULL")?;
    schema::upgrade(&mut conn).map_err(|error| match error {
        SchemaError::Store(error) => error,
        SchemaError::Newer { .. } | SchemaError::Foreign => rusqlite::Error::InvalidQuery,
    })?;
    let mut last_copied = 0;
    if let Some(old) = old {
        let transaction = conn.transaction()?;
        last_copied = copy(old, &transaction, walked)?;
        transaction.commit()?;
    }
    if let Some(found) = walked.breaks.last().filter(|found| found.resumed_at.is_none()) {
        let last_stored = old.and_then(last_number).unwrap_or(found.last + LOST_NUMBERS);
        let range =
            Range { first: found.first, last: found.last.max(last_stored).max(last_copied) };
        let actor = Actor::system("journal");
        let draft = own::draft(
            RESUMED_AFTER_BREAK,
            range,
            &found.reason.to_string(),
            actor,
            (range.last + 1, now),
        );
        let recorded_at = walked.last_recorded_at.map_or(now, |last| now.max(last));
        insert(&conn, &link(draft, range.last + 1, walked.head.hash, recorded_at))?;
    }
    conn.close().map_err(|(_, error)| error)
}

/// Copies rows as they are, those of earlier breaks too, as far as they can be read; gives the last number.
fn copy(old: &Connection, new: &Connection, walked: &Walked) -> rusqlite::Result<u64> {
    use rusqlite::types::Value;
    let columns = super::row::COLUMNS;
    let mut read = old
        .prepare(&format!("SELECT {columns} FROM facts WHERE seq BETWEEN 1 AND ? ORDER BY seq"))?;
    let marks = ["?"; 16].join(",");
    let mut write =
        new.prepare(&format!("INSERT OR IGNORE INTO facts ({columns}) VALUES ({marks})"))?;
    let mut rows = read.query([walked.head.seq.cast_signed()])?;
    let mut last = 0;
    // No further than the head: to look for a row behind it could already meet the damage.
    while last < walked.head.seq
        && let Some(row) = rows.next()?
    {
        let values: Vec<Value> =
            (0..16).map(|column| row.get(column)).collect::<rusqlite::Result<_>>()?;
        write.execute(rusqlite::params_from_iter(values))?;
        last = row.get::<_, i64>(0)?.cast_unsigned();
    }
    Ok(last)
}

fn last_number(conn: &Connection) -> Option<u64> {
    let last: Option<i64> =
        conn.query_row("SELECT max(seq) FROM facts", [], |row| row.get(0)).ok()?;
    last.and_then(|last| u64::try_from(last).ok()).filter(|last| *last < crate::fact::SEQ_MAX)
}

fn set_aside(path: &Utf8Path, now: Timestamp) -> io::Result<()> {
    for suffix in ["-wal", "-shm", ""] {
        let from = Utf8PathBuf::from(format!("{path}{suffix}"));
        let to = format!("{path}.damaged-{}{suffix}", now.as_millis());
        match fs::rename(&from, to) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            other => other?,
        }
    }
    files::sync_parent(path)
}

/// Puts a rebuilt file in its place when the damaged one is gone from there.
fn finish_rebuild(path: &Utf8Path) -> io::Result<()> {
    let rebuilt = path.with_added_extension("rebuilt");
    if !fs::exists(path)? && fs::exists(&rebuilt)? {
        fs::rename(&rebuilt, path)?;
        files::sync_parent(path)?;
    }
    Ok(())
}

/// An unfinished rebuild is worth nothing.
fn remove_database(path: &Utf8Path) {
    for suffix in ["", "-wal", "-shm", "-journal"] {
        drop(fs::remove_file(format!("{path}{suffix}")));
    }
}
