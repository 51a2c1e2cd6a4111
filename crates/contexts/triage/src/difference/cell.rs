//! Counts of events with adjusted weights, on both sides.

use crate::bounds::{self, Nats, Share};

/// Events, and what they stand for where only some were kept.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Tally {
    /// Events seen.
    pub events: u64,
    /// The sum of their adjusted counts.
    pub weight: f64,
    /// The sum of the squares of their adjusted counts, from which the variance of a share follows.
    square: f64,
}

/// One property's (or all) events on the two sides.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Counts {
    pub inside: Tally,
    pub outside: Tally,
}

/// An adjusted count is no more than this; what a stranger claims beyond is not believed.
const WEIGHT_MAX: f64 = (1 << 20) as f64;

/// Adjusted counts are rounded to this fraction, so that their sums are exact in every order of events.
const WEIGHT_STEP: f64 = 1.0 / 256.0;

impl Tally {
    /// One event. An adjusted count that is no positive number is taken as 1.
    pub(crate) fn one(weight: f64) -> Self {
        let weight = if weight > 0.0 {
            (weight.min(WEIGHT_MAX) / WEIGHT_STEP).round().max(1.0) * WEIGHT_STEP
        } else {
            1.0
        };
        Self { events: 1, weight, square: weight * weight }
    }

    pub(crate) fn add(&mut self, other: &Self) {
        self.events += other.events;
        self.weight += other.weight;
        self.square += other.square;
    }

    /// The events of `self` that are not among `part`'s.
    pub(crate) fn without(&self, part: &Self) -> Self {
        Self {
            events: self.events.saturating_sub(part.events),
            weight: (self.weight - part.weight).max(0.0),
            square: (self.square - part.square).max(0.0),
        }
    }

    /// The share of `self` in `total`, with the number of events of equal weight that would vary as much.
    pub(crate) fn share_of(&self, total: &Self) -> Share {
        if total.weight <= 0.0 {
            return Share { value: 0.0, events: 0.0 };
        }
        let value = (self.weight / total.weight).clamp(0.0, 1.0);
        let rest = total.without(self);
        let variance = (1.0 - value).powi(2) * self.square + value.powi(2) * rest.square;
        let whole = total.weight * total.weight;
        let events = if self.events == 0 || rest.events == 0 || variance <= 0.0 {
            whole / total.square
        } else {
            value * (1.0 - value) * whole / variance
        };
        Share { value, events }
    }
}

impl Counts {
    pub(crate) fn side(&mut self, inside: bool) -> &mut Tally {
        if inside { &mut self.inside } else { &mut self.outside }
    }

    pub(crate) fn add(&mut self, other: &Self) {
        self.inside.add(&other.inside);
        self.outside.add(&other.outside);
    }

    pub(crate) fn without(&self, part: &Self) -> Self {
        Self {
            inside: self.inside.without(&part.inside),
            outside: self.outside.without(&part.outside),
        }
    }

    pub(crate) fn shares_of(&self, total: &Self) -> [Share; 2] {
        [self.inside.share_of(&total.inside), self.outside.share_of(&total.outside)]
    }

    /// Events on both sides.
    pub fn events(&self) -> u64 {
        self.inside.events + self.outside.events
    }

    /// Adjusted count of both sides.
    pub fn weight(&self) -> f64 {
        self.inside.weight + self.outside.weight
    }
}

/// How sure the bounds are by which rows are ranked: 95 % each (`ln 20`).
pub(crate) const RANKING_SURE: Nats = 3.0;

/// How well a property separates inside from outside.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Effect {
    /// The share inside less the share outside.
    pub(crate) difference: f64,
    /// The difference at the worse bounds of [`RANKING_SURE`]; 0 when these overlap.
    pub(crate) difference_low: f64,
    /// Bits, from the shares as counted.
    pub(crate) separation: f64,
    /// Bits, from the shares at the same bounds; 0 when these overlap.
    pub(crate) separation_low: f64,
}

