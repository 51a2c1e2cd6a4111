//! Floats that grow by multiples of some step, as sums of quantised measurements do: the multiples as integers.
//!
//! A value is foretold as `last + (offset + step * multiple)`, in that order of operations, and what it is off by (a few of
//! the smallest differences that floats can have, when the step is right) is kept beside the multiple.

use super::floats::{disorder, order};

/// How many neighbours a step is looked for in.
const WINDOW: usize = 32;
/// How many such windows are tried: one that something odd lies in tells nothing.
const WINDOWS: usize = 4;
/// A step's square is at least so many times what two growths may be off by, times the growths: below that anything is a
/// multiple of anything.
const CLEARNESS: f64 = 4_096.0;
/// Steps that clocks and money have, which may be finer than what can be found.
const USUAL_STEPS: [f64; 4] = [1e-3, 1e-6, 1e-9, 1e-2];
/// The least so many of the smallest differences make a step worth it.
const USUAL_MIN: f64 = 16.0;

/// How values grow.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Lattice {
    pub(super) offset: f64,
    pub(super) step: f64,
}

impl Lattice {
    /// The step of these values, if they seem to have one; all are finite.
    pub(super) fn find(values: &[f64]) -> Option<Self> {
        let greatest = values.iter().fold(0.0f64, |most, value| most.max(value.abs()));
        if !(greatest > f64::MIN_POSITIVE * 1e30 && greatest < f64::MAX / 4.0) {
            return None;
        }
        if let Some(step) = usual_step(values, greatest) {
            return Some(Self { offset: 0.0, step });
        }
        let windows = values.len().div_ceil(WINDOW).clamp(1, WINDOWS);
        let apart = values.len() / windows;
        let window = |at: usize| values.get(at * apart..(at * apart + WINDOW).min(values.len()));
        (0..windows).find_map(|at| in_window(window(at)?, values, greatest * f64::EPSILON))
    }

    #[inline]
    fn foretell(self, last: f64, multiple: i64) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "both sides round alike")]
        let multiple = multiple as f64;
        last + (self.offset + self.step * multiple)
    }

    /// The multiple between two values, and what the second is off by.
    #[inline]
    pub(super) fn take_apart(self, last: f64, value: f64) -> (i64, i64) {
        #[expect(clippy::cast_possible_truncation, reason = "what is off is kept")]
        let multiple = ((value - last - self.offset) / self.step).round() as i64;
        let foretold = order(self.foretell(last, multiple).to_bits());
        (multiple, order(value.to_bits()).wrapping_sub(foretold))
    }

    #[inline]
    pub(super) fn put_together(self, last: f64, multiple: i64, off: i64) -> f64 {
        let foretold = order(self.foretell(last, multiple).to_bits());
        f64::from_bits(disorder(foretold.wrapping_add(off)))
    }
}

/// One of the usual steps, if nearly all of a sample are multiples of it.
fn usual_step(values: &[f64], greatest: f64) -> Option<f64> {
    let unit = greatest * f64::EPSILON;
    let sample = &values[..values.len().min(2 * WINDOW)];
    let fits = |step: f64| {
        let off = |pair: &&[f64]| {
            let multiple = (pair[1] - pair[0]) / step;
            (multiple - multiple.round()).abs() * step <= 2.0 * unit
        };
        sample.windows(2).filter(off).count() * 16 >= (sample.len() - 1) * 15
    };
    USUAL_STEPS.into_iter().find(|step| *step >= USUAL_MIN * unit && fits(*step))
}

