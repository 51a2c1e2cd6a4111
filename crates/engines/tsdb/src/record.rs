//! How one append is written to the write-ahead log.
//!
//! `kind u8 | time of receipt | runs | values | histograms`. A *run* is of series with successive numbers and one time, which
//! is what a scraped target gives. Values follow all together: a code of four bits each, then the bytes that it names. A
//! record refers to no other, but to the registry for what its numbers mean.

pub(crate) mod histogram;

use std::sync::Arc;

use model::{Histogram, Timestamp};
use wal::codec::{DecodeError, Reader, put_int, put_len, put_uint, unzigzag, zigzag};

pub(crate) const KIND: u8 = 2;

/// A float on its way from a request into the log and the head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Item {
    pub(crate) id: u32,
    /// Its series' place in the request.
    pub(crate) place: u32,
    pub(crate) at_ms: i64,
    pub(crate) bits: u64,
}

/// A native histogram on that way.
#[derive(Clone, Debug)]
pub(crate) struct HistogramItem {
    pub(crate) id: u32,
    pub(crate) place: u32,
    pub(crate) at_ms: i64,
    pub(crate) histogram: Arc<Histogram>,
}

/// Appends the record of these samples to `out`.
pub(crate) fn encode(
    out: &mut Vec<u8>,
    received_at: Timestamp,
    items: &[Item],
    histograms: &[HistogramItem],
) {
    out.push(KIND);
    put_int(out, received_at.as_nanos());
    put_runs(out, received_at, items);
    put_values(out, items);
    put_len(out, histograms.len());
    let mut last = received_at.as_millis();
    for item in histograms {
        put_uint(out, u64::from(item.id));
        put_int(out, item.at_ms.wrapping_sub(last));
        last = item.at_ms;
        histogram::put(out, &item.histogram);
    }
}

fn put_runs(out: &mut Vec<u8>, received_at: Timestamp, items: &[Item]) {
    let continues = |a: &Item, b: &Item| a.id.wrapping_add(1) == b.id && a.at_ms == b.at_ms;
    put_len(out, items.chunk_by(continues).count());
    let (mut next, mut last_ms) = (0_i64, received_at.as_millis());
    for run in items.chunk_by(continues) {
        let first = i64::from(run[0].id);
        put_int(out, first - next);
        put_len(out, run.len());
        put_int(out, run[0].at_ms.wrapping_sub(last_ms));
        next = first + i64::try_from(run.len()).expect("a length in memory fits 63 bits");
        last_ms = run[0].at_ms;
    }
}

/// Codes 0 to 7: a whole number, zigzag, of so many bytes. Codes 8 to 15: the upper 1 to 8 bytes of a float.
fn put_values(out: &mut Vec<u8>, items: &[Item]) {
    let codes = out.len();
    let mut at = codes + items.len().div_ceil(2);
    out.resize(at + items.len() * 8 + 8, 0);
    for (number, item) in items.iter().enumerate() {
        let (code, bytes) = value(item.bits);
        out[codes + number / 2] |= code << (number % 2 * 4);
        out[at..at + 8].copy_from_slice(&bytes);
        at += code_bytes(code);
    }
    out.truncate(at);
}

fn code_bytes(code: u8) -> usize {
    usize::from(if code < 8 { code } else { code - 7 })
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "what does not survive the cast is kept as a float"
)]
fn value(bits: u64) -> (u8, [u8; 8]) {
    let float = f64::from_bits(bits);
    let whole = float as i64;
    if (whole as f64).to_bits() == bits && whole.unsigned_abs() < 1 << 54 {
        let whole = zigzag(whole);
        let code = (64 - whole.leading_zeros()).div_ceil(8);
        (u8::try_from(code).expect("at most seven bytes"), whole.to_le_bytes())
    } else {
        let used = (8 - bits.trailing_zeros() / 8).max(1);
        let bytes = bits.to_be_bytes();
        (u8::try_from(7 + used).expect("at most eight bytes"), bytes)
    }
}

fn bits(code: u8, bytes: [u8; 8]) -> u64 {
    if code < 8 {
        let whole = unzigzag(u64::from_le_bytes(bytes));
        #[expect(clippy::cast_precision_loss, reason = "it was a float with this value")]
        let float = whole as f64;
        float.to_bits()
    } else {
        u64::from_be_bytes(bytes)
    }
}

/// What a record holds.
#[derive(Debug, Default)]
pub(crate) struct Decoded {
    pub(crate) received_at: Timestamp,
    pub(crate) items: Vec<Item>,
    pub(crate) histograms: Vec<HistogramItem>,
}

/// Reads a record into `into`, in place of what that held.
pub(crate) fn decode(payload: &[u8], into: &mut Decoded) -> Result<(), DecodeError> {
    into.items.clear();
    into.histograms.clear();
    let reader = &mut Reader::new(payload);
    if reader.byte("kind")? != KIND {
        return Err(reader.error("kind"));
    }
    into.received_at = Timestamp::from_nanos(reader.int("time of receipt")?);
    read_runs(reader, into)?;
    read_values(reader, &mut into.items)?;
    let mut at_ms = into.received_at.as_millis();
    for _ in 0..reader.len("histograms")? {
        let id = id(reader.uint("series")?, reader)?;
        at_ms = at_ms.wrapping_add(reader.int("time")?);
        let histogram = Arc::new(histogram::read(reader)?);
        into.histograms.push(HistogramItem { id, place: 0, at_ms, histogram });
    }
    if reader.is_empty() { Ok(()) } else { Err(reader.error("the end")) }
}

