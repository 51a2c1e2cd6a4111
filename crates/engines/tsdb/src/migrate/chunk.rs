//! Up to 120 samples of one series, compressed.
//!
//! Times are differences of differences. Values that are all integers, as counters are, too; others are XORed with the
//! one before (Pelkonen et al., Gorilla, VLDB 2015). So a steady series takes little more than a byte a sample, and
//! any bit pattern, a stale marker's too, comes back as it went in.

use std::sync::Arc;

use model::Sample;
use wal::codec::{DecodeError, Reader};
#[cfg(test)]
use wal::codec::{put_int, put_len};

use super::bits::BitReader;
#[cfg(test)]
use super::bits::BitWriter;

const INTEGERS: u8 = 1;
const FLOATS: u8 = 2;

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Chunk {
    pub(crate) min_ms: i64,
    pub(crate) max_ms: i64,
    pub(crate) samples: usize,
    pub(crate) bytes: Arc<[u8]>,
}

impl Chunk {
    /// Of samples sorted by time; `None` without any.
    #[cfg(test)]
    pub(crate) fn of(samples: &[Sample]) -> Option<Self> {
        let (first, last) = (samples.first()?, samples.last()?);
        Some(Self {
            min_ms: first.at_ms,
            max_ms: last.at_ms,
            samples: samples.len(),
            bytes: encode(samples).into(),
        })
    }

    /// Appends the samples from `start_ms` to `end_ms`.
    pub(crate) fn read(
        &self,
        start_ms: i64,
        end_ms: i64,
        out: &mut Vec<Sample>,
    ) -> Result<(), DecodeError> {
        decode(&self.bytes, |sample| {
            if (start_ms..=end_ms).contains(&sample.at_ms) {
                out.push(sample);
            }
        })
    }
}

#[cfg(test)]
fn encode(samples: &[Sample]) -> Vec<u8> {
    let mut out = Vec::new();
    let integers: Option<Vec<i64>> = samples.iter().map(|sample| integer(sample.value)).collect();
    out.push(if integers.is_some() { INTEGERS } else { FLOATS });
    put_len(&mut out, samples.len());
    put_int(&mut out, samples.first().map_or(0, |sample| sample.at_ms));
    let mut bits = BitWriter::default();
    let mut times = Differences::new(samples.first().map_or(0, |sample| sample.at_ms));
    let mut floats = Xor::default();
    let mut counts = Differences::new(0);
    for (at, sample) in samples.iter().enumerate() {
        if at > 0 {
            bits.put_int(times.encode(sample.at_ms));
        }
        match &integers {
            Some(integers) => bits.put_int(counts.encode(integers[at])),
            None => floats.encode(&mut bits, sample.value.to_bits()),
        }
    }
    out.extend_from_slice(&bits.into_bytes());
    out
}

fn decode(bytes: &[u8], mut visit: impl FnMut(Sample)) -> Result<(), DecodeError> {
    let mut reader = Reader::new(bytes);
    let kind = reader.byte("chunk kind")?;
    if kind != INTEGERS && kind != FLOATS {
        return Err(reader.error("chunk kind"));
    }
    let samples = reader.uint("sample count")?;
    let mut at_ms = reader.int("first time")?;
    let mut times = Differences::new(at_ms);
    let mut bits = BitReader::new(reader.rest());
    let mut floats = Xor::default();
    let mut counts = Differences::new(0);
    // A lie about the count runs into the end of the bits.
    for at in 0..samples {
        if at > 0 {
            at_ms = times.decode(bits.int()?);
        }
        let value = if kind == INTEGERS {
            float(counts.decode(bits.int()?))
        } else {
            f64::from_bits(floats.decode(&mut bits)?)
        };
        visit(Sample { at_ms, value });
    }
    Ok(())
}

/// The integer that `value` is, when it is one that comes back with the same bits.
#[cfg(test)]
fn integer(value: f64) -> Option<i64> {
    const EXACT_MAX: f64 = 9_007_199_254_740_992.0;
    if value.fract() != 0.0 || value.abs() > EXACT_MAX {
        return None;
    }
    #[expect(clippy::cast_possible_truncation, reason = "whole and within 2^53")]
    let integer = value as i64;
    (float(integer).to_bits() == value.to_bits()).then_some(integer)
}

#[expect(clippy::cast_precision_loss, reason = "only what `integer` gave comes here, or rubbish")]
fn float(integer: i64) -> f64 {
    integer as f64
}

/// Differences of differences; wraps, so that any integers go.
struct Differences {
    last: i64,
    difference: i64,
}

