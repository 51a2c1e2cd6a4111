//! Columns in the making.

use std::sync::Arc;

use datafusion::arrow::{
    array::{
        ArrayRef, BooleanBuilder, Float64Builder, Int64Builder, ListArray, MapArray, StringBuilder,
        StructArray, TimestampNanosecondBuilder, UInt8Builder, UInt32Builder,
    },
    buffer::{OffsetBuffer, ScalarBuffer},
    datatypes::{DataType, Field, Fields},
};
use model::{Timestamp, Value};

use crate::{json, schema};

/// A column of texts.
#[derive(Default)]
pub(super) struct Texts(StringBuilder);

impl Texts {
    pub(super) fn push(&mut self, text: &str) {
        self.0.append_value(text);
    }

    /// Nothing for an empty text.
    pub(super) fn push_some(&mut self, text: &str) {
        self.0.append_option((!text.is_empty()).then_some(text));
    }

    pub(super) fn push_option(&mut self, text: Option<&str>) {
        self.0.append_option(text);
    }

    pub(super) fn finish(mut self) -> ArrayRef {
        Arc::new(self.0.finish())
    }
}

/// A column of times.
#[derive(Default)]
pub(super) struct Times(TimestampNanosecondBuilder);

impl Times {
    pub(super) fn push(&mut self, time: Timestamp) {
        self.0.append_value(time.as_nanos());
    }

    pub(super) fn push_option(&mut self, time: Option<Timestamp>) {
        self.0.append_option(time.map(Timestamp::as_nanos));
    }

    pub(super) fn finish(mut self) -> ArrayRef {
        Arc::new(self.0.finish().with_timezone("UTC"))
    }
}

macro_rules! numbers {
    ($name:ident, $builder:ty, $native:ty, $what:literal) => {
        #[doc = $what]
        #[derive(Default)]
        pub(super) struct $name($builder);

        impl $name {
            pub(super) fn push(&mut self, value: $native) {
                self.0.append_value(value);
            }

            pub(super) fn finish(mut self) -> ArrayRef {
                Arc::new(self.0.finish())
            }
        }
    };
}

numbers!(Longs, Int64Builder, i64, "A column of 64-bit integers.");
numbers!(Counts, UInt32Builder, u32, "A column of small counts and flags.");
numbers!(Bytes, UInt8Builder, u8, "A column of bytes.");
numbers!(Flags, BooleanBuilder, bool, "A column of yes and no.");

/// Where each row's items begin and end.
struct Offsets(Vec<i32>);

impl Default for Offsets {
    fn default() -> Self {
        Self(vec![0])
    }
}

impl Offsets {
    fn close(&mut self, items: usize) {
        self.0.push(i32::try_from(items).expect("a batch is cut long before 2^31 items"));
    }

    fn finish(self) -> OffsetBuffer<i32> {
        OffsetBuffer::new(ScalarBuffer::from(self.0))
    }
}

/// A column of maps of texts.
#[derive(Default)]
pub(super) struct Map {
    offsets: Offsets,
    keys: StringBuilder,
    values: StringBuilder,
    entries: usize,
}

impl Map {
    pub(super) fn push(&mut self, key: &str, value: &str) {
        self.keys.append_value(key);
        self.values.append_value(value);
        self.entries += 1;
    }

    pub(super) fn close_row(&mut self) {
        self.offsets.close(self.entries);
    }

    pub(super) fn finish(mut self) -> ArrayRef {
        let keys: ArrayRef = Arc::new(self.keys.finish());
        let values: ArrayRef = Arc::new(self.values.finish());
        let field = schema::map("");
        let DataType::Map(entries, sorted) = field.data_type() else {
            unreachable!("the field of a map is a map")
        };
        let DataType::Struct(fields) = entries.data_type() else {
            unreachable!("the entries of a map are a structure")
        };
        let rows = StructArray::new(fields.clone(), vec![keys, values], None);
        Arc::new(MapArray::new(Arc::clone(entries), self.offsets.finish(), rows, None, *sorted))
    }
}

