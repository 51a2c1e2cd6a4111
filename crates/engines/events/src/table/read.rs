//! Columns read back.

use std::{str::FromStr, sync::Arc};

use datafusion::arrow::{
    array::{
        Array as _, ArrayRef, AsArray as _, BooleanArray, Int64Array, ListArray, MapArray,
        RecordBatch, StringArray, StructArray, UInt8Array, UInt32Array,
    },
    compute::cast,
    datatypes::{DataType, Fields, Float64Type, Int64Type, UInt8Type, UInt32Type},
};
use model::{Attributes, Resource, Scope, Value};

use crate::{
    json,
    schema::{self, Kind, Place, Promoted, Signal},
};

/// Why rows are not records.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("column `{column}` is not as this build writes it")]
pub struct ReadError {
    column: String,
}

impl ReadError {
    pub(super) fn column(column: &str) -> Self {
        Self { column: column.to_owned() }
    }
}

/// Columns by name.
pub(super) struct Rows<'a> {
    fields: &'a Fields,
    columns: &'a [ArrayRef],
}

impl<'a> Rows<'a> {
    pub(super) fn of(batch: &'a RecordBatch) -> Self {
        Self { fields: batch.schema_ref().fields(), columns: batch.columns() }
    }

    pub(super) fn of_struct(items: &'a StructArray) -> Self {
        Self { fields: items.fields(), columns: items.columns() }
    }

    fn find(&self, name: &str) -> Option<&'a ArrayRef> {
        self.fields.find(name).map(|(at, _)| &self.columns[at])
    }

    /// The column as `wanted`: a reader may have chosen another encoding for it.
    fn column(&self, name: &str, wanted: &DataType) -> Result<ArrayRef, ReadError> {
        let found = self.find(name).ok_or_else(|| ReadError::column(name))?;
        as_type(found, wanted).ok_or_else(|| ReadError::column(name))
    }

    pub(super) fn texts(&self, name: &str) -> Result<TextColumn, ReadError> {
        Ok(TextColumn(self.column(name, &DataType::Utf8)?.as_string().clone()))
    }

    /// Nanoseconds since 1970.
    pub(super) fn times(&self, name: &str) -> Result<Int64Array, ReadError> {
        let column = self.column(name, &schema::time_type())?;
        let column = as_type(&column, &DataType::Int64).ok_or_else(|| ReadError::column(name))?;
        Ok(column.as_primitive::<Int64Type>().clone())
    }

    pub(super) fn longs(&self, name: &str) -> Result<Int64Array, ReadError> {
        Ok(self.column(name, &DataType::Int64)?.as_primitive::<Int64Type>().clone())
    }

    pub(super) fn counts(&self, name: &str) -> Result<UInt32Array, ReadError> {
        Ok(self.column(name, &DataType::UInt32)?.as_primitive::<UInt32Type>().clone())
    }

    pub(super) fn bytes(&self, name: &str) -> Result<UInt8Array, ReadError> {
        Ok(self.column(name, &DataType::UInt8)?.as_primitive::<UInt8Type>().clone())
    }

    pub(super) fn flags(&self, name: &str) -> Result<BooleanArray, ReadError> {
        Ok(self.column(name, &DataType::Boolean)?.as_boolean().clone())
    }

    pub(super) fn lists(&self, name: &str) -> Result<ListArray, ReadError> {
        let found = self.find(name).and_then(|column| column.as_list_opt::<i32>());
        let list = found.ok_or_else(|| ReadError::column(name))?;
        let is_struct = matches!(list.value_type(), DataType::Struct(_));
        if is_struct { Ok(list.clone()) } else { Err(ReadError::column(name)) }
    }

    pub(super) fn maps(&self, name: &str) -> Result<MapColumns, ReadError> {
        let map = |name: &str| {
            let found = self.find(name).and_then(|column| column.as_map_opt());
            let map = found.ok_or_else(|| ReadError::column(name))?;
            MapColumn::of(map).ok_or_else(|| ReadError::column(name))
        };
        Ok(MapColumns { texts: map(name)?, others: map(&schema::other(name))? })
    }
}

fn as_type(column: &ArrayRef, wanted: &DataType) -> Option<ArrayRef> {
    if column.data_type() == wanted { Some(Arc::clone(column)) } else { cast(column, wanted).ok() }
}

/// A column of texts; what is absent reads as empty.
pub(super) struct TextColumn(StringArray);

impl TextColumn {
    pub(super) fn value(&self, row: usize) -> &str {
        if self.0.is_null(row) { "" } else { self.0.value(row) }
    }

    pub(super) fn option(&self, row: usize) -> Option<&str> {
        (!self.0.is_null(row)).then(|| self.0.value(row))
    }

    pub(super) fn parsed<T: FromStr>(&self, row: usize, name: &str) -> Result<T, ReadError> {
        self.value(row).parse().map_err(|_| ReadError::column(name))
    }
}

struct MapColumn {
    map: MapArray,
    keys: StringArray,
    values: StringArray,
}

impl MapColumn {
    fn of(map: &MapArray) -> Option<Self> {
        let keys = as_type(map.keys(), &DataType::Utf8)?.as_string().clone();
        let values = as_type(map.values(), &DataType::Utf8)?.as_string().clone();
        Some(Self { map: map.clone(), keys, values })
    }

    fn read(&self, row: usize, into: &mut Attributes, value: impl Fn(&str) -> Value) {
        let offsets = self.map.value_offsets();
        let at = |row: usize| usize::try_from(offsets[row]).unwrap_or_default();
        into.extend(
            (at(row)..at(row + 1))
                .map(|entry| (self.keys.value(entry).into(), value(self.values.value(entry)))),
        );
    }
}

