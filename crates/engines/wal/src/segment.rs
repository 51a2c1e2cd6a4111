//! A segment's file: its name and its header.
//!
//! The header is written twice, so that no single damaged byte costs a segment: `EKWAL\0 | version u16 | number u64 |
//! created u64 (ns) | end of the log before it, u64 and u64 | 0 u32 | CRC-32C u32`, little endian. Its CRC seeds those of
//! the segment's records.

use camino::{Utf8Path, Utf8PathBuf};
use crc32c::crc32c;
use model::Timestamp;

use crate::Position;

const MAGIC: &[u8; 6] = b"EKWAL\0";
/// The newest version that this build reads, and the one it writes.
pub(crate) const VERSION: u16 = 1;
const COPY_BYTES: usize = 48;
pub(crate) const HEADER_BYTES: usize = 2 * COPY_BYTES;
const EXTENSION: &str = "wal";
/// No segment has this number or a higher one: the numbers after it have a digit more before long, and would not be found.
const NUMBER_END: u64 = 1_000_000_000_000_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) number: u64,
    pub(crate) created: Timestamp,
    /// Where the log ended when this segment was begun; what lies before that is not missed.
    pub(crate) previous_end: Position,
}

impl Header {
    /// The header as it is written, and the seed for the records' CRCs.
    pub(crate) fn encode(&self) -> (Vec<u8>, u32) {
        let mut copy = Vec::with_capacity(HEADER_BYTES);
        copy.extend_from_slice(MAGIC);
        copy.extend_from_slice(&VERSION.to_le_bytes());
        copy.extend_from_slice(&self.number.to_le_bytes());
        copy.extend_from_slice(&self.created.as_nanos().to_le_bytes());
        copy.extend_from_slice(&self.previous_end.segment.to_le_bytes());
        copy.extend_from_slice(&self.previous_end.offset.to_le_bytes());
        copy.extend_from_slice(&[0; 4]);
        let seed = crc32c(&copy);
        copy.extend_from_slice(&seed.to_le_bytes());
        copy.extend_from_within(..);
        (copy, seed)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Parsed {
    Header(Header, u32),
    /// A whole header of a version that this build does not know.
    Version(u16),
    Damaged,
    /// The file ends within the header, and what there is of it is not wrong.
    Cut,
}

pub(crate) fn parse(bytes: &[u8]) -> Parsed {
    if bytes.len() < HEADER_BYTES {
        return Parsed::Cut;
    }
    let first = parse_copy(&bytes[..COPY_BYTES]);
    if first == Parsed::Damaged { parse_copy(&bytes[COPY_BYTES..HEADER_BYTES]) } else { first }
}

fn parse_copy(copy: &[u8]) -> Parsed {
    let word = |at: usize| {
        u64::from_le_bytes(copy[at..at + 8].try_into().expect("a slice of eight has eight"))
    };
    let (covered, crc) = copy.split_at(COPY_BYTES - 4);
    let seed = crc32c(covered);
    if seed.to_le_bytes() != crc || &copy[..6] != MAGIC {
        return Parsed::Damaged;
    }
    let version = u16::from_le_bytes([copy[6], copy[7]]);
    if version != VERSION {
        return Parsed::Version(version);
    }
    let header = Header {
        number: word(8),
        created: Timestamp::from_nanos(word(16).cast_signed()),
        previous_end: Position { segment: word(24), offset: word(32) },
    };
    Parsed::Header(header, seed)
}

pub(crate) fn path(dir: &Utf8Path, number: u64) -> Utf8PathBuf {
    dir.join(format!("{number:016}.{EXTENSION}"))
}

/// The number in the name of a segment's file; `None` for other files.
pub(crate) fn number(path: &Utf8Path) -> Option<u64> {
    if path.extension() != Some(EXTENSION) {
        return None;
    }
    let stem = path.file_stem()?;
    let is_number = stem.len() == 16 && stem.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| stem.parse().ok()).flatten().filter(|number| *number < NUMBER_END)
}

/// The segment beside which a file with another extension lies.
pub(crate) fn of_mark(mark: &Utf8Path) -> Utf8PathBuf {
    mark.with_extension(EXTENSION)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_one_damaged_byte_leaves_the_header_readable() {
        let header = Header {
            number: 3,
            created: Timestamp::from_secs(9),
            previous_end: Position { segment: 2, offset: 77 },
        };
        let (bytes, seed) = header.encode();
        assert_eq!(bytes.len(), HEADER_BYTES);
        for at in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[at] ^= 0x40;
            assert_eq!(parse(&damaged), Parsed::Header(header, seed), "byte {at}");
            assert_eq!(parse(&bytes[..at]), Parsed::Cut, "cut at {at}");
        }
    }

    #[test]
    fn names_carry_numbers() {
        let path = path(Utf8Path::new("d"), 12);
        assert_eq!(path, "d/0000000000000012.wal");
        assert_eq!(number(&path), Some(12));
        assert_eq!(number(Utf8Path::new("d/12.wal")), None);
        assert_eq!(number(Utf8Path::new("d/LOCK")), None);
        // A sign is no digit, and the number after this one would have 17.
        assert_eq!(number(Utf8Path::new("d/+000000000000012.wal")), None);
        assert_eq!(number(Utf8Path::new("d/9999999999999999.wal")), None);
    }
}
