//! Buckets as pairs of index and count.

use model::BucketSpan;

/// Buckets in the order of their indices, each index once.
pub(super) type Bins = Vec<(i32, f64)>;

/// The buckets that spans name.
pub(super) fn bins(spans: &[BucketSpan], counts: &[f64]) -> Bins {
    let mut out = Vec::with_capacity(counts.len());
    let mut left = counts.iter();
    let mut index = 0_i32;
    for span in spans {
        index = index.saturating_add(span.offset);
        for _ in 0..span.length {
            let Some(count) = left.next() else { return out };
            out.push((index, *count));
            index = index.saturating_add(1);
        }
    }
    out
}

/// Spans and counts of all bins that are not empty.
pub(super) fn spans(bins: &[(i32, f64)]) -> (Vec<BucketSpan>, Vec<f64>) {
    let mut spans: Vec<BucketSpan> = Vec::new();
    let mut counts = Vec::with_capacity(bins.len());
    let mut next = 0_i32;
    for &(index, count) in bins.iter().filter(|(_, count)| *count != 0.0) {
        match spans.last_mut() {
            Some(span) if index == next => span.length += 1,
            Some(_) | None => {
                let offset = if spans.is_empty() { index } else { index.saturating_sub(next) };
                spans.push(BucketSpan { offset, length: 1 });
            }
        }
        counts.push(count);
        next = index.saturating_add(1);
    }
    (spans, counts)
}

/// The index that bucket `index` of `from` has in the coarser schema `to`.
pub(super) fn target(index: i32, from: i32, to: i32) -> i32 {
    let shift = u32::try_from(from.saturating_sub(to)).unwrap_or(0).min(31);
    (index.saturating_sub(1) >> shift).saturating_add(1)
}

/// Merges buckets of schema `from` into those of the coarser schema `to`.
pub(super) fn reduce(bins: Bins, from: i32, to: i32) -> Bins {
    if from <= to {
        return bins;
    }
    let mut out: Bins = Vec::with_capacity(bins.len());
    for (index, count) in bins {
        let index = target(index, from, to);
        match out.last_mut() {
            Some((last, total)) if *last == index => *total += count,
            Some(_) | None => out.push((index, count)),
        }
    }
    out
}

/// Both lists' buckets; `both` joins those that are in each, `right` makes one of what only the second has.
pub(super) fn merge<A: Copy>(
    left: &[(i32, A)],
    right: &[(i32, f64)],
    both: impl Fn(A, f64) -> A,
    only: impl Fn(f64) -> A,
) -> Vec<(i32, A)> {
    let mut out = Vec::with_capacity(left.len().max(right.len()));
    let (mut a, mut b) = (left.iter().peekable(), right.iter().peekable());
    loop {
        match (a.peek(), b.peek()) {
            (Some(&&(i, x)), Some(&&(j, y))) if i == j => {
                out.push((i, both(x, y)));
                a.next();
                b.next();
            }
            (Some(&&(i, x)), Some(&&(j, _))) if i < j => {
                out.push((i, x));
                a.next();
            }
            (_, Some(&&(j, y))) => {
                out.push((j, only(y)));
                b.next();
            }
            (Some(&&(i, x)), None) => {
                out.push((i, x));
                a.next();
            }
            (None, None) => return out,
        }
    }
}
