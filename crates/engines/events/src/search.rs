//! The rows with the highest ranks that a filter wants.
//!
//! Two passes: the first reads only the columns that the filter and the rank need and remembers where the best rows are; the
//! second reads those rows whole. Files whose best possible rank cannot enter any more are not read at all, and of the others
//! only the granules that the index of tokens does not rule out.

mod selection;

use std::{cmp::Reverse, collections::BinaryHeap, sync::Arc};

use datafusion::arrow::{
    array::{BooleanArray, RecordBatch},
    compute::{concat_batches, take_record_batch},
    error::ArrowError,
};
use parquet::{
    arrow::{
        ProjectionMask,
        arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder},
    },
    errors::ParquetError,
};

use self::selection::Selected;
use crate::{
    Found,
    file::{OpenFile, OpenFileError},
    head::Stretch,
    state::View,
    table::{ReadError, conform},
};

/// Why a search has no answer.
#[derive(Debug, thiserror::Error)]
pub enum SearchError {
    #[error("cannot open a file of rows")]
    Open(#[source] OpenFileError),
    #[error("cannot read the rows of `{path}`")]
    Rows {
        path: camino::Utf8PathBuf,
        #[source]
        source: ParquetError,
    },
    #[error("cannot put the rows together")]
    Arrow(#[source] ArrowError),
    #[error("cannot understand the rows")]
    Read(#[source] ReadError),
}

/// What is searched for.
pub(crate) struct Search<'a> {
    /// The columns that `filter` and `rank` read; a batch has them by name.
    pub(crate) columns: &'a [&'a str],
    pub(crate) filter: &'a (dyn Fn(&RecordBatch) -> BooleanArray + Sync),
    /// What comes first has the higher rank.
    pub(crate) rank: &'a (dyn Fn(&RecordBatch) -> Vec<i64> + Sync),
    /// The highest rank that rows of this time can have; `None` when none of them is wanted.
    pub(crate) best: &'a (dyn Fn(Stretch) -> Option<i64> + Sync),
    /// All rows are of this service.
    pub(crate) service: Option<&'a str>,
    /// All of these are in a row that is wanted.
    pub(crate) hashes: &'a [u64],
    pub(crate) limit: usize,
    pub(crate) scan_bytes_max: u64,
}

/// Where a row is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    source: usize,
    row: usize,
}

/// What can be read: rows in memory, or a file.
enum Source {
    Memory(RecordBatch),
    File(Arc<OpenFile>),
}

impl Source {
    fn damaged(&self) -> usize {
        match self {
            Self::Memory(_) => 0,
            Self::File(file) => file.verified().damaged().len(),
        }
    }

    /// What damage keeps from being seen.
    fn told(&self) -> Option<String> {
        match self {
            Self::Memory(_) => None,
            Self::File(file) => told(file),
        }
    }
}

/// The places with the highest ranks; of equals, the first ones.
struct Top {
    limit: usize,
    /// The worst of them on top.
    heap: BinaryHeap<Reverse<(i64, Reverse<Place>)>>,
}

impl Top {
    fn new(limit: usize) -> Self {
        Self { limit, heap: BinaryHeap::new() }
    }

    /// Whether nothing of this rank or a lower one can enter.
    fn is_closed_to(&self, best: i64) -> bool {
        let worst = self.heap.peek().map(|Reverse((worst, _))| *worst);
        self.limit == 0
            || (self.heap.len() == self.limit && worst.is_some_and(|worst| worst >= best))
    }

    fn offer(&mut self, rank: i64, place: Place) {
        let entry = Reverse((rank, Reverse(place)));
        if self.heap.len() < self.limit {
            self.heap.push(entry);
        } else if self.heap.peek().is_some_and(|worst| entry < *worst) {
            self.heap.pop();
            self.heap.push(entry);
        }
    }

    /// Best first.
    fn finish(self) -> Vec<Place> {
        let mut entries: Vec<_> = self.heap.into_iter().map(|Reverse(entry)| entry).collect();
        entries.sort_unstable_by(|one, other| other.cmp(one));
        entries.into_iter().map(|(_, Reverse(place))| place).collect()
    }
}

/// The rows that were found, best first.
pub(crate) struct Rows {
    /// All with one schema.
    batches: Vec<RecordBatch>,
    cut_short: bool,
    damaged: Vec<String>,
}

impl Rows {
    pub(crate) fn read<T>(
        self,
        read: impl Fn(&RecordBatch) -> Result<Vec<T>, ReadError>,
    ) -> Result<Found<T>, SearchError> {
        let mut items = Vec::new();
        for batch in &self.batches {
            items.extend(read(batch).map_err(SearchError::Read)?);
        }
        Ok(Found { items, cut_short: self.cut_short, damaged: self.damaged })
    }
}

