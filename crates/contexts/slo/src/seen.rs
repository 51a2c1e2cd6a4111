//! Which spans were counted lately, so that a span that an exporter sends again counts once.
//!
//! Ids are kept in generations of 5 minutes by arrival, the open one and the two before it: an id is known for 10 to 15
//! minutes after its last arrival. What is known is a function of the arrivals of the last 15 minutes alone, so that
//! feeding those again after a restart gives the same answers.

use std::collections::BTreeSet;

use model::{Span, Timestamp};

/// The most ids that a generation holds (3,300 counted spans a second); a span above that may count twice when it is
/// sent twice. Three full generations take some 70 MB.
pub(crate) const SPANS_PER_GENERATION_MAX: usize = 1_000_000;

const GENERATION_S: i64 = 300;
const GENERATIONS: usize = 3;
const KEPT: i64 = GENERATIONS as i64;

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Seen {
    /// The open generation's number: its start divided by its width.
    open: i64,
    /// Newest first.
    generations: [BTreeSet<u128>; GENERATIONS],
    per_generation_max: usize,
}

impl Seen {
    pub(crate) fn new(per_generation_max: usize) -> Self {
        Self { open: i64::MIN / 2, generations: Default::default(), per_generation_max }
    }

    /// Closes generations that are over at `now`. A clock that goes back closes nothing, unless it was so far ahead that
    /// nothing would be forgotten until time caught up.
    pub(crate) fn advance(&mut self, now: Timestamp) {
        let generation = now.as_secs().div_euclid(GENERATION_S);
        if generation < self.open - KEPT {
            self.generations = Default::default();
            self.open = generation;
        }
        for _ in self.open..generation.min(self.open + KEPT) {
            self.generations.rotate_right(1);
            self.generations[0] = BTreeSet::new();
        }
        self.open = self.open.max(generation);
    }

    /// Remembers the span; whether it was not known yet.
    pub(crate) fn is_new(&mut self, span: &Span) -> bool {
        let key = key(span);
        let [open, before @ ..] = &mut self.generations;
        if open.contains(&key) {
            return false;
        }
        if open.len() < self.per_generation_max {
            open.insert(key);
        }
        !before.iter().any(|generation| generation.contains(&key))
    }
}

/// The span id and the trace id's last 8 bytes: its first ones are a time, or zero, in some systems.
fn key(span: &Span) -> u128 {
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&span.span_id.0);
    bytes[8..].copy_from_slice(&span.trace_id.0[8..]);
    u128::from_be_bytes(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::counters::tests::span;

    fn at(secs: i64) -> Timestamp {
        Timestamp::from_secs(secs)
    }

    #[test]
    fn an_id_is_known_for_ten_minutes_and_forgotten_after_fifteen() {
        for (second, new) in [(299, false), (600, false), (899, false), (900, true), (90_000, true)]
        {
            let mut seen = Seen::new(10);
            seen.advance(at(0));
            assert!(seen.is_new(&span(1)));
            seen.advance(at(second));
            assert_eq!(seen.is_new(&span(1)), new, "{second}");
        }
    }

    #[test]
    fn an_arrival_renews_what_is_known() {
        let mut seen = Seen::new(10);
        let answers: Vec<bool> = [0, 600, 1200, 1800]
            .into_iter()
            .map(|second| {
                seen.advance(at(second));
                seen.is_new(&span(1))
            })
            .collect();
        assert_eq!(answers, [true, false, false, false]);
    }

    #[test]
    fn a_full_generation_takes_no_more() {
        let mut seen = Seen::new(2);
        seen.advance(at(0));
        assert!((0..5).all(|id| seen.is_new(&span(id))));
        assert_eq!(
            (0..5).map(|id| seen.is_new(&span(id))).collect::<Vec<_>>(),
            [false, false, true, true, true]
        );
    }
}
