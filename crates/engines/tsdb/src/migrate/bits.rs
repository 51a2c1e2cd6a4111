//! Streams of bits, most significant first, and integers of few bits in them.

#[cfg(test)]
use wal::codec::zigzag;
use wal::codec::{DecodeError, unzigzag};

#[cfg(test)]
#[derive(Debug, Default)]
pub(crate) struct BitWriter {
    bytes: Vec<u8>,
    /// How many bits of the last byte are free.
    free: u32,
}

/// Of the zigzag form: the number of leading ones, closed by a zero but for the last, says how many bits follow.
const WIDTHS: [u32; 6] = [0, 7, 14, 21, 32, 64];

#[cfg(test)]
impl BitWriter {
    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// Appends the lowest `count` bits of `value`, at most 64.
    pub(crate) fn put(&mut self, value: u64, count: u32) {
        let mut left = count;
        while left > 0 {
            if self.free == 0 {
                self.bytes.push(0);
                self.free = 8;
            }
            let now = left.min(self.free);
            let part = (value >> (left - now)) & (u64::MAX >> (64 - now));
            let part = u8::try_from(part << (self.free - now)).expect("at most eight bits");
            if let Some(last) = self.bytes.last_mut() {
                *last |= part;
            }
            self.free -= now;
            left -= now;
        }
    }

    /// Appends an integer: one bit for zero, 9 for up to ±63, and so on.
    pub(crate) fn put_int(&mut self, value: i64) {
        let value = zigzag(value);
        let (class, width) = (0..)
            .zip(WIDTHS)
            .find(|(_, width)| value.checked_shr(*width).unwrap_or(0) == 0)
            .expect("64 bits hold any value");
        let last = WIDTHS.len() - 1;
        for _ in 0..class {
            self.put(1, 1);
        }
        if class < last {
            self.put(0, 1);
        }
        self.put(value, width);
    }
}

#[derive(Debug)]
pub(crate) struct BitReader<'a> {
    bytes: &'a [u8],
    /// In bits.
    at: usize,
}

impl<'a> BitReader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    fn error(&self) -> DecodeError {
        DecodeError { what: "bits", at: self.at / 8 }
    }

    /// The next `count` bits, at most 64.
    pub(crate) fn get(&mut self, count: u32) -> Result<u64, DecodeError> {
        let mut value = 0;
        let mut left = count;
        while left > 0 {
            let byte = *self.bytes.get(self.at / 8).ok_or(self.error())?;
            let used = u32::try_from(self.at % 8).expect("below eight");
            let now = left.min(8 - used);
            let part = (byte >> (8 - used - now)) & (u8::MAX >> (8 - now));
            value = value << now | u64::from(part);
            self.at += usize::try_from(now).expect("at most eight");
            left -= now;
        }
        Ok(value)
    }

    pub(crate) fn int(&mut self) -> Result<i64, DecodeError> {
        let mut class = 0;
        while class < WIDTHS.len() - 1 && self.get(1)? == 1 {
            class += 1;
        }
        self.get(WIDTHS[class]).map(unzigzag)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn round_trips(values in prop::collection::vec((any::<i64>(), 0_u32..64, 1_u32..65), 0..50)) {
            let mut writer = BitWriter::default();
            for (value, shift, count) in &values {
                writer.put_int(value >> shift);
                writer.put(value.cast_unsigned(), *count);
            }
            let bytes = writer.into_bytes();
            let mut reader = BitReader::new(&bytes);
            for (value, shift, count) in &values {
                prop_assert_eq!(reader.int(), Ok(value >> shift));
                prop_assert_eq!(reader.get(*count), Ok(value.cast_unsigned() & (u64::MAX >> (64 - count))));
            }
            prop_assert!(bytes.len() * 8 - reader.at < 8);
        }
    }

    #[test]
    fn small_integers_take_few_bits() {
        for (value, bits) in [(0, 1), (-1, 9), (63, 9), (-64, 9), (64, 17), (i64::MIN, 69)] {
            let mut writer = BitWriter::default();
            writer.put_int(value);
            assert_eq!(writer.bytes.len() * 8 - writer.free as usize, bits, "{value}");
        }
    }
}