/// Texts in one map, values of other types in the one beside it.
#[derive(Default)]
pub(super) struct Maps {
    texts: Map,
    others: Map,
    json: String,
}

impl Maps {
    pub(super) fn push(&mut self, key: &str, value: &Value) {
        match value {
            Value::String(text) => self.texts.push(key, text),
            Value::Bool(_)
            | Value::Int(_)
            | Value::Double(_)
            | Value::Bytes(_)
            | Value::Array(_)
            | Value::Map(_)
            | Value::Empty => {
                self.json.clear();
                json::write(value, &mut self.json);
                self.others.push(key, &self.json);
            }
        }
    }

    pub(super) fn close_row(&mut self) {
        self.texts.close_row();
        self.others.close_row();
    }

    pub(super) fn finish(self) -> [ArrayRef; 2] {
        [self.texts.finish(), self.others.finish()]
    }
}

/// A column of lists of structures.
#[derive(Default)]
pub(super) struct Lists(Offsets);

impl Lists {
    /// Ends a row; `items` is how many there are in all rows so far.
    pub(super) fn close_row(&mut self, items: usize) {
        self.0.close(items);
    }

    pub(super) fn finish(self, fields: Fields, columns: Vec<ArrayRef>) -> ArrayRef {
        let item = Field::new("item", DataType::Struct(fields.clone()), false);
        let items = StructArray::new(fields, columns, None);
        Arc::new(ListArray::new(Arc::new(item), self.0.finish(), Arc::new(items), None))
    }
}

/// A promoted column: made when a row first has it.
pub(super) enum Column {
    Text(StringBuilder),
    Int(Int64Builder),
    Double(Float64Builder),
    Bool(BooleanBuilder),
}

macro_rules! each {
    ($column:expr, $builder:ident => $run:expr) => {
        match $column {
            Column::Text($builder) => $run,
            Column::Int($builder) => $run,
            Column::Double($builder) => $run,
            Column::Bool($builder) => $run,
        }
    };
}

impl Column {
    pub(super) fn new(kind: schema::Kind) -> Self {
        match kind {
            schema::Kind::Text => Self::Text(StringBuilder::new()),
            schema::Kind::Int => Self::Int(Int64Builder::new()),
            schema::Kind::Double => Self::Double(Float64Builder::new()),
            schema::Kind::Bool => Self::Bool(BooleanBuilder::new()),
        }
    }

    /// Puts the value into the row; false when it is of another type or the row has one.
    pub(super) fn set(&mut self, row: usize, value: &Value) -> bool {
        use datafusion::arrow::array::ArrayBuilder as _;
        if each!(self, builder => builder.len()) > row {
            return false;
        }
        let fits = matches!(
            (&*self, value),
            (Self::Text(_), Value::String(_))
                | (Self::Int(_), Value::Int(_))
                | (Self::Double(_), Value::Double(_))
                | (Self::Bool(_), Value::Bool(_))
        );
        if !fits {
            return false;
        }
        self.fill(row);
        match (self, value) {
            (Self::Text(builder), Value::String(text)) => builder.append_value(text),
            (Self::Int(builder), Value::Int(value)) => builder.append_value(*value),
            (Self::Double(builder), Value::Double(value)) => builder.append_value(*value),
            (Self::Bool(builder), Value::Bool(value)) => builder.append_value(*value),
            _ => unreachable!("the types were found to fit"),
        }
        true
    }

    /// Nothing in all rows before this one that have nothing yet.
    fn fill(&mut self, rows: usize) {
        use datafusion::arrow::array::ArrayBuilder as _;
        each!(self, builder => for _ in builder.len()..rows {
            builder.append_null();
        });
    }

    pub(super) fn finish(mut self, rows: usize) -> ArrayRef {
        self.fill(rows);
        each!(&mut self, builder => Arc::new(builder.finish()))
    }
}
