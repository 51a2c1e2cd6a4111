//! The file beside a file of rows: what it is, its footer once more, and a checksum of every block.

use crc32c::crc32c;
use model::Timestamp;
use wal::Position;
use wal::codec::{DecodeError, Reader, put_bytes, put_int, put_len, put_uint};

use super::BLOCK_BYTES;
use crate::{
    schema::Signal,
    twice::{self, Found},
};

const MAGIC: &[u8; 4] = b"EKSU";
const VERSION: u8 = 1;

/// What the manifest says of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FileMeta {
    pub(crate) number: u64,
    pub(crate) signal: Signal,
    pub(crate) rows: u64,
    /// Of the Parquet file.
    pub(crate) bytes: u64,
    /// The earliest and the latest `Timestamp`.
    pub(crate) first: Timestamp,
    pub(crate) last: Timestamp,
    /// The latest end of a span; of log records as `last`.
    pub(crate) ends: Timestamp,
    /// Which services have rows; empty when there are too many to say.
    pub(crate) services: Vec<Box<str>>,
    /// How many promoted attributes were known.
    pub(crate) known: u64,
    /// Where the index of tokens begins in the Parquet file, and how long it is.
    pub(crate) index: (u64, u64),
    /// The log before this is in files, this one included.
    pub(crate) upto: Position,
    /// The files whose rows are in this one; they count no more.
    pub(crate) replaces: Vec<u64>,
    /// Rows of the replaced files that could not be read, and so are lost.
    pub(crate) lost_rows: u64,
    /// What retention by sampling has been done to it already.
    pub(crate) sampled: bool,
}

/// A file names so many services.
pub(crate) const SERVICES_MAX: usize = 64;

impl FileMeta {
    pub(crate) fn put(&self, out: &mut Vec<u8>) {
        put_uint(out, self.number);
        out.push(u8::from(self.signal == Signal::Logs));
        put_uint(out, self.rows);
        put_uint(out, self.bytes);
        for time in [self.first, self.last, self.ends] {
            put_int(out, time.as_nanos());
        }
        put_len(out, self.services.len());
        self.services.iter().for_each(|service| put_bytes(out, service.as_bytes()));
        put_uint(out, self.known);
        put_uint(out, self.index.0);
        put_uint(out, self.index.1);
        put_uint(out, self.upto.segment);
        put_uint(out, self.upto.offset);
        put_len(out, self.replaces.len());
        self.replaces.iter().for_each(|number| put_uint(out, *number));
        put_uint(out, self.lost_rows);
        out.push(u8::from(self.sampled));
    }

    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let number = reader.uint("number")?;
        let signal = match reader.byte("table")? {
            0 => Signal::Spans,
            1 => Signal::Logs,
            _ => return Err(reader.error("table")),
        };
        let (rows, bytes) = (reader.uint("rows")?, reader.uint("bytes")?);
        let mut time = || reader.int("time").map(Timestamp::from_nanos);
        let (first, last, ends) = (time()?, time()?, time()?);
        let services = (0..reader.len("services")?)
            .map(|_| reader.str("service").map(Box::from))
            .collect::<Result<_, _>>()?;
        let known = reader.uint("promoted attributes")?;
        let index = (reader.uint("index")?, reader.uint("index")?);
        let upto = Position { segment: reader.uint("segment")?, offset: reader.uint("offset")? };
        let replaces = (0..reader.len("replaced files")?)
            .map(|_| reader.uint("number"))
            .collect::<Result<_, _>>()?;
        let lost_rows = reader.uint("rows")?;
        let sampled = reader.byte("sampled")? != 0;
        Ok(Self {
            number,
            signal,
            rows,
            bytes,
            first,
            last,
            ends,
            services,
            known,
            index,
            upto,
            replaces,
            lost_rows,
            sampled,
        })
    }
}

/// All that proves a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sums {
    pub(crate) meta: FileMeta,
    /// The file's metadata in Thrift, without the length and the magic behind it.
    pub(crate) footer: Vec<u8>,
    /// CRC-32C of each block.
    blocks: Vec<u32>,
}

impl Sums {
    pub(crate) fn of(meta: FileMeta, file: &[u8], footer: &[u8]) -> Self {
        let block = usize::try_from(BLOCK_BYTES).expect("a block is small");
        let blocks = file.chunks(block).map(crc32c).collect();
        Self { meta, footer: footer.to_vec(), blocks }
    }

    pub(crate) fn block_count(&self) -> u64 {
        self.blocks.len() as u64
    }

    /// Whether these are the bytes of block `number`.
    pub(crate) fn proves(&self, number: u64, bytes: &[u8]) -> bool {
        let wanted = usize::try_from(number).ok().and_then(|number| self.blocks.get(number));
        wanted == Some(&crc32c(bytes))
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut payload = Vec::new();
        self.meta.put(&mut payload);
        put_bytes(&mut payload, &self.footer);
        put_len(&mut payload, self.blocks.len());
        self.blocks.iter().for_each(|crc| payload.extend_from_slice(&crc.to_le_bytes()));
        twice::encode(MAGIC, VERSION, &payload)
    }

    /// `None` when both copies are damaged or of another version; and whether one of them is damaged.
    pub(crate) fn decode(bytes: &[u8]) -> Option<(Self, bool)> {
        let Found::Payload { version: VERSION, payload, hurt } = twice::decode(MAGIC, bytes) else {
            return None;
        };
        Self::read(&mut Reader::new(payload)).ok().map(|sums| (sums, hurt))
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let meta = FileMeta::read(reader)?;
        let footer = reader.bytes("footer")?.to_vec();
        let blocks = (0..reader.len("blocks")?)
            .map(|_| reader.array("checksum").map(u32::from_le_bytes))
            .collect::<Result<_, _>>()?;
        Ok(Self { meta, footer, blocks })
    }
}