fn in_window(window: &[f64], values: &[f64], unit: f64) -> Option<Lattice> {
    if window.len() < WINDOW / 2 {
        return None;
    }
    let (least, most) = (extreme(values, f64::min), extreme(values, f64::max));
    // What stops at a bound did not get there by whole steps.
    let free = |pair: &&[f64]| pair[1] != least && pair[1] != most;
    let mut growths: Vec<f64> =
        window.windows(2).filter(free).map(|pair| pair[1] - pair[0]).collect();
    if growths.len() < WINDOW / 2 {
        return None;
    }
    growths.sort_unstable_by(f64::total_cmp);
    let rough = common_step(&growths, unit)?;
    let least = growths[0];
    // Ever greater multiples tell the step ever better.
    let mut step = rough;
    for growth in &growths {
        let multiple = ((growth - least) / step).round();
        if multiple > 0.0 {
            step = (growth - least) / multiple;
        }
    }
    let offset = settle_offset(values, Lattice { offset: least, step }, unit);
    Some(Lattice { offset, step })
}

fn extreme(values: &[f64], of: impl Fn(f64, f64) -> f64) -> f64 {
    values.iter().copied().reduce(of).unwrap_or_default()
}

/// What sorted growths, each off by `unit` at most, are multiples of beside the least of them.
fn common_step(growths: &[f64], unit: f64) -> Option<f64> {
    let mut step = 0.0f64;
    for pair in growths.windows(2) {
        let apart = pair[1] - pair[0];
        if apart <= 4.0 * unit {
            continue;
        }
        if step == 0.0 {
            step = apart;
            continue;
        }
        // Euclid's way; what a rest may be off by grows with the multiples that were taken off.
        let whole = apart.max(step);
        let (mut a, mut b) = (whole, apart.min(step));
        loop {
            let rest = a % b;
            let rest = rest.min(b - rest);
            if rest <= 4.0 * unit * (whole / b) {
                break;
            }
            (a, b) = (b, rest);
            if b * b < CLEARNESS * unit * whole {
                return None;
            }
        }
        step = whole / (whole / b).round();
    }
    (step > 0.0).then_some(step)
}

/// The mean of what growths are beside multiples of the step.
fn settle_offset(values: &[f64], rough: Lattice, unit: f64) -> f64 {
    let (mut sum, mut count) = (0.0, 0.0);
    for pair in values.windows(2) {
        let beside = pair[1] - pair[0] - rough.offset;
        let rest = beside - (beside / rough.step).round() * rough.step;
        if rest.abs() <= 4.0 * unit {
            sum += rest;
            count += 1.0;
        }
    }
    if count > 0.0 { rough.offset + sum / count } else { rough.offset }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Small numbers that look random.
    fn noise(count: u64) -> impl Iterator<Item = f64> {
        (0..count).map(|at| {
            let mixed = (at + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            ((mixed ^ mixed >> 29).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 48) as f64
        })
    }

    fn sums(growths: impl Iterator<Item = f64>) -> Vec<f64> {
        growths
            .scan(0.5, |sum, growth| {
                *sum += growth;
                Some(*sum)
            })
            .collect()
    }

    /// The middle one of what values are off by.
    fn usual_off(values: &[f64]) -> i64 {
        let lattice = Lattice::find(values).unwrap();
        let mut offs: Vec<i64> = values
            .windows(2)
            .map(|pair| {
                let (multiple, off) = lattice.take_apart(pair[0], pair[1]);
                let back = lattice.put_together(pair[0], multiple, off);
                assert_eq!(back.to_bits(), pair[1].to_bits());
                off.abs()
            })
            .collect();
        offs.sort_unstable();
        offs[offs.len() / 2]
    }

    #[test]
    fn finds_steps() {
        let walk = sums(noise(400).map(|n| (n / 37_837.0 - 0.866) * f64::from(0.02f32)));
        assert!(usual_off(&walk) <= 1);
        let seconds = sums(noise(400).map(|n| n * 1e-9 * 50.0));
        assert!(usual_off(&seconds) <= 1);
        let shares: Vec<f64> = noise(400).map(|n| n / 65_521.0).collect();
        assert!(usual_off(&shares) <= 2);
    }

    #[test]
    fn finds_none_where_there_is_none() {
        let sines: Vec<f64> = (0..400).map(|at| f64::from(at * at).sin()).collect();
        assert_eq!(Lattice::find(&sines), None);
        assert_eq!(Lattice::find(&[1e-310; 400]), None);
    }
}
