//! How a record lies in a segment.
//!
//! `length u32 | header CRC u32 | payload CRC u32 | payload`, little endian, CRC-32C (Castagnoli). The header's CRC covers
//! the segment's seed, the record's offset and its length: a length can be trusted without the payload, and bytes that
//! look like a record but were written elsewhere (a payload that quotes a log, a misplaced page) are none. The payload's
//! CRC goes on from the header's.

use crc32c::crc32c_append;

/// The longest payload. Larger than the largest request, whose limit is 32 MiB inflated.
pub const RECORD_BYTES_MAX: usize = 64 << 20;

pub(crate) const HEADER_BYTES: usize = 12;

/// Appends the record that is to lie at `offset` of the segment with this seed.
pub(crate) fn encode(out: &mut Vec<u8>, seed: u32, offset: u64, payload: &[u8]) {
    let len = u32::try_from(payload.len()).expect("the payload is at most RECORD_BYTES_MAX");
    let header_crc = header_crc(seed, offset, len);
    out.extend_from_slice(&len.to_le_bytes());
    out.extend_from_slice(&header_crc.to_le_bytes());
    out.extend_from_slice(&crc32c_append(header_crc, payload).to_le_bytes());
    out.extend_from_slice(payload);
}

fn header_crc(seed: u32, offset: u64, len: u32) -> u32 {
    let mut covered = [0; 12];
    covered[..8].copy_from_slice(&offset.to_le_bytes());
    covered[8..].copy_from_slice(&len.to_le_bytes());
    crc32c_append(seed, &covered)
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Frame<'a> {
    Whole(&'a [u8]),
    /// A record of this payload length lies here, and its payload is damaged.
    BadPayload(usize),
    /// The header is whole, the payload is cut by the end of the bytes.
    CutPayload,
    /// The header is cut by the end of the bytes.
    CutHeader,
    /// No record starts here.
    NoRecord,
}

/// What lies at the start of `bytes`, which start at `offset` of the segment with this seed.
pub(crate) fn decode(bytes: &[u8], seed: u32, offset: u64) -> Frame<'_> {
    let Some((header, rest)) = bytes.split_at_checked(HEADER_BYTES) else {
        return Frame::CutHeader;
    };
    let word = |at: usize| {
        u32::from_le_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]])
    };
    let (len, found_crc, payload_crc) = (word(0), word(4), word(8));
    let header_crc = header_crc(seed, offset, len);
    let len = usize::try_from(len).unwrap_or(usize::MAX);
    if header_crc != found_crc || len > RECORD_BYTES_MAX {
        return Frame::NoRecord;
    }
    match rest.get(..len) {
        None => Frame::CutPayload,
        Some(payload) if crc32c_append(header_crc, payload) == payload_crc => Frame::Whole(payload),
        Some(_) => Frame::BadPayload(len),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_counts_only_where_it_was_written() {
        let mut bytes = Vec::new();
        encode(&mut bytes, 7, 100, b"payload");
        assert_eq!(decode(&bytes, 7, 100), Frame::Whole(b"payload"));
        assert_eq!(decode(&bytes, 7, 101), Frame::NoRecord);
        assert_eq!(decode(&bytes, 8, 100), Frame::NoRecord);
        assert_eq!(decode(&bytes[..18], 7, 100), Frame::CutPayload);
        assert_eq!(decode(&bytes[..11], 7, 100), Frame::CutHeader);
        bytes[14] ^= 1;
        assert_eq!(decode(&bytes, 7, 100), Frame::BadPayload(7));
        bytes[0] ^= 1;
        assert_eq!(decode(&bytes, 7, 100), Frame::NoRecord);
    }
}
