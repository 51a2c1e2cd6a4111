//! A table for DataFusion: rows in memory, and files.

use std::{collections::BTreeSet, sync::Arc};

use datafusion::{
    arrow::{
        array::{ArrayRef, RecordBatch},
        compute::cast,
        datatypes::{DataType, Field, Schema, SchemaRef},
    },
    catalog::{Session, TableProvider},
    common::ScalarValue,
    datasource::{
        listing::PartitionedFile,
        memory::MemorySourceConfig,
        object_store::ObjectStoreUrl,
        physical_plan::{
            FileGroup, FileScanConfigBuilder, ParquetSource,
            parquet::{ParquetAccessPlan, RowGroupAccess},
        },
        source::DataSourceExec,
    },
    error::{DataFusionError, Result},
    logical_expr::{
        BinaryExpr, Expr, Operator, TableProviderFilterPushDown, TableType,
        utils::split_conjunction,
    },
    physical_plan::{ExecutionPlan, union::UnionExec},
};

use super::{
    adapter::Adapters,
    reader::{Readers, Reading},
    session::SCHEME,
};
use crate::{
    file::{GRANULE_ROWS, OpenFile, attribute_hash, trace_hash},
    schema::{self, Kind},
    state::View,
    table::conform,
};

/// One of the two tables, as it stood at one moment.
#[derive(Debug)]
pub(super) struct EventsTable {
    view: View,
    reading: Arc<Reading>,
    schema: SchemaRef,
}

/// Texts as DataFusion computes with them fastest.
fn logical(field: &Field) -> Field {
    match field.data_type() {
        DataType::Utf8 => field.clone().with_data_type(DataType::Utf8View),
        _ => field.clone(),
    }
}

impl EventsTable {
    pub(super) fn new(view: View, reading: Arc<Reading>) -> Result<Self> {
        let stored = schema::schema(view.signal, &view.promoted);
        let fields: Vec<Field> = stored.fields().iter().map(|field| logical(field)).collect();
        Ok(Self { view, reading, schema: Arc::new(Schema::new(fields)) })
    }

    /// The rows that are in no file, with the table's columns.
    fn memory(&self, projection: Option<&Vec<usize>>) -> Result<Option<Arc<dyn ExecutionPlan>>> {
        let batches = self.view.memory();
        if batches.is_empty() {
            return Ok(None);
        }
        let batches = conform(batches, self.view.signal, &self.view.promoted)
            .map_err(|error| DataFusionError::External(Box::new(error)))?;
        let rows = batches.iter().map(|batch| self.whole(batch)).collect::<Result<Vec<_>>>()?;
        let source =
            MemorySourceConfig::try_new(&[rows], Arc::clone(&self.schema), projection.cloned())?;
        Ok(Some(DataSourceExec::from_data_source(source)))
    }

    fn whole(&self, batch: &RecordBatch) -> Result<RecordBatch> {
        let column = |field: &Arc<Field>| -> Result<ArrayRef> {
            match batch.column_by_name(field.name()) {
                Some(column) => Ok(cast(column, field.data_type())?),
                None => Ok(datafusion::arrow::array::new_null_array(
                    field.data_type(),
                    batch.num_rows(),
                )),
            }
        };
        let columns = self.schema.fields().iter().map(column).collect::<Result<_>>()?;
        Ok(RecordBatch::try_new(Arc::clone(&self.schema), columns)?)
    }

    fn files(
        &self,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        parallel: usize,
    ) -> Result<Option<Arc<dyn ExecutionPlan>>> {
        let wanted = Wanted::of(filters, &self.view);
        let mut files = Vec::new();
        for file in &self.view.files {
            if !wanted.may_be_in(file) {
                continue;
            }
            self.reading.note(file);
            let Some(access) = wanted.access(file)? else { continue };
            let meta = file.meta();
            let name = format!("{}/{}", self.view.signal.as_str(), meta.number);
            let one = PartitionedFile::new(name, meta.bytes)
                .with_extension(Arc::clone(file))
                .with_extension(access);
            files.push((meta.rows, one));
        }
        if files.is_empty() {
            return Ok(None);
        }
        // The largest first, each to whoever has the least.
        files.sort_by_key(|(rows, _)| std::cmp::Reverse(*rows));
        let mut groups: Vec<(u64, Vec<PartitionedFile>)> =
            vec![(0, Vec::new()); parallel.clamp(1, files.len())];
        for (rows, file) in files {
            let least = groups.iter_mut().min_by_key(|(rows, _)| *rows);
            let least = least.expect("there is a group at least");
            least.0 += rows;
            least.1.push(file);
        }
        let source = ParquetSource::new(Arc::clone(&self.schema))
            .with_parquet_file_reader_factory(Arc::new(Readers(Arc::clone(&self.reading))));
        let adapters =
            Adapters { signal: self.view.signal, promoted: Arc::clone(&self.view.promoted) };
        let config = FileScanConfigBuilder::new(ObjectStoreUrl::parse(SCHEME)?, Arc::new(source))
            .with_file_groups(groups.into_iter().map(|(_, files)| FileGroup::new(files)).collect())
            .with_projection_indices(projection.cloned())?
            .with_expr_adapter(Some(Arc::new(adapters)))
            .build();
        Ok(Some(DataSourceExec::from_data_source(config)))
    }
}

