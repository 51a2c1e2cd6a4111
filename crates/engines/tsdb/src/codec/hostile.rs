//! Sections that nobody wrote: their checksums are right, and what they say is not.

use model::Points;

use super::{
    cursor::{Cursor, put_count},
    *,
};

/// A column that is 0 for all samples.
const ZEROS: [u8; 2] = [0, 0];

/// A run of histograms up to their columns: samples, schema, bounds that are all 0, and one layout.
fn run(samples: usize, schema: u8, bounds: usize, spans: &[(u8, u8)]) -> Vec<u8> {
    let mut out = Vec::new();
    put_count(&mut out, samples);
    out.push(schema);
    out.extend(ZEROS);
    put_count(&mut out, bounds);
    out.extend(if bounds > 0 { &ZEROS[..] } else { &[] });
    out.push(1);
    put_count(&mut out, spans.len());
    spans.iter().for_each(|(offset, length)| out.extend([*offset, *length]));
    out.push(0);
    // Hints: one number, or a tag and a number.
    out.extend(if samples == 1 { &[0][..] } else { &[1, 0] });
    // Count, zero count and sum.
    (0..3).for_each(|_| out.extend(ZEROS));
    out
}

fn read(bytes: &[u8], samples: usize) -> Result<usize, SectionError> {
    let times: Vec<i64> = (0..).take(samples).collect();
    let mut out = Vec::new();
    // Only the last is wanted: what comes before is gone through.
    histograms::read(&mut Cursor::new(bytes), &times, samples - 1..samples, &mut out)?;
    Ok(out.iter().map(|sample| sample.histogram.positive.len()).sum())
}

#[test]
fn a_layout_that_names_buckets_again_is_refused() {
    // Each further span goes back over the same four buckets: counts without end from a few bytes.
    let good = [run(2, 0, 0, &[(0, 4)]), ZEROS.repeat(4)].concat();
    assert_eq!(read(&good, 2), Ok(4));
    let bad = [run(2, 0, 0, &[(0, 4), (7, 4), (7, 4)]), ZEROS.repeat(4)].concat();
    assert_eq!(read(&bad, 2), Err(SectionError::Malformed("span")));
}

#[test]
fn bounds_that_each_histogram_repeats_are_counted() {
    // There may be as many bounds as there are bytes, and they take no more than a few when all are alike.
    let bounds = 1 << 20;
    let runs = |count: usize| [run(1, 105, bounds, &[]).repeat(count), vec![0; bounds]].concat();
    assert_eq!(read(&runs(3), 3), Ok(0));
    let refused = read(&runs(70), 70);
    assert_eq!(refused, Err(SectionError::Malformed("number of histograms' cells")));
}

#[test]
fn a_time_column_longer_than_all_samples_is_refused() {
    let times: Vec<i64> = (0..100).collect();
    let mut writer = SectionWriter::new(Mode::Fast);
    writer.push(Columns::floats(Role::Plain, &times, &[1.0; 100]));
    let mut bytes = Vec::new();
    writer.finish(&mut bytes);
    for (samples, expected) in [(100_u64, Ok(())), (99, Err(SectionError::Malformed("count")))] {
        bytes[16..24].copy_from_slice(&samples.to_le_bytes());
        let end = bytes.len() - 4;
        let crc = crc32c::crc32c(&bytes[..end]).to_le_bytes();
        bytes[end..].copy_from_slice(&crc);
        let section = Section::open(&bytes).unwrap();
        let (mut scratch, mut points) = (Scratch::default(), Points::default());
        assert_eq!(section.read(0, 0, 200, &mut scratch, &mut points), expected);
    }
}
