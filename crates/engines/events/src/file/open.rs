//! A file that is open for reading.

use std::{
    collections::BTreeSet,
    io,
    ops::Range,
    sync::{Arc, OnceLock},
};

use bytes::Bytes;
use camino::{Utf8Path, Utf8PathBuf};
use parquet::{
    arrow::arrow_reader::RowSelection,
    errors::ParquetError,
    file::metadata::{PageIndexPolicy, ParquetMetaData, ParquetMetaDataReader},
    file::reader::{ChunkReader, Length},
};
use wal::Disk;

use super::{
    BLOCK_BYTES, FileMeta, Sums, Verified,
    granules::{GranuleIndex, Lookup},
    lost, name, sums_name,
    verified::StretchError,
};

/// Why a file of rows cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenFileError {
    #[error("cannot read `{path}`")]
    Io {
        path: Utf8PathBuf,
        #[source]
        source: std::io::Error,
    },
    /// Nothing proves the file any more.
    #[error("both copies in `{path}` are damaged")]
    Sums { path: Utf8PathBuf },
    #[error("the footer of `{path}` cannot be understood")]
    Footer {
        path: Utf8PathBuf,
        #[source]
        source: ParquetError,
    },
}

/// A file of rows; what was read of its metadata is kept.
#[derive(Debug)]
pub(crate) struct OpenFile {
    meta: FileMeta,
    verified: Arc<Verified>,
    metadata: OnceLock<Arc<ParquetMetaData>>,
    /// `None` when it is damaged.
    index: OnceLock<Option<GranuleIndex>>,
    /// One copy of its sums is damaged.
    pub(crate) sums_hurt: bool,
}

impl OpenFile {
    pub(crate) fn open(
        disk: &dyn Disk,
        dir: &Utf8Path,
        number: u64,
    ) -> Result<Self, OpenFileError> {
        let path = dir.join(sums_name(number));
        let io = |path: &Utf8PathBuf| {
            let path = path.clone();
            move |source| OpenFileError::Io { path, source }
        };
        let bytes = disk.read(&path).map_err(io(&path))?;
        let (sums, sums_hurt) = Sums::decode(&bytes).ok_or(OpenFileError::Sums { path })?;
        let path = dir.join(name(number));
        let file = disk.open(&path).map_err(io(&path))?;
        let meta = sums.meta.clone();
        let verified = Arc::new(Verified::new(path, file, sums));
        Ok(Self { meta, verified, metadata: OnceLock::new(), index: OnceLock::new(), sums_hurt })
    }

    /// As the manifest has it, which may know better than the file.
    pub(crate) fn with_meta(mut self, meta: FileMeta) -> Self {
        self.meta = meta;
        self
    }

    pub(crate) fn meta(&self) -> &FileMeta {
        &self.meta
    }

    pub(crate) fn verified(&self) -> &Arc<Verified> {
        &self.verified
    }

    /// The footer, out of the copy that lies beside the file, and the index of pages, out of the file.
    pub(crate) fn metadata(&self) -> Result<Arc<ParquetMetaData>, OpenFileError> {
        if let Some(metadata) = self.metadata.get() {
            return Ok(Arc::clone(metadata));
        }
        let source = |source| {
            let path = self.verified.path().clone();
            OpenFileError::Footer { path, source }
        };
        let footer =
            ParquetMetaDataReader::decode_metadata(&self.verified.sums().footer).map_err(source)?;
        let mut reader = ParquetMetaDataReader::new_with_metadata(footer.clone())
            .with_page_index_policy(PageIndexPolicy::Optional);
        // Without an index of pages every page is read, that is all.
        let metadata = match reader.read_page_indexes(&Chunks(Arc::clone(&self.verified))) {
            Ok(()) => reader.finish().map_err(source)?,
            Err(_) => footer,
        };
        Ok(Arc::clone(self.metadata.get_or_init(|| Arc::new(metadata))))
    }

    /// For each row group the rows that no damage which was met so far costs.
    pub(crate) fn readable(&self) -> Result<Vec<Option<RowSelection>>, OpenFileError> {
        Ok(lost::readable(self.metadata()?.as_ref(), &self.verified.damaged()))
    }

    /// The granules that may have all of these; `None` when nothing is known.
    pub(crate) fn granules(&self, hashes: &[u64]) -> Option<BTreeSet<u16>> {
        let index = self.index.get_or_init(|| self.read_index().ok().flatten()).as_ref()?;
        let mut found: Option<BTreeSet<u16>> = None;
        for hash in hashes {
            let Lookup::Read { offset, len } = index.lookup(*hash) else { continue };
            // A damaged stretch denies nothing.
            let Ok(group) = self.in_index(offset..offset + len as u64) else { continue };
            let Some(granules) = index.granules_in(*hash, &group) else { continue };
            found = Some(match found {
                None => granules,
                Some(before) => before.intersection(&granules).copied().collect(),
            });
        }
        found
    }

    fn read_index(&self) -> Result<Option<GranuleIndex>, StretchError> {
        let (_, len) = self.meta().index;
        let header = GranuleIndex::HEADER_BYTES as u64;
        if len < header {
            return Ok(None);
        }
        let Ok(head) = GranuleIndex::head_bytes(&self.in_index(0..header)?) else {
            return Ok(None);
        };
        Ok(GranuleIndex::read(&self.in_index(0..head as u64)?).ok())
    }

    fn in_index(&self, range: Range<u64>) -> Result<Bytes, StretchError> {
        let (start, len) = self.meta().index;
        if range.end > len {
            let path = self.verified.path().clone();
            return Err(StretchError::Outside { path, start: range.start, end: range.end });
        }
        self.verified.stretch(start + range.start..start + range.end)
    }

    /// The file for Parquet's own readers.
    pub(crate) fn chunks(&self) -> Chunks {
        Chunks(Arc::clone(&self.verified))
    }
}

/// A verified file as Parquet's synchronous readers want it.
#[derive(Clone, Debug)]
pub(crate) struct Chunks(Arc<Verified>);

impl Length for Chunks {
    fn len(&self) -> u64 {
        self.0.sums().meta.bytes
    }
}

impl ChunkReader for Chunks {
    type T = Sequential;

    fn get_read(&self, start: u64) -> Result<Self::T, ParquetError> {
        Ok(Sequential { file: Arc::clone(&self.0), at: start, ahead: Bytes::new() })
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes, ParquetError> {
        self.0.stretch(start..start + length as u64).map_err(external)
    }
}

/// Reads on from a place, a block or so at a time.
#[derive(Debug)]
pub(crate) struct Sequential {
    file: Arc<Verified>,
    at: u64,
    ahead: Bytes,
}

impl io::Read for Sequential {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.ahead.is_empty() {
            let end = (self.at + BLOCK_BYTES).min(self.file.sums().meta.bytes);
            let ahead = self.file.stretch(self.at.min(end)..end);
            self.ahead = ahead.map_err(io::Error::other)?;
            self.at = end;
        }
        let len = out.len().min(self.ahead.len());
        out[..len].copy_from_slice(&self.ahead.split_to(len));
        Ok(len)
    }
}

pub(crate) fn external(error: StretchError) -> ParquetError {
    ParquetError::External(Box::new(error))
}
