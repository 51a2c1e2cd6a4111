//! The attributes that have columns of their own.

use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, Field};
use hashbrown::HashMap;
use model::{Attributes, Value};
use wal::codec::{DecodeError, Reader, put_bytes, put_len};

use super::{Signal, fixed};

/// The most attributes of one table that get a column.
const PROMOTED_MAX: usize = 256;
/// A longer key is no name that a column should have.
const KEY_BYTES_MAX: usize = 128;
/// One in so many rows must have an attribute, for it to get a column.
const ROWS_SHARE: usize = 100;
/// So many rows at least must have it.
const ROWS_MIN: usize = 4;

/// Whose attribute it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Place {
    Record,
    Resource,
}

/// The type of a promoted column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    Text,
    Int,
    Double,
    Bool,
}

impl Kind {
    /// `None` for what cannot stand in a column.
    pub(crate) fn of(value: &Value) -> Option<Self> {
        match value {
            Value::String(_) => Some(Self::Text),
            Value::Int(_) => Some(Self::Int),
            Value::Double(_) => Some(Self::Double),
            Value::Bool(_) => Some(Self::Bool),
            Value::Bytes(_) | Value::Array(_) | Value::Map(_) | Value::Empty => None,
        }
    }

    pub(crate) fn arrow(self) -> DataType {
        match self {
            Self::Text => DataType::Utf8,
            Self::Int => DataType::Int64,
            Self::Double => DataType::Float64,
            Self::Bool => DataType::Boolean,
        }
    }

    fn number(self) -> u8 {
        match self {
            Self::Text => 0,
            Self::Int => 1,
            Self::Double => 2,
            Self::Bool => 3,
        }
    }

    fn from_number(number: u8) -> Option<Self> {
        [Self::Text, Self::Int, Self::Double, Self::Bool].get(usize::from(number)).copied()
    }
}

/// One attribute with a column of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Promotion {
    pub(crate) place: Place,
    pub(crate) key: Box<str>,
    pub(crate) kind: Kind,
    /// The column's name.
    pub(crate) column: Arc<str>,
}

/// The attributes of one table that have columns, in the order in which they got them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Promoted {
    list: Vec<Promotion>,
    /// For each place, the numbers of its keys.
    numbers: [HashMap<Box<str>, usize>; 2],
    /// In lower case: readers such as DuckDB do not tell cases apart.
    columns: HashMap<Box<str>, usize>,
}

impl Promotion {
    pub(crate) fn field(&self) -> Field {
        Field::new(&*self.column, self.kind.arrow(), true)
    }
}

fn column(place: Place, key: &str) -> Arc<str> {
    match place {
        Place::Record => key.into(),
        Place::Resource => format!("resource.{key}").into(),
    }
}

impl Promoted {
    pub(crate) fn list(&self) -> &[Promotion] {
        &self.list
    }

    /// The number of an attribute's column.
    pub(crate) fn number(&self, place: Place, key: &str) -> Option<usize> {
        self.numbers[place as usize].get(key).copied()
    }

    /// The attribute that a column holds.
    pub(crate) fn of_column(&self, name: &str) -> Option<(usize, &Promotion)> {
        let at = *self.columns.get(name.to_ascii_lowercase().as_str())?;
        let one = &self.list[at];
        (*one.column == *name).then_some((at, one))
    }

    /// Gives an attribute a column, when it may have one.
    fn add(&mut self, signal: Signal, place: Place, key: &str, kind: Kind) -> bool {
        let column = column(place, key);
        let lower: Box<str> = column.to_ascii_lowercase().into();
        let usable = !key.is_empty()
            && key.len() <= KEY_BYTES_MAX
            && self.list.len() < PROMOTED_MAX
            && !key.chars().any(char::is_control)
            && (place != Place::Record || !key.starts_with("resource."))
            && !fixed(signal).iter().any(|field| field.name().eq_ignore_ascii_case(&column))
            && !self.columns.contains_key(&lower)
            && self.number(place, key).is_none();
        if usable {
            let at = self.list.len();
            self.columns.insert(lower, at);
            self.numbers[place as usize].insert(key.into(), at);
            self.list.push(Promotion { place, key: key.into(), kind, column });
        }
        usable
    }

