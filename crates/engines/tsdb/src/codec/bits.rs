//! Streams of bits, the lowest bit of each byte first, and Rice codes in them.
//!
//! A Rice code of parameter `k` is the number's upper bits in unary (zeros ended by a one) and its lower `k` bits as they
//! are. Numbers with [`ESCAPE`] or more in unary are written as that many zeros, their length less one in 6 bits, and
//! their bits.

/// How many zeros stand before a number that is written by its length.
pub(super) const ESCAPE: u32 = 16;
/// The bits that a window always has.
const WINDOW: u32 = 57;

/// Appends bits to bytes.
#[derive(Debug)]
pub(super) struct BitWriter<'a> {
    out: &'a mut Vec<u8>,
    held: u64,
    bits: u32,
}

impl<'a> BitWriter<'a> {
    pub(super) fn new(out: &'a mut Vec<u8>) -> Self {
        Self { out, held: 0, bits: 0 }
    }

    /// Appends the lowest `count` bits (0 to 64) of `value`, whose others must be 0.
    #[inline]
    pub(super) fn put(&mut self, value: u64, count: u32) {
        self.held |= value << self.bits;
        let after = self.bits + count;
        if after < 64 {
            self.bits = after;
            return;
        }
        self.out.extend_from_slice(&self.held.to_le_bytes());
        let rest = 64 - self.bits;
        self.held = if rest == 64 { 0 } else { value >> rest };
        self.bits = after - 64;
    }

    #[inline]
    pub(super) fn put_rice(&mut self, value: u64, k: u32) {
        let upper = value >> k;
        if upper < u64::from(ESCAPE) {
            let upper = u32::try_from(upper).expect("is below ESCAPE");
            self.put(1 << upper, upper + 1);
            self.put(value & low(k), k);
        } else {
            let length = 64 - value.leading_zeros();
            self.put(0, ESCAPE);
            self.put(u64::from(length - 1), 6);
            self.put(value, length);
        }
    }

    /// Fills the last byte with zeros.
    pub(super) fn finish(self) {
        let bytes = usize::try_from(self.bits.div_ceil(8)).expect("is 8 at most");
        self.out.extend_from_slice(&self.held.to_le_bytes()[..bytes]);
    }
}

/// Reads bits; after the end there are zeros, and [`Self::end`] tells.
#[derive(Debug)]
pub(super) struct BitReader<'a> {
    bytes: &'a [u8],
    /// In bits.
    at: usize,
}

impl<'a> BitReader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// At least [`WINDOW`] bits from here on.
    #[inline]
    fn window(&self) -> u64 {
        let from = self.at >> 3;
        let word = match self.bytes.get(from..from + 8).and_then(|bytes| bytes.first_chunk::<8>()) {
            Some(bytes) => u64::from_le_bytes(*bytes),
            None => self.last_window(from),
        };
        word >> (self.at & 7)
    }

    #[cold]
    fn last_window(&self, from: usize) -> u64 {
        let rest = self.bytes.get(from..).unwrap_or(&[]);
        rest.iter().take(8).rev().fold(0, |word, byte| word << 8 | u64::from(*byte))
    }

    /// The next `count` bits, 0 to 64.
    #[inline]
    pub(super) fn take(&mut self, count: u32) -> u64 {
        if count <= WINDOW {
            let value = self.window() & low(count);
            self.at += count as usize;
            return value;
        }
        let lower = self.take(32);
        lower | self.take(count - 32) << 32
    }

    #[inline]
    pub(super) fn take_rice(&mut self, k: u32) -> u64 {
        let window = self.window();
        let upper = window.trailing_zeros();
        if upper >= ESCAPE {
            return self.take_escaped();
        }
        if upper + 1 + k <= WINDOW {
            self.at += (upper + 1 + k) as usize;
            return u64::from(upper) << k | (window >> (upper + 1)) & low(k);
        }
        self.at += (upper + 1) as usize;
        u64::from(upper) << k | self.take(k)
    }

    #[cold]
    fn take_escaped(&mut self) -> u64 {
        self.at += ESCAPE as usize;
        let length = self.take(6) + 1;
        self.take(u32::try_from(length).expect("6 bits and 1 are 64 at most"))
    }

    /// How many bytes were begun; `None` when more were asked for than there are.
    pub(super) fn end(&self) -> Option<usize> {
        let bytes = self.at.div_ceil(8);
        (bytes <= self.bytes.len()).then_some(bytes)
    }
}

/// The lowest `count` bits, 0 to 64.
#[inline]
pub(super) fn low(count: u32) -> u64 {
    if count >= 64 { u64::MAX } else { (1 << count) - 1 }
}

/// Small numbers of either sign as small numbers: 0, -1, 1, -2, 2.
#[inline]
pub(super) fn zigzag(value: i64) -> u64 {
    (value.cast_unsigned() << 1) ^ (value >> 63).cast_unsigned()
}

#[inline]
pub(super) fn unzigzag(value: u64) -> i64 {
    (value >> 1).cast_signed() ^ -((value & 1).cast_signed())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_put_is_taken(items in prop::collection::vec((any::<u64>(), 0u32..=64, 0u32..=64), 0..200)) {
            let mut bytes = Vec::new();
            let mut writer = BitWriter::new(&mut bytes);
            for &(value, bits, k) in &items {
                writer.put(value & low(bits), bits);
                // Rice parameters go to 63.
                writer.put_rice(value >> (64 - bits).min(63), k.min(63));
                writer.put_rice(value, k.min(63));
            }
            writer.finish();
            let mut reader = BitReader::new(&bytes);
            for &(value, bits, k) in &items {
                prop_assert_eq!(reader.take(bits), value & low(bits));
                prop_assert_eq!(reader.take_rice(k.min(63)), value >> (64 - bits).min(63));
                prop_assert_eq!(reader.take_rice(k.min(63)), value);
            }
            prop_assert_eq!(reader.end(), Some(bytes.len()));
        }

        #[test]
        fn zigzag_comes_back(value: i64) {
            prop_assert_eq!(unzigzag(zigzag(value)), value);
        }
    }

    #[test]
    fn past_the_end_there_is_an_end() {
        let mut reader = BitReader::new(&[1]);
        assert_eq!(reader.take_rice(0), 0);
        reader.take(60);
        reader.take_rice(3);
        assert_eq!(reader.end(), None);
    }
}
