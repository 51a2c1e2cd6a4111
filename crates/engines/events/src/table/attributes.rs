//! Attributes: promoted ones into their columns, the rest into the maps.

use std::sync::Arc;

use datafusion::arrow::{array::ArrayRef, datatypes::Field};
use model::{Attributes, LogRecord, Resource, Scope, Span, Value};

use super::write::{Column, Counts, Maps, Texts};
use crate::schema::{self, MIXED, Place, Promoted};

/// All promoted columns of one table.
pub(super) struct PromotedColumns<'a> {
    promoted: &'a Promoted,
    columns: Vec<Option<Column>>,
    mixed: Vec<bool>,
    rows: usize,
}

impl<'a> PromotedColumns<'a> {
    pub(super) fn new(promoted: &'a Promoted) -> Self {
        let count = promoted.list().len();
        let columns = std::iter::repeat_with(|| None).take(count).collect();
        Self { promoted, columns, mixed: vec![false; count], rows: 0 }
    }

    /// Puts each attribute into its column, or into the maps.
    pub(super) fn push(&mut self, place: Place, attributes: &Attributes, maps: &mut Maps) {
        for (key, value) in attributes {
            if !self.set(place, key, value) {
                maps.push(key, value);
            }
        }
        maps.close_row();
    }

    fn set(&mut self, place: Place, key: &str, value: &Value) -> bool {
        let Some(number) = self.promoted.number(place, key) else {
            return false;
        };
        let kind = self.promoted.list()[number].kind;
        let column = self.columns[number].get_or_insert_with(|| Column::new(kind));
        let taken = column.set(self.rows, value);
        self.mixed[number] |= !taken;
        taken
    }

    pub(super) fn close_row(&mut self) {
        self.rows += 1;
    }

    /// The columns that some row has a value in.
    pub(super) fn finish(self) -> impl Iterator<Item = (Field, ArrayRef)> {
        let Self { promoted, columns, mixed, rows } = self;
        let named = promoted.list().iter().zip(columns).zip(mixed);
        named.filter_map(move |((one, column), mixed)| {
            let column = column?.finish(rows);
            let mut field = one.field();
            if mixed {
                field.set_metadata([(MIXED.to_owned(), "1".to_owned())].into());
            }
            Some((field, column))
        })
    }
}

/// What both kinds of record have: who emitted it, with which library, and all attributes.
pub(super) struct Common<'a> {
    service: Texts,
    version: Texts,
    environment: Texts,
    instance: Texts,
    resource_schema: Texts,
    scope_name: Texts,
    scope_version: Texts,
    scope_schema: Texts,
    dropped: Counts,
    resource_dropped: Counts,
    scope_dropped: Counts,
    own: Maps,
    resource: Maps,
    scope: Maps,
    promoted: PromotedColumns<'a>,
    rows: usize,
}

/// What [`Common`] needs of a record.
pub(super) struct Told<'r> {
    pub(super) resource: &'r Resource,
    pub(super) scope: &'r Scope,
    pub(super) attributes: &'r Attributes,
    pub(super) dropped_attributes: u32,
}

impl<'r> From<&'r Span> for Told<'r> {
    fn from(span: &'r Span) -> Self {
        Self {
            resource: &span.resource,
            scope: &span.scope,
            attributes: &span.attributes,
            dropped_attributes: span.dropped.attributes,
        }
    }
}

impl<'r> From<&'r LogRecord> for Told<'r> {
    fn from(log: &'r LogRecord) -> Self {
        Self {
            resource: &log.resource,
            scope: &log.scope,
            attributes: &log.attributes,
            dropped_attributes: log.dropped_attributes,
        }
    }
}

impl<'a> Common<'a> {
    pub(super) fn new(promoted: &'a Promoted) -> Self {
        Self {
            service: Texts::default(),
            version: Texts::default(),
            environment: Texts::default(),
            instance: Texts::default(),
            resource_schema: Texts::default(),
            scope_name: Texts::default(),
            scope_version: Texts::default(),
            scope_schema: Texts::default(),
            dropped: Counts::default(),
            resource_dropped: Counts::default(),
            scope_dropped: Counts::default(),
            own: Maps::default(),
            resource: Maps::default(),
            scope: Maps::default(),
            promoted: PromotedColumns::new(promoted),
            rows: 0,
        }
    }

    pub(super) fn push(&mut self, told: &Told<'_>) {
        let Told { resource, scope, attributes, dropped_attributes } = told;
        self.service.push(&resource.service);
        self.version.push_some(&resource.version);
        self.environment.push_some(&resource.environment);
        self.instance.push_some(&resource.instance);
        self.resource_schema.push_some(&resource.schema_url);
        self.scope_name.push_some(&scope.name);
        self.scope_version.push_some(&scope.version);
        self.scope_schema.push_some(&scope.schema_url);
        self.dropped.push(*dropped_attributes);
        self.resource_dropped.push(resource.dropped_attributes);
        self.scope_dropped.push(scope.dropped_attributes);
        self.promoted.push(Place::Record, attributes, &mut self.own);
        self.promoted.push(Place::Resource, &resource.attributes, &mut self.resource);
        for (key, value) in &scope.attributes {
            self.scope.push(key, value);
        }
        self.scope.close_row();
        self.promoted.close_row();
        self.rows += 1;
    }

    /// The fixed columns in the schema's order, then the promoted ones with their fields. Between the two come `last`, the
    /// columns that only spans have.
    pub(super) fn finish(
        self,
        first: Vec<ArrayRef>,
        last: Vec<ArrayRef>,
        signal: schema::Signal,
    ) -> datafusion::arrow::array::RecordBatch {
        use datafusion::arrow::{array::Float64Array, record_batch::RecordBatch};
        let adjusted: ArrayRef = Arc::new(Float64Array::new_null(self.rows));
        let mut columns = first;
        columns.extend(
            [
                self.service,
                self.version,
                self.environment,
                self.instance,
                self.resource_schema,
                self.scope_name,
                self.scope_version,
                self.scope_schema,
            ]
            .map(Texts::finish),
        );
        columns
            .extend([self.dropped, self.resource_dropped, self.scope_dropped].map(Counts::finish));
        columns.push(adjusted);
        columns
            .extend([self.own, self.resource, self.scope].map(Maps::finish).into_iter().flatten());
        columns.extend(last);
        let known = self.promoted.promoted.list().len();
        let mut fields = schema::fixed(signal);
        for (field, column) in self.promoted.finish() {
            fields.push(field);
            columns.push(column);
        }
        RecordBatch::try_new(Arc::new(schema::with_known(fields, known)), columns)
            .expect("the builders make what the schema says")
    }
}