    /// Takes over a column that a file has; what is no promoted attribute's column is passed over.
    pub(crate) fn adopt(&mut self, signal: Signal, field: &Field) {
        let kinds = [Kind::Text, Kind::Int, Kind::Double, Kind::Bool];
        let Some(kind) = kinds.into_iter().find(|kind| kind.arrow() == *field.data_type()) else {
            return;
        };
        let (place, key) = match field.name().strip_prefix("resource.") {
            Some(key) => (Place::Resource, key),
            None => (Place::Record, field.name().as_str()),
        };
        self.add(signal, place, key, kind);
    }

    /// Promotes what enough of the rows have.
    pub(crate) fn learn<'a>(
        &mut self,
        signal: Signal,
        rows: impl ExactSizeIterator<Item = [&'a Attributes; 2]>,
    ) {
        let wanted = (rows.len() / ROWS_SHARE).max(ROWS_MIN);
        let mut seen: HashMap<(Place, &str, Kind), usize> = HashMap::new();
        for [record, resource] in rows {
            for (place, attributes) in [(Place::Record, record), (Place::Resource, resource)] {
                for (key, value) in attributes {
                    if let Some(kind) = Kind::of(value)
                        && self.number(place, key).is_none()
                    {
                        *seen.entry((place, key, kind)).or_default() += 1;
                    }
                }
            }
        }
        let mut found: Vec<_> = seen.into_iter().filter(|(_, rows)| *rows >= wanted).collect();
        // The most frequent first; of equals, by name, so that the outcome does not depend on the hash.
        found.sort_by(|(a, rows_a), (b, rows_b)| {
            rows_b.cmp(rows_a).then_with(|| (a.0, a.1, a.2.number()).cmp(&(b.0, b.1, b.2.number())))
        });
        for ((place, key, kind), _) in found {
            self.add(signal, place, key, kind);
        }
    }

    pub(crate) fn put(&self, out: &mut Vec<u8>) {
        put_len(out, self.list.len());
        for one in &self.list {
            out.push(u8::from(one.place == Place::Resource));
            out.push(one.kind.number());
            put_bytes(out, one.key.as_bytes());
        }
    }

    pub(crate) fn read(signal: Signal, reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut promoted = Self::default();
        for _ in 0..reader.len("promoted attributes")? {
            let place = match reader.byte("place")? {
                0 => Place::Record,
                1 => Place::Resource,
                _ => return Err(reader.error("place")),
            };
            let kind = Kind::from_number(reader.byte("type")?).ok_or(reader.error("type"))?;
            let key = reader.str("key")?;
            if !promoted.add(signal, place, key, kind) {
                return Err(reader.error("key"));
            }
        }
        Ok(promoted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attributes(pairs: &[(&str, Value)]) -> Attributes {
        pairs.iter().map(|(key, value)| ((*key).into(), value.clone())).collect()
    }

    #[test]
    fn what_enough_rows_have_gets_a_column() {
        let often = attributes(&[
            ("http.route", Value::string("/")),
            ("status", Value::Int(200)),
            ("timestamp", Value::Int(1)),
            ("resource.x", Value::Int(1)),
            ("list", Value::Array(Vec::new())),
        ]);
        let (once, host) = (
            attributes(&[("rare", Value::Bool(true))]),
            attributes(&[("host", Value::Double(1.5))]),
        );
        let rows: Vec<_> =
            (0..10).map(|at| [if at == 0 { &once } else { &often }, &host]).collect();
        let mut promoted = Promoted::default();
        promoted.learn(Signal::Spans, rows.into_iter());
        let names: Vec<_> = promoted.list().iter().map(|one| &*one.column).collect();
        assert_eq!(names, ["resource.host", "http.route", "status"]);
        assert!(promoted.of_column("HTTP.ROUTE").is_none());
        assert_eq!(promoted.of_column("status").unwrap().1.kind, Kind::Int);

        let mut bytes = Vec::new();
        promoted.put(&mut bytes);
        let read = Promoted::read(Signal::Spans, &mut Reader::new(&bytes)).unwrap();
        assert_eq!(read.list(), promoted.list());
    }
}
