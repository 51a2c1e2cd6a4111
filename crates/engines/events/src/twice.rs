//! Small files that no single damaged byte costs: a header, a payload and their checksum, twice.
//!
//! `magic (4) | version u8 | length u32 | CRC-32C u32 | payload`, then the same once more. The checksum covers version, length
//! and payload.

use crc32c::{crc32c, crc32c_append};

const HEADER_BYTES: usize = 13;

/// What is in such a file.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Found<'a> {
    Payload {
        version: u8,
        payload: &'a [u8],
        /// One of the two copies is damaged.
        hurt: bool,
    },
    Damaged,
}

pub(crate) fn encode(magic: &[u8; 4], version: u8, payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(2 * (HEADER_BYTES + payload.len()));
    for _ in 0..2 {
        out.extend_from_slice(magic);
        out.push(version);
        let len = u32::try_from(payload.len()).expect("a small file is far smaller than 4 GiB");
        out.extend_from_slice(&len.to_le_bytes());
        let crc = checksum(&out[out.len() - 5..], payload);
        out.extend_from_slice(&crc.to_le_bytes());
        out.extend_from_slice(payload);
    }
    out
}

pub(crate) fn decode<'a>(magic: &[u8; 4], bytes: &'a [u8]) -> Found<'a> {
    let (first, second) = bytes.split_at(bytes.len() / 2);
    match (copy(magic, first), copy(magic, second)) {
        (Some((version, payload)), other) => {
            Found::Payload { version, payload, hurt: other.is_none() }
        }
        (None, Some((version, payload))) => Found::Payload { version, payload, hurt: true },
        (None, None) => Found::Damaged,
    }
}

fn copy<'a>(magic: &[u8; 4], bytes: &'a [u8]) -> Option<(u8, &'a [u8])> {
    let (header, payload) = bytes.split_at_checked(HEADER_BYTES)?;
    let word = |at: usize| {
        u32::from_le_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]])
    };
    let is_whole = &header[..4] == magic
        && usize::try_from(word(5)).ok() == Some(payload.len())
        && word(9) == checksum(&header[4..9], payload);
    is_whole.then_some((header[4], payload))
}

fn checksum(header: &[u8], payload: &[u8]) -> u32 {
    crc32c_append(crc32c(header), payload)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_flipped_bit_anywhere_costs_nothing() {
        let whole = encode(b"TEST", 3, b"payload");
        assert_eq!(
            decode(b"TEST", &whole),
            Found::Payload { version: 3, payload: b"payload", hurt: false }
        );
        for bit in 0..whole.len() * 8 {
            let mut bytes = whole.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(
                decode(b"TEST", &bytes),
                Found::Payload { version: 3, payload: b"payload", hurt: true }
            );
        }
        assert_eq!(decode(b"TEST", &whole[..whole.len() - 1]), Found::Damaged);
        assert_eq!(decode(b"TEST", b""), Found::Damaged);
    }
}