fn id(value: u64, reader: &Reader<'_>) -> Result<u32, DecodeError> {
    u32::try_from(value).map_err(|_| reader.error("series"))
}

fn read_runs(reader: &mut Reader<'_>, into: &mut Decoded) -> Result<(), DecodeError> {
    let (mut next, mut at_ms) = (0_i64, into.received_at.as_millis());
    for _ in 0..reader.len("runs")? {
        let first = next.wrapping_add(reader.int("series")?);
        // Each sample has half a byte at least.
        let len = usize::try_from(reader.uint("samples")?).unwrap_or(usize::MAX);
        if len > reader.rest().len().saturating_mul(2).saturating_sub(into.items.len()) {
            return Err(reader.error("samples"));
        }
        at_ms = at_ms.wrapping_add(reader.int("time")?);
        let last = first.checked_add_unsigned(len as u64).ok_or(reader.error("series"))?;
        let first = u32::try_from(first).map_err(|_| reader.error("series"))?;
        if u32::try_from(last).is_err() {
            return Err(reader.error("series"));
        }
        into.items.extend((first..).take(len).map(|id| Item { id, place: 0, at_ms, bits: 0 }));
        next = last;
    }
    Ok(())
}

fn read_values(reader: &mut Reader<'_>, items: &mut [Item]) -> Result<(), DecodeError> {
    let codes = reader.take(items.len().div_ceil(2), "codes")?;
    for (number, item) in items.iter_mut().enumerate() {
        let code = codes[number / 2] >> (number % 2 * 4) & 0xf;
        let len = code_bytes(code);
        let mut bytes = [0; 8];
        bytes[..len].copy_from_slice(reader.take(len, "value")?);
        item.bits = bits(code, bytes);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn bits_of() -> impl Strategy<Value = u64> {
        prop_oneof![
            any::<u64>(),
            any::<i32>().prop_map(|whole| f64::from(whole).to_bits()),
            (-10_000_i32..10_000).prop_map(|n| (f64::from(n) / 8.0).to_bits()),
            Just((-0.0_f64).to_bits()),
            Just(model::Sample::STALE),
            Just(f64::INFINITY.to_bits()),
            Just((1_u64 << 53) as f64).prop_map(f64::to_bits),
            Just(1e300_f64.to_bits()),
        ]
    }

    fn items() -> impl Strategy<Value = Vec<Item>> {
        let item = (0_u32..50, prop_oneof![Just(7_i64), any::<i64>()], bits_of());
        let item = item.prop_map(|(id, at_ms, bits)| Item { id, place: 0, at_ms, bits });
        let run = (0_u32..1000, 0_u32..30, any::<i64>(), bits_of()).prop_map(
            |(first, len, at_ms, bits)| {
                (first..first + len).map(|id| Item { id, place: 0, at_ms, bits }).collect()
            },
        );
        prop::collection::vec(prop_oneof![item.prop_map(|item| vec![item]), run], 0..12)
            .prop_map(|parts| parts.concat())
    }

    proptest! {
        #[test]
        fn round_trips(items in items(), received: i64) {
            let mut out = Vec::new();
            let received_at = Timestamp::from_nanos(received);
            let histogram = Arc::new(Histogram {
                count: 2.5,
                positive_spans: vec![model::BucketSpan { offset: 3, length: 1 }],
                positive: vec![2.5],
                ..Histogram::stale()
            });
            let histograms = [HistogramItem { id: 9, place: 0, at_ms: 5, histogram }];
            encode(&mut out, received_at, &items, &histograms);
            let mut decoded = Decoded::default();
            prop_assert_eq!(decode(&out, &mut decoded), Ok(()));
            prop_assert_eq!(decoded.received_at, received_at);
            prop_assert_eq!(&decoded.items, &items);
            prop_assert_eq!(decoded.histograms[0].histogram.sum.to_bits(), model::Sample::STALE);
            prop_assert_eq!(&decoded.histograms[0].histogram.positive, &[2.5]);
        }

        #[test]
        fn rubbish_never_panics(
            items in items(),
            rubbish in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..9),
        ) {
            let mut bytes = Vec::new();
            encode(&mut bytes, Timestamp::EPOCH, &items, &[]);
            for (at, byte) in rubbish {
                let at = at.index(bytes.len());
                bytes[at] = byte;
            }
            decode(&bytes, &mut Decoded::default()).ok();
        }
    }
    #[test]
    fn spans_that_name_more_buckets_than_there_are_counts_are_refused() {
        let decoded = |length: u32, positive: Vec<f64>| {
            let spans = vec![model::BucketSpan { offset: 0, length }];
            let histogram = Histogram { positive_spans: spans, positive, ..Histogram::stale() };
            let item = HistogramItem { id: 1, place: 0, at_ms: 5, histogram: histogram.into() };
            let mut out = Vec::new();
            encode(&mut out, Timestamp::EPOCH, &[], &[item]);
            decode(&out, &mut Decoded::default())
        };
        assert_eq!(decoded(1, vec![1.0]), Ok(()));
        assert_eq!(decoded(u32::MAX, Vec::new()).unwrap_err().what, "spans");
    }
}