impl Search<'_> {
    pub(crate) fn run(&self, view: &View) -> Result<Rows, SearchError> {
        let (sources, mut order) = self.sources(view);
        order.sort_by_key(|(best, source)| (Reverse(*best), *source));
        let damage = || sources.iter().map(Source::damaged).sum::<usize>();
        loop {
            let (places, read, cut_short) = self.places(&sources, &order)?;
            let before = damage();
            let batches = fetch(view, &sources, &places)?;
            // Damage in a column that only the second pass reads: other rows take the places of the lost ones.
            if damage() == before {
                let damaged = read.into_iter().filter_map(|source| sources[source].told());
                return Ok(Rows { batches, cut_short, damaged: damaged.collect() });
            }
        }
    }

    /// Where the best rows are, best first; which sources were read; and whether that was too much.
    fn places(
        &self,
        sources: &[Source],
        order: &[(i64, usize)],
    ) -> Result<(Vec<Place>, Vec<usize>, bool), SearchError> {
        let mut top = Top::new(self.limit);
        let (mut read, mut scanned) = (Vec::new(), 0);
        let mut cut_short = false;
        for (best, source) in order.iter().copied() {
            if top.is_closed_to(best) {
                break;
            }
            match &sources[source] {
                Source::Memory(batch) => {
                    self.pick(batch, |rank, row| top.offer(rank, Place { source, row }));
                }
                Source::File(_) if scanned > self.scan_bytes_max => {
                    cut_short = true;
                    break;
                }
                Source::File(file) => {
                    let before = file.verified().bytes_read();
                    let picked = retried(file, || self.pick_from(file))?;
                    let offer = |(rank, row)| top.offer(rank, Place { source, row });
                    picked.into_iter().for_each(offer);
                    scanned += file.verified().bytes_read() - before;
                    read.push(source);
                }
            }
        }
        Ok((top.finish(), read, cut_short))
    }

    /// What may have wanted rows, and the best rank of each.
    fn sources(&self, view: &View) -> (Vec<Source>, Vec<(i64, usize)>) {
        let (mut sources, mut order) = (Vec::new(), Vec::new());
        let mut add = |stretch: Stretch, source: &dyn Fn() -> Source| {
            if let Some(best) = (self.best)(stretch) {
                order.push((best, sources.len()));
                sources.push(source());
            }
        };
        for sealed in &view.sealed {
            add(sealed.stretch, &|| Source::Memory(sealed.rows.clone()));
        }
        if let Some(stretch) = view.chunks.iter().map(|chunk| chunk.stretch).reduce(Stretch::and) {
            let rows = || crate::head::rows(view.signal, &view.chunks, &view.promoted);
            add(stretch, &|| Source::Memory(rows()));
        }
        for file in &view.files {
            let meta = file.meta();
            let named = self.service.is_none_or(|service| {
                meta.services.is_empty() || meta.services.iter().any(|one| **one == *service)
            });
            if named {
                let (first, last, ends) = (meta.first, meta.last, meta.ends);
                add(Stretch { first, last, ends }, &|| Source::File(Arc::clone(file)));
            }
        }
        (sources, order)
    }

    /// The wanted rows of a batch.
    fn pick(&self, batch: &RecordBatch, mut offer: impl FnMut(i64, usize)) {
        let wanted = (self.filter)(batch);
        if wanted.true_count() == 0 {
            return;
        }
        let ranks = (self.rank)(batch);
        let rows = wanted.values().set_indices();
        rows.for_each(|row| offer(ranks[row], row));
    }

    /// The wanted rows of a file, at most as many as are asked for.
    fn pick_from(&self, file: &OpenFile) -> Result<Vec<(i64, usize)>, SearchError> {
        let granules = if self.hashes.is_empty() { None } else { file.granules(self.hashes) };
        let selected = Selected::of(file, granules.as_ref()).map_err(SearchError::Open)?;
        if selected.is_empty() {
            return Ok(Vec::new());
        }
        let mut picked: Vec<(i64, usize)> = Vec::new();
        let mut rows = selected.rows();
        for batch in batches(file, &selected, Some(self.columns))? {
            let batch = batch?;
            let numbers: Vec<usize> = rows.by_ref().take(batch.num_rows()).collect();
            self.pick(&batch, |rank, row| picked.push((rank, numbers[row])));
            if picked.len() > 4 * self.limit.max(1024) {
                picked.sort_unstable_by_key(|(rank, row)| (Reverse(*rank), *row));
                picked.truncate(self.limit);
            }
        }
        Ok(picked)
    }
}

