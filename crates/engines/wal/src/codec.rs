//! Bytes that the stores' records are made of: variable-length integers, strings, and a reader that cannot overrun.
//!
//! **Invariant:** reading never panics and never reserves more memory than the input is long.

/// Why bytes are not what was expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("cannot decode {what} at byte {at}")]
pub struct DecodeError {
    pub what: &'static str,
    pub at: usize,
}

/// Appends `value` in 7-bit groups, least significant first (LEB128).
pub fn put_uint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    out.push((value & 0x7f) as u8);
}

/// Appends a signed integer, small in either direction (zigzag).
pub fn put_int(out: &mut Vec<u8>, value: i64) {
    put_uint(out, zigzag(value));
}

/// Appends the length, then the bytes.
pub fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put_len(out, bytes.len());
    out.extend_from_slice(bytes);
}

/// Appends a count of things that are in memory.
pub fn put_len(out: &mut Vec<u8>, len: usize) {
    put_uint(out, u64::try_from(len).expect("a length in memory fits 64 bits"));
}

/// `0, -1, 1, -2, …` as `0, 1, 2, 3, …`.
pub fn zigzag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)).cast_unsigned()
}

/// The inverse of [`zigzag`].
pub fn unzigzag(value: u64) -> i64 {
    (value >> 1).cast_signed() ^ -(value & 1).cast_signed()
}

/// Reads what the `put_` functions wrote.
#[derive(Clone, Debug)]
pub struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    pub fn is_empty(&self) -> bool {
        self.at == self.bytes.len()
    }

    /// What has not been read.
    pub fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    pub fn error(&self, what: &'static str) -> DecodeError {
        DecodeError { what, at: self.at }
    }

    pub fn take(&mut self, len: usize, what: &'static str) -> Result<&'a [u8], DecodeError> {
        let taken = self.rest().get(..len).ok_or(self.error(what))?;
        self.at += len;
        Ok(taken)
    }

    pub fn byte(&mut self, what: &'static str) -> Result<u8, DecodeError> {
        Ok(self.take(1, what)?[0])
    }

    pub fn array<const N: usize>(&mut self, what: &'static str) -> Result<[u8; N], DecodeError> {
        Ok(self.take(N, what)?.try_into().expect("as many were taken"))
    }

    pub fn uint(&mut self, what: &'static str) -> Result<u64, DecodeError> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte(what)?;
            let group = u64::from(byte & 0x7f);
            if shift == 63 && group > 1 {
                return Err(self.error(what));
            }
            value |= group << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(self.error(what))
    }

    pub fn int(&mut self, what: &'static str) -> Result<i64, DecodeError> {
        Ok(unzigzag(self.uint(what)?))
    }

    /// A count of things that each take at least one byte more, so that a lie about it cannot reserve memory.
    pub fn len(&mut self, what: &'static str) -> Result<usize, DecodeError> {
        let len = usize::try_from(self.uint(what)?).map_err(|_| self.error(what))?;
        if len > self.rest().len() { Err(self.error(what)) } else { Ok(len) }
    }

    pub fn bytes(&mut self, what: &'static str) -> Result<&'a [u8], DecodeError> {
        let len = self.len(what)?;
        self.take(len, what)
    }

    pub fn str(&mut self, what: &'static str) -> Result<&'a str, DecodeError> {
        let at = self.at;
        std::str::from_utf8(self.bytes(what)?).map_err(|_| DecodeError { what, at })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn integers_and_bytes_round_trip(uint: u64, int: i64, bytes: Vec<u8>) {
            let mut out = Vec::new();
            put_uint(&mut out, uint);
            put_int(&mut out, int);
            put_bytes(&mut out, &bytes);
            let mut reader = Reader::new(&out);
            prop_assert_eq!(reader.uint("uint"), Ok(uint));
            prop_assert_eq!(reader.int("int"), Ok(int));
            prop_assert_eq!(reader.bytes("bytes"), Ok(&bytes[..]));
            prop_assert!(reader.is_empty());
        }

        #[test]
        fn random_bytes_never_panic(bytes: Vec<u8>) {
            let mut reader = Reader::new(&bytes);
            while !reader.is_empty() && reader.uint("uint").is_ok() && reader.str("str").is_ok() {}
        }
    }

    #[test]
    fn refuses_a_length_beyond_the_input() {
        let mut out = Vec::new();
        put_uint(&mut out, u64::MAX);
        assert_eq!(Reader::new(&out).len("n"), Err(DecodeError { what: "n", at: 10 }));
        assert!(Reader::new(&[0xff; 10]).uint("n").is_err());
    }
}
