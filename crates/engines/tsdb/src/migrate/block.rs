//! How version 0.1 wrote a checkpoint to its block log.
//!
//! One record for each series that has samples (a *block*), one for the metadata, and twice the same closing record, so
//! that no single damaged byte can take a checkpoint away. Blocks of a checkpoint without a closing record count for
//! nothing: the write-ahead log still has their samples.

use std::sync::Arc;

use model::{Labels, Metadata, Sample};
#[cfg(test)]
use wal::codec::{put_bytes, put_int, put_len, put_uint};
use wal::{
    Position,
    codec::{DecodeError, Reader},
};

use super::{chunk::Chunk, record::read_metadata};

const BLOCK: u8 = 1;
const METADATA: u8 = 2;
const CLOSING: u8 = 3;

/// What a record of the block log says, without the samples.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Record {
    Block {
        checkpoint: u64,
        labels: Labels,
        min_ms: i64,
        max_ms: i64,
        samples: u64,
    },
    Metadata {
        checkpoint: u64,
        metadata: Vec<Metadata>,
    },
    /// The checkpoint is complete, and holds what the write-ahead log has before this position.
    Closing {
        checkpoint: u64,
        position: Position,
    },
}

impl Record {
    pub(crate) fn checkpoint(&self) -> u64 {
        match self {
            Self::Block { checkpoint, .. }
            | Self::Metadata { checkpoint, .. }
            | Self::Closing { checkpoint, .. } => *checkpoint,
        }
    }
}

/// The chunks are in the order in which they were filled; there is at least one.
#[cfg(test)]
pub(crate) fn encode_block(checkpoint: u64, labels: &Labels, chunks: &[Chunk]) -> Vec<u8> {
    let mut out = vec![BLOCK];
    put_uint(&mut out, checkpoint);
    put_len(&mut out, labels.len());
    for (name, value) in labels.iter() {
        put_bytes(&mut out, name.as_bytes());
        put_bytes(&mut out, value.as_bytes());
    }
    put_int(&mut out, chunks.iter().map(|chunk| chunk.min_ms).min().unwrap_or(0));
    put_int(&mut out, chunks.iter().map(|chunk| chunk.max_ms).max().unwrap_or(0));
    put_len(&mut out, chunks.iter().map(|chunk| chunk.samples).sum());
    put_len(&mut out, chunks.len());
    for chunk in chunks {
        put_int(&mut out, chunk.min_ms);
        put_int(&mut out, chunk.max_ms);
        put_len(&mut out, chunk.samples);
        put_bytes(&mut out, &chunk.bytes);
    }
    out
}

#[cfg(test)]
pub(crate) fn encode_closing(checkpoint: u64, position: Position) -> Vec<u8> {
    let mut out = vec![CLOSING];
    put_uint(&mut out, checkpoint);
    put_uint(&mut out, position.segment);
    put_uint(&mut out, position.offset);
    out
}

pub(crate) fn decode(payload: &[u8]) -> Result<Record, DecodeError> {
    decode_with_chunks(payload).map(|(record, _)| record)
}

/// Appends the samples of a block from `start_ms` to `end_ms`, chunk by chunk.
pub(crate) fn read_samples(
    payload: &[u8],
    start_ms: i64,
    end_ms: i64,
    out: &mut Vec<Sample>,
) -> Result<(), DecodeError> {
    let (_, mut reader) = decode_with_chunks(payload)?;
    for _ in 0..reader.len("chunks")? {
        let (min_ms, max_ms) = (reader.int("time")?, reader.int("time")?);
        let samples = usize::try_from(reader.uint("samples")?).unwrap_or(usize::MAX);
        let bytes = reader.bytes("chunk")?;
        if min_ms <= end_ms && max_ms >= start_ms {
            let chunk = Chunk { min_ms, max_ms, samples, bytes: Arc::from(bytes) };
            chunk.read(start_ms, end_ms, out)?;
        }
    }
    Ok(())
}

fn decode_with_chunks(payload: &[u8]) -> Result<(Record, Reader<'_>), DecodeError> {
    let mut reader = Reader::new(payload);
    let kind = reader.byte("kind")?;
    let checkpoint = reader.uint("checkpoint")?;
    let record = match kind {
        BLOCK => {
            let pairs: Vec<(&str, &str)> = (0..reader.len("labels")?)
                .map(|_| Ok((reader.str("name")?, reader.str("value")?)))
                .collect::<Result<_, _>>()?;
            Record::Block {
                checkpoint,
                labels: Labels::from_pairs(pairs),
                min_ms: reader.int("time")?,
                max_ms: reader.int("time")?,
                samples: reader.uint("samples")?,
            }
        }
        METADATA => Record::Metadata {
            checkpoint,
            metadata: (0..reader.len("metadata")?)
                .map(|_| read_metadata(&mut reader))
                .collect::<Result<_, _>>()?,
        },
        CLOSING => Record::Closing {
            checkpoint,
            position: Position { segment: reader.uint("segment")?, offset: reader.uint("offset")? },
        },
        _ => return Err(reader.error("kind")),
    };
    Ok((record, reader))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn samples(range: std::ops::Range<i32>) -> Vec<Sample> {
        range.map(|n| Sample { at_ms: i64::from(n) * 10, value: f64::from(n) / 3.0 }).collect()
    }

    #[test]
    fn round_trips() {
        let labels = Labels::from_pairs([("__name__", "up"), ("job", "a")]);
        let chunks = [Chunk::of(&samples(0..50)).unwrap(), Chunk::of(&samples(60..70)).unwrap()];
        let bytes = encode_block(7, &labels, &chunks);
        let expected = Record::Block { checkpoint: 7, labels, min_ms: 0, max_ms: 690, samples: 60 };
        assert_eq!(decode(&bytes), Ok(expected));
        let mut found = Vec::new();
        read_samples(&bytes, 480, 620, &mut found).unwrap();
        let expected: Vec<_> = samples(48..50).into_iter().chain(samples(60..63)).collect();
        assert_eq!(found, expected);

        let position = Position { segment: 3, offset: 1 << 40 };
        let closing = Record::Closing { checkpoint: 9, position };
        assert_eq!(decode(&encode_closing(9, position)), Ok(closing));
    }

    proptest! {
        #[test]
        fn rubbish_never_panics(rubbish in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..9)) {
            let labels = Labels::from_pairs([("__name__", "up")]);
            let mut bytes = encode_block(7, &labels, &[Chunk::of(&samples(0..50)).unwrap()]);
            for (at, byte) in rubbish {
                let at = at.index(bytes.len());
                bytes[at] = byte;
            }
            let mut out = Vec::new();
            read_samples(&bytes, 0, 1000, &mut out).ok();
        }
    }
}