/// A map of texts and the map of other values beside it.
pub(super) struct MapColumns {
    texts: MapColumn,
    others: MapColumn,
}

impl MapColumns {
    pub(super) fn at(&self, row: usize) -> Result<Attributes, ReadError> {
        let mut attributes = Attributes::new();
        self.read(row, &mut attributes);
        Ok(attributes)
    }

    fn read(&self, row: usize, into: &mut Attributes) {
        self.texts.read(row, into, |text| Value::string(text));
        self.others.read(row, into, json::read);
    }
}

/// A place's attributes: of promoted columns, and of the maps.
pub(super) struct Attached {
    promoted: Vec<(Box<str>, Kind, ArrayRef)>,
    maps: MapColumns,
}

impl Attached {
    /// The records' own attributes.
    pub(super) fn of(
        rows: &Rows<'_>,
        signal: Signal,
        promoted: &Promoted,
    ) -> Result<Self, ReadError> {
        Self::at_place(rows, Place::Record, signal.attributes(), promoted)
    }

    fn at_place(
        rows: &Rows<'_>,
        place: Place,
        map: &str,
        promoted: &Promoted,
    ) -> Result<Self, ReadError> {
        let of_place = promoted.list().iter().filter(|one| one.place == place);
        let found = of_place.filter_map(|one| {
            let column = rows.find(&one.column)?;
            let column = as_type(column, &one.kind.arrow());
            let named = column.map(|column| (one.key.clone(), one.kind, column));
            Some(named.ok_or_else(|| ReadError::column(&one.column)))
        });
        Ok(Self { promoted: found.collect::<Result<_, _>>()?, maps: rows.maps(map)? })
    }

    pub(super) fn at(&self, row: usize) -> Result<Attributes, ReadError> {
        let mut attributes = Attributes::new();
        for (key, kind, column) in &self.promoted {
            if column.is_null(row) {
                continue;
            }
            let value = match kind {
                Kind::Text => Value::string(column.as_string::<i32>().value(row)),
                Kind::Int => Value::Int(column.as_primitive::<Int64Type>().value(row)),
                Kind::Double => Value::Double(column.as_primitive::<Float64Type>().value(row)),
                Kind::Bool => Value::Bool(column.as_boolean().value(row)),
            };
            attributes.push((key.clone(), value));
        }
        let of_columns = attributes.len();
        self.maps.read(row, &mut attributes);
        if of_columns > 0 && attributes.len() > of_columns {
            drop_repeated(&mut attributes, of_columns);
        }
        Ok(attributes)
    }
}

/// A promoted attribute that a file has in its maps may have been read out of them into a column as well; the map knows its
/// type.
fn drop_repeated(attributes: &mut Attributes, of_columns: usize) {
    let maps = attributes.split_off(of_columns);
    attributes.retain(|(key, _)| !maps.iter().any(|(other, _)| other == key));
    attributes.extend(maps);
}

/// Who emitted the rows, and with which library; rows in a row that say the same share it.
pub(super) struct Emitters {
    service: TextColumn,
    version: TextColumn,
    environment: TextColumn,
    instance: TextColumn,
    resource_schema: TextColumn,
    resource_dropped: UInt32Array,
    attributes: Attached,
    scope_name: TextColumn,
    scope_version: TextColumn,
    scope_schema: TextColumn,
    scope_dropped: UInt32Array,
    scope_attributes: MapColumns,
    last: (Arc<Resource>, Arc<Scope>),
}

impl Emitters {
    pub(super) fn of(rows: &Rows<'_>, promoted: &Promoted) -> Result<Self, ReadError> {
        Ok(Self {
            service: rows.texts("ServiceName")?,
            version: rows.texts("ServiceVersion")?,
            environment: rows.texts("DeploymentEnvironment")?,
            instance: rows.texts("ServiceInstanceId")?,
            resource_schema: rows.texts("ResourceSchemaUrl")?,
            resource_dropped: rows.counts("ResourceDroppedAttributesCount")?,
            attributes: Attached::at_place(rows, Place::Resource, "ResourceAttributes", promoted)?,
            scope_name: rows.texts("ScopeName")?,
            scope_version: rows.texts("ScopeVersion")?,
            scope_schema: rows.texts("ScopeSchemaUrl")?,
            scope_dropped: rows.counts("ScopeDroppedAttributesCount")?,
            scope_attributes: rows.maps("ScopeAttributes")?,
            last: Default::default(),
        })
    }

    pub(super) fn at(&mut self, row: usize) -> Result<(Arc<Resource>, Arc<Scope>), ReadError> {
        let resource = Resource {
            service: self.service.value(row).into(),
            version: self.version.value(row).into(),
            environment: self.environment.value(row).into(),
            instance: self.instance.value(row).into(),
            attributes: self.attributes.at(row)?,
            dropped_attributes: self.resource_dropped.value(row),
            schema_url: self.resource_schema.value(row).into(),
        };
        let scope = Scope {
            name: self.scope_name.value(row).into(),
            version: self.scope_version.value(row).into(),
            schema_url: self.scope_schema.value(row).into(),
            attributes: self.scope_attributes.at(row)?,
            dropped_attributes: self.scope_dropped.value(row),
        };
        if *self.last.0 != resource {
            self.last.0 = Arc::new(resource);
        }
        if *self.last.1 != scope {
            self.last.1 = Arc::new(scope);
        }
        Ok(self.last.clone())
    }
}