impl Differences {
    fn new(last: i64) -> Self {
        Self { last, difference: 0 }
    }

    #[cfg(test)]
    fn encode(&mut self, value: i64) -> i64 {
        let difference = value.wrapping_sub(self.last);
        let second = difference.wrapping_sub(self.difference);
        (self.last, self.difference) = (value, difference);
        second
    }

    fn decode(&mut self, second: i64) -> i64 {
        self.difference = self.difference.wrapping_add(second);
        self.last = self.last.wrapping_add(self.difference);
        self.last
    }
}

/// Each value XORed with the last; the bits between leading and trailing zeros, within the last one's window if they fit.
#[derive(Default)]
struct Xor {
    last: u64,
    /// Leading zeros and meaningful bits; none at first.
    window: Option<(u32, u32)>,
}

impl Xor {
    #[cfg(test)]
    fn encode(&mut self, bits: &mut BitWriter, value: u64) {
        let xor = value ^ self.last;
        self.last = value;
        if xor == 0 {
            bits.put(0, 1);
            return;
        }
        let (leading, trailing) = (xor.leading_zeros(), xor.trailing_zeros());
        match self.window {
            Some((zeros, width)) if leading >= zeros && trailing >= 64 - zeros - width => {
                bits.put(0b10, 2);
                bits.put(xor >> (64 - zeros - width), width);
            }
            _ => {
                let width = 64 - leading - trailing;
                bits.put(0b11, 2);
                bits.put(u64::from(leading), 6);
                bits.put(u64::from(width - 1), 6);
                bits.put(xor >> trailing, width);
                self.window = Some((leading, width));
            }
        }
    }

    fn decode(&mut self, bits: &mut BitReader<'_>) -> Result<u64, DecodeError> {
        const BAD: DecodeError = DecodeError { what: "window of bits", at: 0 };
        if bits.get(1)? == 1 {
            if bits.get(1)? == 1 {
                let leading = u32::try_from(bits.get(6)?).expect("six bits");
                let width = u32::try_from(bits.get(6)?).expect("six bits") + 1;
                self.window = Some((leading, width));
            }
            let (leading, width) = self.window.ok_or(BAD)?;
            let trailing = 64_u32.checked_sub(leading + width).ok_or(BAD)?;
            self.last ^= bits.get(width)? << trailing;
        }
        Ok(self.last)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(chunk: &Chunk) -> Vec<(i64, u64)> {
        let mut samples = Vec::new();
        chunk.read(i64::MIN, i64::MAX, &mut samples).unwrap();
        samples.iter().map(|sample| (sample.at_ms, sample.value.to_bits())).collect()
    }

    fn samples(of: impl Fn(i64) -> (i64, f64)) -> Vec<Sample> {
        (0..120).map(of).map(|(at_ms, value)| Sample { at_ms, value }).collect()
    }

    proptest! {
        #[test]
        fn any_bits_round_trip(
            samples in prop::collection::vec((any::<i64>(), prop_oneof![
                any::<u64>(),
                Just(Sample::STALE),
                (0_u32..1000).prop_map(|value| f64::from(value).to_bits()),
                Just((-0.0_f64).to_bits()),
                Just(f64::INFINITY.to_bits()),
                Just(9_007_199_254_740_992.0_f64.to_bits()),
            ]), 1..130),
        ) {
            let chunk = Chunk::of(&samples.iter().map(|(at_ms, bits)| {
                Sample { at_ms: *at_ms, value: f64::from_bits(*bits) }
            }).collect::<Vec<_>>()).unwrap();
            prop_assert_eq!(read(&chunk), samples);
        }

        #[test]
        fn rubbish_never_panics(bytes: Vec<u8>) {
            for kind in [INTEGERS, FLOATS] {
                let mut bytes = bytes.clone();
                bytes.insert(0, kind);
                decode(&bytes, |_| ()).ok();
            }
        }
    }

    #[test]
    fn compresses() {
        let bytes = |samples: &[Sample]| Chunk::of(samples).unwrap().bytes.len();
        let jitter = |n: i64| n * 7919 % 5;
        let counter = samples(|n| (n * 1000 + jitter(n), float(n * 37 + n * n % 11)));
        assert!(bytes(&counter) < 120 * 5 / 2, "{}", bytes(&counter));
        let constant = samples(|n| (n * 1000, 0.25));
        assert!(bytes(&constant) < 60, "{}", bytes(&constant));
        let idle = samples(|n| (n * 1000, 1234.0));
        assert!(bytes(&idle) < 60, "{}", bytes(&idle));
    }
}
