//! Our files for DataFusion: every block proved, every byte counted.

use std::{
    collections::BTreeSet,
    ops::Range,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use bytes::Bytes;
use datafusion::{
    datasource::{listing::PartitionedFile, physical_plan::parquet::ParquetFileReaderFactory},
    error::{DataFusionError, Result},
    physical_plan::metrics::ExecutionPlanMetricsSet,
};
use futures_util::{FutureExt as _, future::BoxFuture};
use parking_lot::Mutex;
use parquet::{
    arrow::{arrow_reader::ArrowReaderOptions, async_reader::AsyncFileReader},
    errors::ParquetError,
    file::metadata::ParquetMetaData,
};

use crate::file::{OpenFile, external};

/// What one query may read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Budget {
    pub(super) scan_bytes: u64,
}

/// What one query has read.
#[derive(Debug)]
pub(super) struct Reading {
    budget: Budget,
    scanned: AtomicU64,
    over: AtomicBool,
    files: Mutex<BTreeSet<u64>>,
}

impl Reading {
    pub(super) fn new(budget: Budget) -> Self {
        let scanned = AtomicU64::new(0);
        Self { budget, scanned, over: AtomicBool::new(false), files: Mutex::default() }
    }

    pub(super) fn scanned(&self) -> u64 {
        self.scanned.load(Ordering::Relaxed)
    }

    /// Whether it was stopped for reading too much.
    pub(super) fn is_over(&self) -> bool {
        self.over.load(Ordering::Relaxed)
    }

    pub(super) fn has_read(&self, file: &OpenFile) -> bool {
        self.files.lock().contains(&file.meta().number)
    }

    /// Notes that a file is part of what is asked about.
    pub(super) fn note(&self, file: &OpenFile) {
        self.files.lock().insert(file.meta().number);
    }

    fn spend(&self, bytes: u64) -> Result<(), ParquetError> {
        if self.scanned.fetch_add(bytes, Ordering::Relaxed) + bytes > self.budget.scan_bytes {
            self.over.store(true, Ordering::Relaxed);
            return Err(ParquetError::General("the query reads too much".to_owned()));
        }
        Ok(())
    }
}

/// Gives out readers of the files that a scan was given.
#[derive(Debug)]
pub(super) struct Readers(pub(super) Arc<Reading>);

impl ParquetFileReaderFactory for Readers {
    fn create_reader(
        &self,
        _partition: usize,
        file: PartitionedFile,
        _hint: Option<usize>,
        _metrics: &ExecutionPlanMetricsSet,
    ) -> Result<Box<dyn AsyncFileReader + Send>> {
        let file = file.extension::<Arc<OpenFile>>().cloned();
        let file =
            file.ok_or_else(|| DataFusionError::Internal("a file of nobody's".to_owned()))?;
        Ok(Box::new(FileReader { file, reading: Arc::clone(&self.0) }))
    }
}

struct FileReader {
    file: Arc<OpenFile>,
    reading: Arc<Reading>,
}

impl FileReader {
    fn read(&self, ranges: &[Range<u64>]) -> Result<Vec<Bytes>, ParquetError> {
        self.reading.spend(ranges.iter().map(|range| range.end - range.start).sum())?;
        self.file.verified().stretches(ranges).map_err(external)
    }
}

impl AsyncFileReader for FileReader {
    fn get_bytes(&mut self, range: Range<u64>) -> BoxFuture<'_, Result<Bytes, ParquetError>> {
        async move { Ok(self.read(&[range])?.remove(0)) }.boxed()
    }

    fn get_byte_ranges(
        &mut self,
        ranges: Vec<Range<u64>>,
    ) -> BoxFuture<'_, Result<Vec<Bytes>, ParquetError>> {
        async move { self.read(&ranges) }.boxed()
    }

    fn get_metadata<'a>(
        &'a mut self,
        _options: Option<&'a ArrowReaderOptions>,
    ) -> BoxFuture<'a, Result<Arc<ParquetMetaData>, ParquetError>> {
        let metadata = self.file.metadata();
        async move { metadata.map_err(|error| ParquetError::External(Box::new(error))) }.boxed()
    }
}
