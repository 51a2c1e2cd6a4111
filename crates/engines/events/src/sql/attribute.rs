//! A promoted attribute of rows that have it in their maps.

use std::{
    fmt,
    hash::{Hash, Hasher},
    sync::Arc,
};

use datafusion::{
    arrow::{
        array::{
            ArrayRef, AsArray as _, BooleanBuilder, Float64Builder, Int64Builder, MapArray,
            RecordBatch, StringViewBuilder,
        },
        compute::cast,
        datatypes::{DataType, Schema},
    },
    error::{DataFusionError, Result},
    logical_expr::ColumnarValue,
    physical_expr::PhysicalExpr,
};
use model::Value;

use crate::{json, schema::Kind};

/// The attribute's value out of the two maps, as the type that its column has; what is of another type and cannot be read as
/// that is null. Where the file has the column as well, that comes first.
#[derive(Clone, Debug, Eq)]
pub(super) struct Attribute {
    key: Arc<str>,
    kind: Kind,
    /// Map of texts, map of others, and the column if there is one.
    children: Vec<Arc<dyn PhysicalExpr>>,
}

impl Attribute {
    pub(super) fn new(
        key: &str,
        kind: Kind,
        maps: [Arc<dyn PhysicalExpr>; 2],
        column: Option<Arc<dyn PhysicalExpr>>,
    ) -> Self {
        Self { key: key.into(), kind, children: maps.into_iter().chain(column).collect() }
    }
}

impl PartialEq for Attribute {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key && self.kind == other.kind && self.children == other.children
    }
}

impl Hash for Attribute {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (&self.key, self.kind).hash(state);
        self.children.hash(state);
    }
}

impl fmt::Display for Attribute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "attribute({:?})", self.key)
    }
}

/// As SQL sees a column of this kind.
pub(super) fn logical(kind: Kind) -> DataType {
    match kind {
        Kind::Text => DataType::Utf8View,
        Kind::Int => DataType::Int64,
        Kind::Double => DataType::Float64,
        Kind::Bool => DataType::Boolean,
    }
}

impl PhysicalExpr for Attribute {
    fn data_type(&self, _schema: &Schema) -> Result<DataType> {
        Ok(logical(self.kind))
    }

    fn nullable(&self, _schema: &Schema) -> Result<bool> {
        Ok(true)
    }

    fn evaluate(&self, batch: &RecordBatch) -> Result<ColumnarValue> {
        let rows = batch.num_rows();
        let array = |at: usize| self.children[at].evaluate(batch)?.into_array(rows);
        let (texts, others) = (array(0)?, array(1)?);
        let column = match self.children.get(2) {
            None => None,
            Some(child) => {
                let column = child.evaluate(batch)?.into_array(rows)?;
                Some(cast(&column, &logical(self.kind))?)
            }
        };
        let maps = [map(&texts)?, map(&others)?];
        let found = found(&self.key, self.kind, maps, rows)?;
        let merged = match column {
            None => found,
            Some(column) => {
                let is_there = datafusion::arrow::compute::is_not_null(&column)?;
                datafusion::arrow::compute::kernels::zip::zip(&is_there, &column, &found)?
            }
        };
        Ok(ColumnarValue::Array(merged))
    }

    fn children(&self) -> Vec<&Arc<dyn PhysicalExpr>> {
        self.children.iter().collect()
    }

    fn with_new_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn PhysicalExpr>>,
    ) -> Result<Arc<dyn PhysicalExpr>> {
        Ok(Arc::new(Self { key: Arc::clone(&self.key), kind: self.kind, children }))
    }

    fn fmt_sql(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

fn map(array: &ArrayRef) -> Result<&MapArray> {
    let told = || DataFusionError::Internal("a map of attributes is no map".to_owned());
    array.as_map_opt().ok_or_else(told)
}

/// The value of `key` in each row.
fn found(key: &str, kind: Kind, maps: [&MapArray; 2], rows: usize) -> Result<ArrayRef> {
    let texts = Entries::of(maps[0])?;
    let others = Entries::of(maps[1])?;
    let value = |row: usize| {
        let text = texts.get(row, key).map(Value::string);
        text.or_else(|| others.get(row, key).map(json::read))
    };
    let values = (0..rows).map(value);
    Ok(match kind {
        Kind::Text => {
            let mut builder = StringViewBuilder::new();
            values.for_each(|value| match value {
                None | Some(Value::Empty) => builder.append_null(),
                Some(value) => builder.append_value(value.to_string()),
            });
            Arc::new(builder.finish())
        }
        Kind::Int => {
            let mut builder = Int64Builder::new();
            values.for_each(|value| builder.append_option(value.and_then(|value| int(&value))));
            Arc::new(builder.finish())
        }
        Kind::Double => {
            let mut builder = Float64Builder::new();
            values.for_each(|value| builder.append_option(value.and_then(|value| double(&value))));
            Arc::new(builder.finish())
        }
        Kind::Bool => {
            let mut builder = BooleanBuilder::new();
            values.for_each(|value| {
                builder.append_option(value.and_then(|value| value.to_string().parse().ok()));
            });
            Arc::new(builder.finish())
        }
    })
}

fn int(value: &Value) -> Option<i64> {
    value.to_string().trim().parse().ok()
}

fn double(value: &Value) -> Option<f64> {
    value.to_string().trim().parse().ok()
}

struct Entries<'a> {
    map: &'a MapArray,
    keys: ArrayRef,
    values: ArrayRef,
}

impl<'a> Entries<'a> {
    fn of(map: &'a MapArray) -> Result<Self> {
        let keys = cast(map.keys(), &DataType::Utf8)?;
        let values = cast(map.values(), &DataType::Utf8)?;
        Ok(Self { map, keys, values })
    }

    fn get(&self, row: usize, key: &str) -> Option<&str> {
        let offsets = self.map.value_offsets();
        let at = |row: usize| usize::try_from(offsets[row]).unwrap_or_default();
        let keys = self.keys.as_string::<i32>();
        let entry = (at(row)..at(row + 1)).find(|entry| keys.value(*entry) == key)?;
        Some(self.values.as_string::<i32>().value(entry))
    }
}