impl Effect {
    pub(crate) fn of(with: &Counts, total: &Counts) -> Self {
        let [inside, outside] = with.shares_of(total);
        let bounds = bounds_apart(inside, outside, RANKING_SURE);
        Self {
            difference: inside.value - outside.value,
            difference_low: bounds.map_or(0.0, |[near, far]| near - far),
            separation: bounds::separation(inside.value, outside.value),
            separation_low: bounds.map_or(0.0, |[near, far]| bounds::separation(near, far)),
        }
    }
}

/// Whether the bounds of the shares inside and outside do not overlap.
pub(crate) fn is_sure(with: &Counts, total: &Counts, sure: Nats) -> bool {
    let [inside, outside] = with.shares_of(total);
    bounds_apart(inside, outside, sure).is_some()
}

/// The bounds of both shares that face each other, unless they overlap.
fn bounds_apart(inside: Share, outside: Share, sure: Nats) -> Option<[f64; 2]> {
    if evidence(inside, outside) <= sure {
        return None;
    }
    let more = inside.value > outside.value;
    let (near, far) = if more {
        (inside.low(sure), outside.high(sure))
    } else {
        (inside.high(sure), outside.low(sure))
    };
    ((near > far) == more && near != far).then_some([near, far])
}

/// The log likelihood ratio, in nats, of two shares against one that both have. Bounds can only part when it exceeds the
/// nats asked of each: whatever the common share were, one side's divergence from it would.
fn evidence(inside: Share, outside: Share) -> Nats {
    let events = inside.events + outside.events;
    if events <= 0.0 {
        return 0.0;
    }
    let pooled = (inside.value * inside.events + outside.value * outside.events) / events;
    inside.events * bounds::divergence(inside.value, pooled)
        + outside.events * bounds::divergence(outside.value, pooled)
}

/// The evidence that the share of `with` is greater inside than outside; 0 when it is not.
pub(crate) fn evidence_of_more(with: &Counts, total: &Counts) -> Nats {
    let [inside, outside] = with.shares_of(total);
    if inside.value > outside.value { evidence(inside, outside) } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(weights: &[f64]) -> Tally {
        let mut tally = Tally::default();
        weights.iter().for_each(|weight| tally.add(&Tally::one(*weight)));
        tally
    }

    #[test]
    fn equal_weights_count_as_events() {
        for weight in [1.0, 8.0] {
            let share = tally(&[weight; 25]).share_of(&tally(&[weight; 100]));
            assert!((share.value - 0.25).abs() < 1e-12);
            assert!((share.events - 100.0).abs() < 1e-9, "{share:?}");
        }
    }

    #[test]
    fn one_heavy_event_is_one_event() {
        let mut weights = vec![1.0; 900];
        weights.push(100.0);
        let share = tally(&[100.0]).share_of(&tally(&weights));
        assert!((share.value - 0.1).abs() < 1e-12);
        assert!(share.events < 12.0, "{share:?}");
    }

    #[test]
    fn strange_weights_do_no_harm() {
        for weight in [f64::NAN, -1.0, 0.0] {
            assert_eq!(Tally::one(weight), Tally::one(1.0));
        }
        assert!((Tally::one(f64::INFINITY).weight - WEIGHT_MAX).abs() < 1e-9);
        assert!(Tally::one(1e-9).weight > 0.0);
    }

    #[test]
    fn overlapping_bounds_separate_nothing() {
        let total = Counts { inside: tally(&[1.0; 20]), outside: tally(&[1.0; 1000]) };
        let some = Counts { inside: tally(&[1.0; 5]), outside: tally(&[1.0; 200]) };
        assert!(Effect::of(&some, &total).separation > 0.0);
        assert_eq!(Effect::of(&some, &total).separation_low, 0.0);
        let most = Counts { inside: tally(&[1.0; 19]), outside: tally(&[1.0; 50]) };
        assert!(Effect::of(&most, &total).separation_low > 0.2);
        assert!(is_sure(&most, &total, 1e4_f64.ln()) && !is_sure(&most, &total, 60.0));
        let few = Counts { inside: tally(&[]), outside: tally(&[1.0; 900]) };
        assert!(Effect::of(&few, &total).difference_low < -0.3);
    }
}