#[async_trait::async_trait]
impl TableProvider for EventsTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn supports_filters_pushdown(
        &self,
        filters: &[&Expr],
    ) -> Result<Vec<TableProviderFilterPushDown>> {
        // They only say which files and granules need not be read.
        Ok(vec![TableProviderFilterPushDown::Inexact; filters.len()])
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        _limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let parallel = state.config().target_partitions();
        let memory = self.memory(projection)?;
        let files = self.files(projection, filters, parallel)?;
        match (memory, files) {
            (Some(memory), Some(files)) => UnionExec::try_new(vec![files, memory]),
            (Some(one), None) | (None, Some(one)) => Ok(one),
            (None, None) => {
                let none = MemorySourceConfig::try_new(
                    &[Vec::new()],
                    Arc::clone(&self.schema),
                    projection.cloned(),
                )?;
                Ok(DataSourceExec::from_data_source(none))
            }
        }
    }
}

/// What a query's conditions say about where its rows can be.
#[derive(Debug, Default)]
struct Wanted {
    /// Nanoseconds, both included.
    first: Option<i64>,
    last: Option<i64>,
    service: Option<String>,
    /// All of these are in each row.
    hashes: Vec<u64>,
}

impl Wanted {
    fn of(filters: &[Expr], view: &View) -> Self {
        let mut wanted = Self::default();
        for one in filters.iter().flat_map(split_conjunction) {
            let Expr::BinaryExpr(BinaryExpr { left, op, right }) = one else { continue };
            let (column, value, op) = match (&**left, &**right) {
                (Expr::Column(column), Expr::Literal(value, _)) => (column, value, *op),
                (Expr::Literal(value, _), Expr::Column(column)) => {
                    let Some(op) = op.swap() else { continue };
                    (column, value, op)
                }
                _ => continue,
            };
            wanted.note(column.name(), op, value, view);
        }
        wanted
    }

    fn note(&mut self, column: &str, op: Operator, value: &ScalarValue, view: &View) {
        if let (ScalarValue::TimestampNanosecond(Some(at), _), "Timestamp") = (value, column) {
            if matches!(op, Operator::Gt | Operator::GtEq | Operator::Eq) {
                self.first = self.first.max(Some(*at));
            }
            if matches!(op, Operator::Lt | Operator::LtEq | Operator::Eq) {
                self.last = Some(self.last.map_or(*at, |last| last.min(*at)));
            }
        }
        let (Operator::Eq, Some(Some(text))) = (op, value.try_as_str()) else { return };
        match column {
            "ServiceName" => self.service = Some(text.to_owned()),
            "TraceId" => self.hashes.push(trace_hash(text)),
            _ => {
                let promoted = view.promoted.of_column(column);
                if promoted.is_some_and(|(_, one)| one.kind == Kind::Text) {
                    self.hashes.push(attribute_hash(column, text));
                }
            }
        }
    }

    fn may_be_in(&self, file: &OpenFile) -> bool {
        let meta = file.meta();
        self.first.is_none_or(|first| meta.last.as_nanos() >= first)
            && self.last.is_none_or(|last| meta.first.as_nanos() <= last)
            && self.service.as_ref().is_none_or(|service| {
                meta.services.is_empty() || meta.services.iter().any(|one| **one == **service)
            })
    }

    /// Which rows are read: those of granules that may have all hashes, and that no damage costs. `None` for none.
    fn access(&self, file: &OpenFile) -> Result<Option<ParquetAccessPlan>> {
        let told = |error| DataFusionError::External(Box::new(error));
        let granules: Option<BTreeSet<u16>> =
            if self.hashes.is_empty() { None } else { file.granules(&self.hashes) };
        let metadata = file.metadata().map_err(told)?;
        let readable = file.readable().map_err(told)?;
        let mut start = 0;
        let mut plan = Vec::new();
        for (group, readable) in metadata.row_groups().iter().zip(readable) {
            let rows = usize::try_from(group.num_rows()).unwrap_or_default();
            let own = granules.as_ref().map(|granules| ranges(granules, start, rows));
            plan.push(match (own, readable) {
                (None, None) => RowGroupAccess::Scan,
                (Some(own), None) => access(own),
                (None, Some(readable)) => access(readable),
                (Some(own), Some(readable)) => access(own.intersection(&readable)),
            });
            start += rows;
        }
        let plan = ParquetAccessPlan::new(plan);
        Ok((!plan.row_group_indexes().is_empty()).then_some(plan))
    }
}

use parquet::arrow::arrow_reader::RowSelection;

fn access(selection: RowSelection) -> RowGroupAccess {
    if selection.selects_any() {
        RowGroupAccess::Selection(selection)
    } else {
        RowGroupAccess::Skip
    }
}

fn ranges(granules: &BTreeSet<u16>, start: usize, rows: usize) -> RowSelection {
    let end = start + rows;
    let own = granules.iter().filter_map(|granule| {
        let from = (usize::from(*granule) * GRANULE_ROWS).max(start);
        let upto = ((usize::from(*granule) + 1) * GRANULE_ROWS).min(end);
        (from < upto).then(|| from - start..upto - start)
    });
    RowSelection::from_consecutive_ranges(own, rows)
}
