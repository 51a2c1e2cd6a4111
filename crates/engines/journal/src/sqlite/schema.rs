//! The form of `journal.db`, and the steps that bring an older file to it.
//!
//! | version | what came |
//! |---|---|
//! | 1 | the facts and their chain |
//! | 2 | indexes for readers: by kind, subject, cause and time |
//!
//! **Invariant:** each step is one transaction that also writes the version it reaches, so an upgrade that was
//! killed goes on where it stopped; and no step rewrites what the chain covers.

use rusqlite::{Connection, TransactionBehavior};

/// The version that this build writes. It reads this one and older.
pub const FORMAT_VERSION: u32 = 2;

/// `EVKJ`; marks the file as ours to `file` and to us.
const APPLICATION_ID: i64 = 0x4556_4b4a;

/// `STEPS[n]` leads from version `n` to `n + 1`.
const STEPS: [&str; FORMAT_VERSION as usize] = [
    "CREATE TABLE facts (
        seq INTEGER PRIMARY KEY CHECK (seq BETWEEN 1 AND 9007199254740991),
        recorded_at INTEGER NOT NULL,
        id BLOB NOT NULL UNIQUE,
        kind TEXT NOT NULL,
        schema INTEGER NOT NULL,
        occurred_at INTEGER NOT NULL,
        actor_kind TEXT NOT NULL,
        actor_id TEXT NOT NULL,
        actor_via TEXT NOT NULL,
        cause BLOB,
        namespace TEXT NOT NULL,
        subject TEXT NOT NULL,
        payload BLOB,
        payload_hash BLOB NOT NULL,
        prev_hash BLOB NOT NULL,
        hash BLOB NOT NULL
    ) STRICT;",
    "CREATE INDEX facts_by_kind ON facts (kind);
    CREATE INDEX facts_by_subject ON facts (subject);
    CREATE INDEX facts_by_cause ON facts (cause) WHERE cause IS NOT NULL;
    CREATE INDEX facts_by_time ON facts (recorded_at);",
];

/// Why a file is not taken.
#[derive(Debug)]
pub(crate) enum SchemaError {
    Newer { found: i64 },
    Foreign,
    Store(rusqlite::Error),
}

impl From<rusqlite::Error> for SchemaError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Store(error)
    }
}

/// Refuses what is newer or not ours; gives the version, 0 for a file without anything.
pub(crate) fn version(conn: &Connection) -> Result<usize, SchemaError> {
    let pragma = |name| conn.query_row(&format!("PRAGMA {name}"), [], |row| row.get::<_, i64>(0));
    let (id, found) = (pragma("application_id")?, pragma("user_version")?);
    let tables: i64 = conn.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    match usize::try_from(found) {
        _ if tables == 0 && id == 0 => Ok(0),
        _ if id != APPLICATION_ID => Err(SchemaError::Foreign),
        Ok(version) if version <= STEPS.len() => Ok(version),
        _ => Err(SchemaError::Newer { found }),
    }
}

/// Brings the file to [`FORMAT_VERSION`].
pub(crate) fn upgrade(conn: &mut Connection) -> Result<(), SchemaError> {
    upgrade_to(conn, STEPS.len())
}

pub(super) fn upgrade_to(conn: &mut Connection, wanted: usize) -> Result<(), SchemaError> {
    let from = version(conn)?;
    for (reached, step) in STEPS.iter().enumerate().take(wanted).skip(from) {
        let transaction = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
        transaction.execute_batch(step)?;
        transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
        transaction.pragma_update(None, "user_version", reached as i64 + 1)?;
        transaction.commit()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_killed_upgrade_goes_on_where_it_stopped() {
        let mut conn = Connection::open_in_memory().unwrap();
        upgrade_to(&mut conn, 1).unwrap();
        // Killed within the second step: nothing of it stays.
        let transaction = conn.transaction().unwrap();
        transaction.execute_batch("CREATE INDEX facts_by_kind ON facts (kind)").unwrap();
        drop(transaction);
        assert_eq!(version(&conn).unwrap(), 1);
        upgrade(&mut conn).unwrap();
        assert_eq!(version(&conn).unwrap(), 2);
        upgrade(&mut conn).unwrap();
    }

    #[test]
    fn refuses_newer_and_foreign_files() {
        let mut conn = Connection::open_in_memory().unwrap();
        upgrade(&mut conn).unwrap();
        conn.pragma_update(None, "user_version", 3).unwrap();
        assert!(matches!(upgrade(&mut conn), Err(SchemaError::Newer { found: 3 })));
        let mut foreign = Connection::open_in_memory().unwrap();
        foreign.execute_batch("CREATE TABLE t (x)").unwrap();
        assert!(matches!(upgrade(&mut foreign), Err(SchemaError::Foreign)));
    }
}
