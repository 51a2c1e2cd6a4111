//! How a native histogram is written to the write-ahead log: plainly, all of it.

use model::{BucketSpan, Histogram, ResetHint};
use wal::codec::{DecodeError, Reader, put_int, put_len, put_uint};

pub(crate) fn put(out: &mut Vec<u8>, histogram: &Histogram) {
    put_int(out, i64::from(histogram.schema));
    out.push(match histogram.reset_hint {
        ResetHint::Unknown => 0,
        ResetHint::Reset => 1,
        ResetHint::NotReset => 2,
        ResetHint::Gauge => 3,
    });
    for value in [histogram.zero_threshold, histogram.zero_count, histogram.count, histogram.sum] {
        out.extend_from_slice(&value.to_bits().to_le_bytes());
    }
    for spans in [&histogram.positive_spans, &histogram.negative_spans] {
        put_len(out, spans.len());
        for span in spans {
            put_int(out, i64::from(span.offset));
            put_uint(out, u64::from(span.length));
        }
    }
    for values in [&histogram.positive, &histogram.negative, &histogram.custom_values] {
        put_len(out, values.len());
        for value in values {
            // Counts are small whole numbers mostly: those end in zero bytes.
            put_uint(out, value.to_bits().swap_bytes());
        }
    }
}

pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Histogram, DecodeError> {
    let schema = i32::try_from(reader.int("schema")?).map_err(|_| reader.error("schema"))?;
    let reset_hint = match reader.byte("reset hint")? {
        0 => ResetHint::Unknown,
        1 => ResetHint::Reset,
        2 => ResetHint::NotReset,
        3 => ResetHint::Gauge,
        _ => return Err(reader.error("reset hint")),
    };
    let mut float = || Ok(f64::from_bits(u64::from_le_bytes(reader.array("number")?)));
    let (zero_threshold, zero_count, count, sum) = (float()?, float()?, float()?, float()?);
    let histogram = Histogram {
        schema,
        zero_threshold,
        zero_count,
        count,
        sum,
        positive_spans: spans(reader)?,
        negative_spans: spans(reader)?,
        positive: values(reader)?,
        negative: values(reader)?,
        custom_values: values(reader)?,
        reset_hint,
    };
    // A flush goes through all buckets that the spans name: as many as there are counts, not as many as they say.
    histogram.validate_spans().map_err(|_| reader.error("spans"))?;
    Ok(histogram)
}

fn spans(reader: &mut Reader<'_>) -> Result<Vec<BucketSpan>, DecodeError> {
    (0..reader.len("spans")?)
        .map(|_| {
            let offset =
                i32::try_from(reader.int("offset")?).map_err(|_| reader.error("offset"))?;
            let length =
                u32::try_from(reader.uint("length")?).map_err(|_| reader.error("length"))?;
            Ok(BucketSpan { offset, length })
        })
        .collect()
}

fn values(reader: &mut Reader<'_>) -> Result<Vec<f64>, DecodeError> {
    (0..reader.len("values")?)
        .map(|_| Ok(f64::from_bits(reader.uint("value")?.swap_bytes())))
        .collect()
}