/// The rows at these places, in this order, with one schema.
fn fetch(
    view: &View,
    sources: &[Source],
    places: &[Place],
) -> Result<Vec<RecordBatch>, SearchError> {
    if places.is_empty() {
        return Ok(Vec::new());
    }
    let mut sorted: Vec<Place> = places.to_vec();
    sorted.sort_unstable();
    let mut batches = Vec::new();
    for run in sorted.chunk_by(|one, other| one.source == other.source) {
        let rows: Vec<usize> = run.iter().map(|place| place.row).collect();
        match &sources[run[0].source] {
            Source::Memory(batch) => {
                batches.push(take(batch, &rows)?);
            }
            Source::File(file) => {
                // What the first pass has read is whole; other columns may not be.
                let found = retried(file, || {
                    let selected = Selected::rows_of(file, &rows).map_err(SearchError::Open)?;
                    let batches = self::batches(file, &selected, None)?;
                    let batches: Vec<RecordBatch> = batches.collect::<Result<_, _>>()?;
                    Ok(batches)
                })?;
                let known = usize::try_from(file.meta().known).unwrap_or_default();
                batches.extend(found.into_iter().map(|batch| crate::table::told(batch, known)));
            }
        }
    }
    if batches.is_empty() {
        return Ok(batches);
    }
    let batches = conform(batches, view.signal, &view.promoted).map_err(SearchError::Read)?;
    let whole = concat_batches(batches[0].schema_ref(), &batches).map_err(SearchError::Arrow)?;
    if whole.num_rows() != sorted.len() {
        // Some rows were lost between the passes: those that are left come in the order of their places.
        return Ok(vec![whole]);
    }
    let order: Vec<usize> = places
        .iter()
        .map(|place| sorted.binary_search(place).expect("the same places, sorted"))
        .collect();
    Ok(vec![take(&whole, &order)?])
}

fn take(batch: &RecordBatch, rows: &[usize]) -> Result<RecordBatch, SearchError> {
    let rows: Vec<u64> = rows.iter().map(|row| *row as u64).collect();
    take_record_batch(batch, &datafusion::arrow::array::UInt64Array::from(rows))
        .map_err(SearchError::Arrow)
}

/// Batches of a file's selected rows; of all columns, or of these.
fn batches<'a>(
    file: &'a OpenFile,
    selected: &Selected,
    columns: Option<&[&str]>,
) -> Result<impl Iterator<Item = Result<RecordBatch, SearchError>> + 'a, SearchError> {
    let failed = |source| SearchError::Rows { path: file.verified().path().clone(), source };
    let metadata = file.metadata().map_err(SearchError::Open)?;
    let metadata = ArrowReaderMetadata::try_new(metadata, ArrowReaderOptions::new());
    let mut builder = ParquetRecordBatchReaderBuilder::new_with_metadata(
        file.chunks(),
        metadata.map_err(failed)?,
    );
    if let Some(columns) = columns {
        let mask = ProjectionMask::columns(builder.parquet_schema(), columns.iter().copied());
        builder = builder.with_projection(mask);
    }
    let reader = builder
        .with_row_groups(selected.groups().to_vec())
        .with_row_selection(selected.selection())
        .with_batch_size(8192)
        .build()
        .map_err(failed)?;
    Ok(reader.map(move |batch| {
        batch.map_err(|error| SearchError::Rows {
            path: file.verified().path().clone(),
            source: error.into(),
        })
    }))
}

/// Tries again as long as new damage is met, each time without what is damaged.
fn retried<T>(
    file: &OpenFile,
    mut attempt: impl FnMut() -> Result<T, SearchError>,
) -> Result<T, SearchError> {
    loop {
        let before = file.verified().damaged().len();
        match attempt() {
            Err(SearchError::Rows { .. }) if file.verified().damaged().len() > before => {}
            done => return done,
        }
    }
}

/// What damage keeps from being seen.
pub(crate) fn told(file: &OpenFile) -> Option<String> {
    let damaged = file.verified().damaged();
    if damaged.is_empty() {
        return None;
    }
    let readable = file.readable().ok()?;
    let kept: u64 = file
        .metadata()
        .ok()?
        .row_groups()
        .iter()
        .zip(&readable)
        .map(|(group, readable)| match readable {
            Some(selection) => selection.row_count() as u64,
            None => u64::try_from(group.num_rows()).unwrap_or_default(),
        })
        .sum();
    let lost = file.meta().rows.saturating_sub(kept);
    (lost > 0).then(|| {
        let (first, last) = (file.meta().first, file.meta().last);
        format!("{lost} rows between {first} and {last} cannot be read: {}", blocks(file))
    })
}

/// Which blocks of a file are damaged, in words.
pub(crate) fn blocks(file: &OpenFile) -> String {
    let blocks: Vec<String> = file.verified().damaged().iter().map(ToString::to_string).collect();
    format!("blocks {} of `{}` are damaged", blocks.join(", "), file.verified().path())
}
