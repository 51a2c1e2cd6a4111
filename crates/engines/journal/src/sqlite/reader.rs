//! Reads for other threads, while the journal is written.

use std::sync::Arc;

use camino::{Utf8Path, Utf8PathBuf};
use model::Timestamp;
use parking_lot::{Mutex, RwLock};
use rusqlite::{Connection, OpenFlags, types::Value};

use super::{
    DATABASE_FILE,
    row::{COLUMNS, Row, Unreadable},
};
use crate::{
    fact::{FactId, Record},
    own::{Own, RESUMED_AFTER_BREAK, Range},
    port::{READ_BYTES_MAX, READ_RECORDS_MAX, ReadError},
};

/// A handle to read with; its clones share connections, and each query uses one alone.
#[derive(Clone)]
pub struct Reader {
    path: Utf8PathBuf,
    idle: Arc<Mutex<Vec<Connection>>>,
    skipped: Arc<RwLock<Vec<Range>>>,
}

/// Which records, in which order. All conditions must hold; the default asks for the oldest.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query {
    /// Numbers above this. To page on, oldest first, give the last record's.
    pub after: Option<u64>,
    /// Numbers below this. To page on, newest first, give the last record's.
    pub before: Option<u64>,
    /// The kind begins with this, such as `incident.`.
    pub kind_prefix: Option<Box<str>>,
    pub namespace: Option<Box<str>>,
    pub subject: Option<Box<str>>,
    pub cause: Option<FactId>,
    /// Written at this time or later.
    pub since: Option<Timestamp>,
    /// Written before this time.
    pub until: Option<Timestamp>,
    pub order: Order,
    /// At most this many, and at most [`READ_RECORDS_MAX`]; 0 means that.
    pub limit: usize,
    /// Also records that are skipped because of a break. They may be anything.
    pub with_skipped: bool,
}

/// By number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    #[default]
    OldestFirst,
    NewestFirst,
}

/// The records that a query found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    pub records: Vec<Record>,
    /// There are more; ask again from the last record's number.
    pub more: bool,
}

impl std::fmt::Debug for Reader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reader").field("path", &self.path).finish_non_exhaustive()
    }
}

impl Reader {
    const IDLE_CONNECTIONS_MAX: usize = 4;

    pub(super) fn new(path: Utf8PathBuf, skipped: Arc<RwLock<Vec<Range>>>) -> Self {
        Self { path, idle: Arc::default(), skipped }
    }

