//! Native histograms of a group at each step.

use model::{Histogram, ResetHint};

use crate::{
    ast::AggregateOp,
    eval::{
        cells::Cells,
        notes::{Join, Kind, Notes},
    },
    histogram::{Incompatible, Mean, Outcome, Sum},
    span::Span,
};

#[derive(Clone)]
enum Total {
    Sum(Sum),
    Mean(Mean),
}

impl Total {
    fn new(op: AggregateOp, first: &Histogram) -> Self {
        if op == AggregateOp::Sum {
            Self::Sum(Sum::new(first))
        } else {
            Self::Mean(Mean::new(first))
        }
    }

    fn add(&mut self, histogram: &Histogram) -> Result<Outcome, Incompatible> {
        match self {
            Self::Sum(sum) => sum.add(histogram),
            Self::Mean(mean) => mean.add(histogram),
        }
    }

    fn finish(&self) -> Histogram {
        match self {
            Self::Sum(sum) => sum.finish(),
            Self::Mean(mean) => mean.finish(),
        }
    }
}

/// The histograms of one step.
#[derive(Clone)]
struct Native {
    total: Total,
    reset: bool,
    not_reset: bool,
    /// Exponential and custom buckets met: there is no total.
    mixed_schemas: bool,
}

/// The histograms of all steps; empty when there are none.
#[derive(Default)]
pub(super) struct Natives {
    slots: Vec<Option<Box<Native>>>,
    /// What joining met; it is said at the end.
    reconciled: bool,
    mixed_schemas: bool,
}

impl Natives {
    /// Adds a series' histograms.
    pub(super) fn add(
        &mut self,
        op: AggregateOp,
        cells: &Cells,
        notes: &Notes,
        span: Span,
        name: &dyn Fn() -> String,
    ) {
        self.slots.resize(cells.len(), None);
        for (slot, histogram) in self.slots.iter_mut().zip(&cells.histograms) {
            let Some(histogram) = histogram else { continue };
            let is = |hint: ResetHint| histogram.reset_hint == hint;
            let Some(native) = slot else {
                *slot = Some(Box::new(Native {
                    total: Total::new(op, histogram),
                    reset: is(ResetHint::Reset),
                    not_reset: is(ResetHint::NotReset),
                    mixed_schemas: false,
                }));
                continue;
            };
            native.reset |= is(ResetHint::Reset);
            native.not_reset |= is(ResetHint::NotReset);
            if native.mixed_schemas {
                continue;
            }
            match native.total.add(histogram) {
                Ok(outcome) if outcome.reconciled => {
                    notes.add(Kind::MismatchedBuckets(Join::Aggregation), span, "");
                }
                Ok(_) => {}
                Err(Incompatible) => {
                    native.mixed_schemas = true;
                    notes.add(Kind::MixedSchemas, span, &name());
                }
            }
        }
    }

    /// Adds what was found among later series.
    pub(super) fn join(&mut self, other: Self) {
        self.reconciled |= other.reconciled;
        self.mixed_schemas |= other.mixed_schemas;
        if self.slots.is_empty() {
            self.slots = other.slots;
            return;
        }
        for (ours, theirs) in self.slots.iter_mut().zip(other.slots) {
            match (ours, theirs) {
                (_, None) => {}
                (slot @ None, theirs) => *slot = theirs,
                (Some(ours), Some(theirs)) => {
                    ours.reset |= theirs.reset;
                    ours.not_reset |= theirs.not_reset;
                    ours.mixed_schemas |= theirs.mixed_schemas;
                    if ours.mixed_schemas {
                        continue;
                    }
                    let joined = match (&mut ours.total, &theirs.total) {
                        (Total::Mean(ours), Total::Mean(theirs)) => ours.join(theirs),
                        (ours, theirs) => ours.add(&theirs.finish()),
                    };
                    match joined {
                        Ok(outcome) => self.reconciled |= outcome.reconciled,
                        Err(Incompatible) => {
                            ours.mixed_schemas = true;
                            self.mixed_schemas = true;
                        }
                    }
                }
            }
        }
    }

    /// Whether there is any histogram at a step.
    pub(super) fn has(&self, step: usize) -> bool {
        self.slots.get(step).is_some_and(Option::is_some)
    }

    /// The total of a step; `None` when there is none.
    pub(super) fn finish(&self, step: usize, notes: &Notes, span: Span) -> Option<Histogram> {
        let native = self.slots.get(step)?.as_deref()?;
        if native.mixed_schemas {
            return None;
        }
        if native.reset && native.not_reset {
            notes.add(Kind::ResetCollision(Join::Aggregation), span, "");
        }
        Some(native.total.finish())
    }

    /// Says what joining met.
    pub(super) fn say(&self, notes: &Notes, span: Span) {
        if self.reconciled {
            notes.add(Kind::MismatchedBuckets(Join::Aggregation), span, "");
        }
        if self.mixed_schemas {
            notes.add(Kind::MixedSchemas, span, "");
        }
    }
}
