//! An answer's values for whoever shows them.

use datafusion::arrow::{
    array::{Array, AsArray as _},
    datatypes::{DataType, Float64Type, Int64Type, TimeUnit, TimestampNanosecondType, UInt64Type},
    util::display::{ArrayFormatter, FormatOptions},
};
use model::Timestamp;

use super::SqlAnswer;

/// One value of an answer.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    Null,
    Bool(bool),
    Int(i64),
    UInt(u64),
    Float(f64),
    /// Also times, as RFC 3339, and whatever has no form of its own here.
    Text(String),
    List(Vec<Cell>),
    /// A map's or a structure's entries.
    Map(Vec<(String, Cell)>),
}

impl SqlAnswer {
    /// The columns' names and types, as DataFusion names them.
    pub fn columns(&self) -> impl Iterator<Item = (&str, String)> {
        self.schema.fields().iter().map(|field| (&**field.name(), field.data_type().to_string()))
    }

    /// The rows in order.
    pub fn rows(&self) -> Vec<Vec<Cell>> {
        let rows = self.batches.iter().flat_map(|batch| {
            (0..batch.num_rows())
                .map(|row| batch.columns().iter().map(|column| cell(column, row)).collect())
        });
        rows.collect()
    }
}

fn cell(column: &dyn Array, row: usize) -> Cell {
    use datafusion::arrow::compute::cast;
    if column.is_null(row) {
        return Cell::Null;
    }
    let one = column.slice(row, 1);
    let as_type = |wanted: &DataType| cast(&one, wanted).ok();
    let found = match column.data_type() {
        DataType::Boolean => Some(Cell::Bool(column.as_boolean().value(row))),
        kind if kind.is_signed_integer() => {
            as_type(&DataType::Int64).map(|one| Cell::Int(one.as_primitive::<Int64Type>().value(0)))
        }
        kind if kind.is_unsigned_integer() => as_type(&DataType::UInt64)
            .map(|one| Cell::UInt(one.as_primitive::<UInt64Type>().value(0))),
        kind if kind.is_floating() => as_type(&DataType::Float64)
            .map(|one| Cell::Float(one.as_primitive::<Float64Type>().value(0))),
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => as_type(&DataType::Utf8)
            .map(|one| Cell::Text(one.as_string::<i32>().value(0).to_owned())),
        DataType::Timestamp(_, _) => {
            as_type(&DataType::Timestamp(TimeUnit::Nanosecond, None)).map(|one| {
                let at = one.as_primitive::<TimestampNanosecondType>().value(0);
                Cell::Text(Timestamp::from_nanos(at).to_string())
            })
        }
        DataType::List(_) => {
            let items = column.as_list::<i32>().value(row);
            Some(Cell::List((0..items.len()).map(|item| cell(&items, item)).collect()))
        }
        DataType::Map(_, _) => {
            let entries = column.as_map().value(row);
            let (keys, values) = (entries.column(0), entries.column(1));
            let entry = |at: usize| (text(keys, at), cell(values, at));
            Some(Cell::Map((0..entries.len()).map(entry).collect()))
        }
        DataType::Struct(fields) => {
            let entries = column.as_struct();
            let named = fields.iter().zip(entries.columns());
            Some(Cell::Map(
                named.map(|(field, column)| (field.name().clone(), cell(column, row))).collect(),
            ))
        }
        _ => None,
    };
    found.unwrap_or_else(|| Cell::Text(text(column, row)))
}

/// As Arrow prints it.
fn text(column: &dyn Array, row: usize) -> String {
    let options = FormatOptions::default();
    ArrayFormatter::try_new(column, &options)
        .map(|shown| shown.value(row).to_string())
        .unwrap_or_default()
}
