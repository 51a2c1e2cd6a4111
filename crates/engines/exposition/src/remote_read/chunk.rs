//! Prometheus' chunks of floats: times as differences of differences, values as XORs (Facebook's Gorilla).

use model::Sample;

use crate::wire::{Writer, unzigzag};

/// Appends bits, the highest first.
#[derive(Debug, Default)]
struct Bits {
    bytes: Vec<u8>,
    /// Bits that are free in the last byte.
    free: u32,
}

impl Bits {
    fn bit(&mut self, bit: bool) {
        if self.free == 0 {
            self.bytes.push(0);
            self.free = 8;
        }
        self.free -= 1;
        if bit && let Some(last) = self.bytes.last_mut() {
            *last |= 1 << self.free;
        }
    }

    /// The `count` lowest bits of `value`.
    fn bits(&mut self, value: u64, count: u32) {
        for at in (0..count).rev() {
            self.bit(value >> at & 1 == 1);
        }
    }

    fn bytes(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.bits(u64::from(*byte), 8));
    }
}

/// A chunk of up to 65535 samples in order of time.
pub fn xor_chunk(samples: &[Sample]) -> Vec<u8> {
    let count = u16::try_from(samples.len()).unwrap_or(u16::MAX);
    let mut bits = Bits::default();
    bits.bytes(&count.to_be_bytes());
    let (mut at_ms, mut delta, mut value) = (0_i64, 0_i64, 0_u64);
    let mut window: Option<(u32, u32)> = None;
    for (place, sample) in samples.iter().take(usize::from(count)).enumerate() {
        let (time, float) = (sample.at_ms, sample.value.to_bits());
        match place {
            0 => {
                let mut first = Writer::default();
                first.varint(unzigzag(time));
                bits.bytes(&first.bytes);
                bits.bits(float, 64);
            }
            1 => {
                delta = time.wrapping_sub(at_ms);
                let mut second = Writer::default();
                second.varint(delta.cast_unsigned());
                bits.bytes(&second.bytes);
                xor(&mut bits, value ^ float, &mut window);
            }
            _ => {
                let next = time.wrapping_sub(at_ms);
                difference(&mut bits, next.wrapping_sub(delta));
                delta = next;
                xor(&mut bits, value ^ float, &mut window);
            }
        }
        (at_ms, value) = (time, float);
    }
    bits.bytes
}

fn difference(bits: &mut Bits, difference: i64) {
    let fits = |count: u32| {
        let half = 1_i64 << (count - 1);
        (1 - half..=half).contains(&difference)
    };
    let raw = difference.cast_unsigned();
    if difference == 0 {
        bits.bit(false);
    } else if fits(14) {
        bits.bits(0b10, 2);
        bits.bits(raw, 14);
    } else if fits(17) {
        bits.bits(0b110, 3);
        bits.bits(raw, 17);
    } else if fits(20) {
        bits.bits(0b1110, 4);
        bits.bits(raw, 20);
    } else {
        bits.bits(0b1111, 4);
        bits.bits(raw, 64);
    }
}

fn xor(bits: &mut Bits, delta: u64, window: &mut Option<(u32, u32)>) {
    if delta == 0 {
        bits.bit(false);
        return;
    }
    bits.bit(true);
    // Five bits have room for no more.
    let leading = delta.leading_zeros().min(31);
    let trailing = delta.trailing_zeros();
    if let Some((before, after)) = *window
        && leading >= before
        && trailing >= after
    {
        bits.bit(false);
        bits.bits(delta >> after, 64 - before - after);
        return;
    }
    *window = Some((leading, trailing));
    bits.bit(true);
    bits.bits(u64::from(leading), 5);
    let length = 64 - leading - trailing;
    // 64 is written as 0.
    bits.bits(u64::from(length & 63), 6);
    bits.bits(delta >> trailing, length);
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Read<'a> {
        bytes: &'a [u8],
        at: usize,
    }

    impl Read<'_> {
        fn bits(&mut self, count: u32) -> u64 {
            (0..count).fold(0, |value, _| {
                let bit = self.bytes[self.at / 8] >> (7 - self.at % 8) & 1;
                self.at += 1;
                value << 1 | u64::from(bit)
            })
        }

        fn varint(&mut self) -> u64 {
            let (mut value, mut shift) = (0, 0);
            loop {
                let byte = self.bits(8);
                value |= (byte & 0x7f) << shift;
                shift += 7;
                if byte < 0x80 {
                    return value;
                }
            }
        }

        fn signed(&mut self, count: u32) -> i64 {
            let raw = self.bits(count);
            let raw = raw.cast_signed();
            if count < 64 && raw > 1 << (count - 1) { raw - (1 << count) } else { raw }
        }
    }

    /// A reader written from the format's description, so that the writer is not checked against itself.
    fn read(bytes: &[u8]) -> Vec<Sample> {
        let mut bits = Read { bytes, at: 0 };
        let count = bits.bits(16);
        let (mut at_ms, mut delta, mut value) = (0_i64, 0_i64, 0_u64);
        let (mut leading, mut trailing) = (0, 0);
        let mut samples = Vec::new();
        for place in 0..count {
            if place == 0 {
                at_ms = crate::wire::zigzag(bits.varint());
                value = bits.bits(64);
            } else {
                if place == 1 {
                    delta = bits.varint().cast_signed();
                } else {
                    let ones = (0..4).take_while(|_| bits.bits(1) == 1).count();
                    delta += [0, 14, 17, 20, 64].get(ones).map_or(0, |count| match count {
                        0 => 0,
                        count => bits.signed(*count),
                    });
                }
                at_ms += delta;
                if bits.bits(1) == 1 {
                    if bits.bits(1) == 1 {
                        leading = u32::try_from(bits.bits(5)).unwrap();
                        let length = u32::try_from(bits.bits(6)).unwrap();
                        trailing = 64 - leading - if length == 0 { 64 } else { length };
                    }
                    value ^= bits.bits(64 - leading - trailing) << trailing;
                }
            }
            samples.push(Sample { at_ms, value: f64::from_bits(value) });
        }
        samples
    }

    #[test]
    fn chunks_read_back() {
        let times =
            [1_000, 16_000, 31_000, 46_001, 47_000, 2_000_000, 9_000_000_000, 9_000_000_001];
        let values = [1.0, 1.0, 2.5, -3.0, f64::MAX, 0.0, 1e-300, 7.0];
        let samples: Vec<_> =
            times.iter().zip(values).map(|(at, value)| Sample { at_ms: *at, value }).collect();
        assert_eq!(read(&xor_chunk(&samples)), samples);
        assert_eq!(xor_chunk(&[]), [0, 0]);
    }
}
