//! Reading bytes from the front: variable-length numbers and slices, with ends checked.

use super::{
    SectionError,
    bits::{BitReader, unzigzag, zigzag},
};

#[derive(Clone, Copy, Debug)]
pub(super) struct Cursor<'a> {
    rest: &'a [u8],
}

impl<'a> Cursor<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// How many bytes are left.
    pub(super) fn left(&self) -> usize {
        self.rest.len()
    }

    pub(super) fn byte(&mut self) -> Result<u8, SectionError> {
        let (&byte, rest) = self.rest.split_first().ok_or(SectionError::Truncated)?;
        self.rest = rest;
        Ok(byte)
    }

    pub(super) fn slice(&mut self, length: usize) -> Result<&'a [u8], SectionError> {
        let (slice, rest) = self.rest.split_at_checked(length).ok_or(SectionError::Truncated)?;
        self.rest = rest;
        Ok(slice)
    }

    pub(super) fn chunk<const N: usize>(&mut self) -> Result<[u8; N], SectionError> {
        let (chunk, rest) = self.rest.split_first_chunk().ok_or(SectionError::Truncated)?;
        self.rest = rest;
        Ok(*chunk)
    }

    pub(super) fn varint(&mut self) -> Result<u64, SectionError> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(SectionError::Malformed("number"))
    }

    pub(super) fn signed(&mut self) -> Result<i64, SectionError> {
        Ok(unzigzag(self.varint()?))
    }

    /// A number that must not be above `most`.
    pub(super) fn count(&mut self, most: usize) -> Result<usize, SectionError> {
        let count = usize::try_from(self.varint()?).unwrap_or(usize::MAX);
        if count <= most { Ok(count) } else { Err(SectionError::Malformed("count")) }
    }

    /// Reads bits from here; what was begun is passed when `read` is done.
    pub(super) fn bits<T>(
        &mut self,
        read: impl FnOnce(&mut BitReader<'a>) -> T,
    ) -> Result<T, SectionError> {
        let mut bits = BitReader::new(self.rest);
        let value = read(&mut bits);
        let used = bits.end().ok_or(SectionError::Truncated)?;
        self.rest = self.rest.get(used..).ok_or(SectionError::Truncated)?;
        Ok(value)
    }
}

#[inline]
#[expect(clippy::cast_possible_truncation, reason = "the lowest 7 bits are wanted")]
pub(super) fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

#[inline]
pub(super) fn put_signed(out: &mut Vec<u8>, value: i64) {
    put_varint(out, zigzag(value));
}

#[inline]
pub(super) fn put_count(out: &mut Vec<u8>, count: usize) {
    put_varint(out, u64::try_from(count).expect("a length fits 64 bits"));
}