    /// Reads the journal in `dir` without verifying it, also while a server writes it.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn open(dir: &Utf8Path) -> Result<Self, ReadError> {
        let reader = Self::new(dir.join(DATABASE_FILE), Arc::default());
        let query = Query { kind_prefix: Some(RESUMED_AFTER_BREAK.into()), ..Query::default() };
        let breaks =
            reader.read(&query)?.records.into_iter().filter_map(|record| {
                match Own::parse(&record.kind, &record.subject) {
                    Some(Own::Resumed(range)) => Some(range),
                    _ => None,
                }
            });
        *reader.skipped.write() = breaks.collect();
        Ok(reader)
    }

    /// The records that `query` asks for.
    ///
    /// # Errors
    /// When the file cannot be read, or a row is not a record.
    pub fn read(&self, query: &Query) -> Result<Page, ReadError> {
        let conn = self.connection()?;
        let (sql, values) = self.sql(query);
        let limit =
            if query.limit == 0 { READ_RECORDS_MAX } else { query.limit.min(READ_RECORDS_MAX) };
        let page = collect(&conn, &self.path, &sql, values, limit)?;
        let mut idle = self.idle.lock();
        if idle.len() < Self::IDLE_CONNECTIONS_MAX {
            idle.push(conn);
        }
        Ok(page)
    }

    /// The last record in the file, verified or not; 0 when there is none.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn last_seq(&self) -> Result<u64, ReadError> {
        let query =
            Query { order: Order::NewestFirst, limit: 1, with_skipped: true, ..Query::default() };
        Ok(self.read(&query)?.records.first().map_or(0, |record| record.seq))
    }

    fn connection(&self) -> Result<Connection, ReadError> {
        if let Some(conn) = self.idle.lock().pop() {
            return Ok(conn);
        }
        open_read_only(&self.path)
            .map_err(|source| ReadError::Store { path: self.path.clone(), source: source.into() })
    }

    fn sql(&self, query: &Query) -> (String, Vec<Value>) {
        let mut conditions: Vec<(&str, Value)> = Vec::new();
        let number = |seq: u64| Value::Integer(i64::try_from(seq).unwrap_or(i64::MAX));
        conditions.push(("seq > ?", number(query.after.unwrap_or(0))));
        conditions.extend(query.before.map(|seq| ("seq < ?", number(seq))));
        if let Some(prefix) = &query.kind_prefix {
            conditions.push(("kind >= ?", Value::Text(prefix.to_string())));
            conditions.push(("kind < ?", Value::Text(format!("{prefix}{}", char::MAX))));
        }
        let text = |text: &str| Value::Text(text.to_owned());
        conditions.extend(query.namespace.as_deref().map(|value| ("namespace = ?", text(value))));
        conditions.extend(query.subject.as_deref().map(|value| ("subject = ?", text(value))));
        conditions.extend(
            query
                .cause
                .map(|cause| ("cause = ?", Value::Blob(cause.as_u128().to_be_bytes().into()))),
        );
        conditions
            .extend(query.since.map(|at| ("recorded_at >= ?", Value::Integer(at.as_nanos()))));
        conditions.extend(query.until.map(|at| ("recorded_at < ?", Value::Integer(at.as_nanos()))));
        if !query.with_skipped {
            for range in self.skipped.read().iter() {
                conditions.push(("(seq < ?", number(range.first)));
                conditions.push(("seq > ?)", number(range.last)));
            }
        }
        let mut sql = format!("SELECT {COLUMNS} FROM facts WHERE ");
        for (at, (condition, _)) in conditions.iter().enumerate() {
            // Only the second half of a skipped range is an alternative.
            let word = if condition.ends_with(')') { " OR " } else { " AND " };
            sql.push_str(if at == 0 { "" } else { word });
            sql.push_str(condition);
        }
        sql.push_str(match query.order {
            Order::OldestFirst => " ORDER BY seq",
            Order::NewestFirst => " ORDER BY seq DESC",
        });
        (sql, conditions.into_iter().map(|(_, value)| value).collect())
    }
}

pub(crate) fn open_read_only(path: &Utf8Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = Connection::open_with_flags(path, flags)?;
    conn.busy_timeout(super::open::BUSY_TIMEOUT)?;
    Ok(conn)
}

/// Records after `after` in `ranges`, in order; ends early like [`Reader::read`].
pub(super) fn read_ranges<'a>(
    conn: &Connection,
    path: &Utf8Path,
    ranges: impl Iterator<Item = &'a Range>,
    after: u64,
    limit: usize,
) -> Result<Vec<Record>, ReadError> {
    let sql = format!("SELECT {COLUMNS} FROM facts WHERE seq > ? AND seq <= ? ORDER BY seq");
    let limit = limit.min(READ_RECORDS_MAX);
    let mut records = Vec::new();
    for range in ranges {
        let from = after.max(range.first - 1);
        let values = [from, range.last].map(|seq| Value::Integer(seq.cast_signed()));
        let page = collect(conn, path, &sql, values.into(), limit - records.len())?;
        records.extend(page.records);
        if page.more || records.len() == limit {
            break;
        }
    }
    Ok(records)
}

/// Runs a query until it has `limit` records or [`READ_BYTES_MAX`] bytes of payload.
fn collect(
    conn: &Connection,
    path: &Utf8Path,
    sql: &str,
    values: Vec<Value>,
    limit: usize,
) -> Result<Page, ReadError> {
    let store =
        |source: rusqlite::Error| ReadError::Store { path: path.to_owned(), source: source.into() };
    let unreadable =
        |Unreadable { seq, what }| ReadError::Record { path: path.to_owned(), seq, what };
    let mut statement = conn.prepare_cached(sql).map_err(store)?;
    let mut rows = statement.query(rusqlite::params_from_iter(values)).map_err(store)?;
    let mut page = Page::default();
    let mut bytes = 0;
    while let Some(row) = rows.next().map_err(store)? {
        if page.records.len() >= limit || bytes >= READ_BYTES_MAX {
            page.more = true;
            break;
        }
        let record = Row::read(row).and_then(|row| row.to_record()).map_err(unreadable)?;
        bytes += record.payload.as_ref().map_or(0, Vec::len);
        page.records.push(record);
    }
    Ok(page)
}
