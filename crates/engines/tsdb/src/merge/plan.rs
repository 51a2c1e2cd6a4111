//! Which parts to merge.

use std::collections::{BTreeMap, BTreeSet};

use model::Timestamp;

use crate::part::PartMeta;

/// How fast samples come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pace {
    /// Hardly any: what there is can be brought into its final form.
    Rest,
    /// So that a flush takes a while to come about.
    Slow,
    /// As fast as senders can: merges wait, so that each sample is merged once.
    Fast,
}

/// Parts as flushed that are merged at once when samples come fast, and when they do not.
const FAN_FAST: usize = 16;
const FAN_SLOW: usize = 8;
/// A larger part joins when it has at most so many times the samples of the smaller ones.
const JOIN: f64 = 1.5;
/// Parts that have so many samples together are merged whatever their sizes, when there is time.
const SMALL: u64 = 500_000;
/// A part of so many bytes is large enough.
const BYTES_MAX: u64 = 8 << 30;
/// Parts of a window that has ended are merged whatever their sizes, when so many are left, this long after.
const ENDED_AFTER_MS: i64 = 2 * 3600 * 1000;

/// The places of parts that are to be merged, in their order; `None` when nothing is worth while.
pub(super) fn plan(
    parts: &[&PartMeta],
    pace: Pace,
    now: Timestamp,
    window_ms: i64,
    deleted: &BTreeSet<u64>,
) -> Option<Vec<usize>> {
    // One that holds what was deleted is written anew by itself.
    if pace != Pace::Fast
        && let Some(at) = parts.iter().position(|part| deleted.contains(&part.number))
    {
        return Some(vec![at]);
    }
    let mut windows: BTreeMap<i64, Vec<usize>> = BTreeMap::new();
    for (at, part) in parts.iter().enumerate() {
        if part.bytes < BYTES_MAX {
            windows.entry(part.window_ms).or_default().push(at);
        }
    }
    for (window, places) in windows {
        let flushed = places.iter().filter(|at| parts[**at].level == 0).count();
        let has_ended = window
            .checked_add(window_ms)
            .and_then(|end| end.checked_add(ENDED_AFTER_MS))
            .is_none_or(|end| now.as_millis() >= end);
        let fan = match pace {
            Pace::Fast => FAN_FAST,
            Pace::Slow => FAN_SLOW,
            Pace::Rest => 2,
        };
        let mut chosen: Vec<usize> = Vec::new();
        let mut samples = 0_u64;
        // From the newest on, without a gap: where parts have a sample of one time, the older part's counts.
        for at in places.iter().copied().rev() {
            let joins = parts[at].level == 0
                || chosen.is_empty()
                || pace != Pace::Fast && parts[at].samples + samples <= SMALL
                || (parts[at].samples as f64) <= samples as f64 * JOIN
                || has_ended && pace == Pace::Rest;
            if !joins {
                break;
            }
            chosen.push(at);
            samples += parts[at].samples;
        }
        let is_due = flushed >= fan
            || pace == Pace::Rest && chosen.len() >= 2
            || pace == Pace::Slow && chosen.len() >= FAN_SLOW
            // The last flush of a rest is brought into its final form, too.
            || pace == Pace::Rest && flushed >= 1 && chosen.len() == 1;
        if is_due && !chosen.is_empty() {
            chosen.sort_unstable();
            return Some(chosen);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(number: u64, level: u8, samples: u64) -> PartMeta {
        PartMeta {
            number,
            level,
            window_ms: 0,
            min_ms: 0,
            max_ms: 1,
            samples,
            series: 1,
            bytes: samples,
            directory_offset: 0,
            directory_bytes: 0,
            directory_crc: 0,
        }
    }

    fn check(parts: &[(u8, u64)], pace: Pace, expected: Option<&[usize]>) {
        let parts: Vec<PartMeta> =
            (0..).zip(parts).map(|(n, (level, samples))| part(n, *level, *samples)).collect();
        let parts: Vec<&PartMeta> = parts.iter().collect();
        let found = plan(&parts, pace, Timestamp::from_secs(1000), 86_400_000, &BTreeSet::new());
        assert_eq!(found.as_deref(), expected);
    }

    #[test]
    fn merges_what_is_worth_while() {
        check(&[(0, 9); 15], Pace::Fast, None);
        check(&[(0, 9); 16], Pace::Fast, Some(&(0..16).collect::<Vec<_>>()));
        check(&[(0, 9); 2], Pace::Slow, None);
        check(&[(0, 9); 2], Pace::Rest, Some(&[0, 1]));
        check(&[(0, 9)], Pace::Rest, Some(&[0]));
        check(&[(1, 9)], Pace::Rest, None);
        const M: u64 = 1_000_000;
        check(&[(1, 90), (0, 9)], Pace::Rest, Some(&[0, 1]));
        check(&[(1, 90 * M), (0, 9)], Pace::Rest, Some(&[1]));
        check(&[(1, 12 * M), (0, 9 * M)], Pace::Rest, Some(&[0, 1]));
        check(&[(1, 100 * M), (1, 10 * M)], Pace::Rest, None);
        check(&[(1, 100 * M), (1, 90 * M)], Pace::Rest, Some(&[0, 1]));
        check(&[(1, M), (1, 9 * M), (1, 8 * M)], Pace::Rest, Some(&[0, 1, 2]));
    }
}
