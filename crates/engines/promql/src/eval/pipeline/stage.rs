//! What changes each cell by itself.

use model::Histogram;

use crate::{
    ast::BinaryOp,
    eval::{
        binary::{Element, Operand, apply, compare, compute},
        call::{date, math},
        cells::{ABSENT, Cells, is_absent},
        notes::{Kind, Notes},
    },
    histogram::{scale, variance},
    span::Span,
};

/// A change of each cell.
pub(crate) enum Stage {
    Negate,
    /// Of floats; histograms are left out.
    Map(fn(f64) -> f64),
    Clamp {
        min: Vec<f64>,
        max: Vec<f64>,
    },
    Round(Vec<f64>),
    /// Of histograms; floats are left out.
    Histogram(fn(&Histogram) -> f64),
    /// An operator with a scalar; `swapped`: the scalar stands before it.
    Scalar {
        op: BinaryOp,
        scalar: Vec<f64>,
        swapped: bool,
        bool: bool,
        span: Span,
    },
}

impl Stage {
    /// Whether what comes out is another metric.
    pub(crate) fn drops_name(&self) -> bool {
        match self {
            Self::Scalar { op, bool, .. } => *bool || changes_metric(*op),
            Self::Negate
            | Self::Map(_)
            | Self::Clamp { .. }
            | Self::Round(_)
            | Self::Histogram(_) => true,
        }
    }

    /// Whether a function changes each cell by itself.
    pub(crate) fn is_function(name: &str) -> bool {
        matches!(name, "clamp" | "clamp_max" | "clamp_min" | "round")
            || math::of(name).is_some()
            || date::of(name).is_some()
            || of_histogram(name).is_some()
    }

    /// The change that a function makes, with its parameters at each step.
    pub(crate) fn function(name: &str, params: Vec<Vec<f64>>) -> Option<Self> {
        let mut params = params.into_iter();
        let mut param = || params.next().unwrap_or_default();
        Some(match name {
            "clamp" => Self::Clamp { min: param(), max: param() },
            "clamp_min" => Self::Clamp { min: param(), max: Vec::new() },
            "clamp_max" => Self::Clamp { min: Vec::new(), max: param() },
            "round" => Self::Round(param()),
            _ => {
                if let Some(function) = math::of(name).or_else(|| date::of(name)) {
                    Self::Map(function)
                } else {
                    Self::Histogram(of_histogram(name)?)
                }
            }
        })
    }

    /// Changes all cells.
    pub(crate) fn apply(&self, cells: &mut Cells, notes: &Notes) {
        match self {
            Self::Negate => {
                cells.map(|value| -value);
                for histogram in cells.histograms.iter_mut().flatten() {
                    scale(std::sync::Arc::make_mut(histogram), -1.0);
                }
            }
            Self::Map(change) => {
                cells.only_floats();
                cells.map(change);
            }
            Self::Clamp { min, max } => {
                cells.only_floats();
                for step in 0..cells.len() {
                    let Some(value) = cells.float(step) else { continue };
                    let low = min.get(step).copied().unwrap_or(f64::NEG_INFINITY);
                    let high = max.get(step).copied().unwrap_or(f64::INFINITY);
                    if high < low {
                        cells.clear(step);
                    } else {
                        cells.set(step, math::max(low, math::min(high, value)));
                    }
                }
            }
            Self::Round(nearest) => {
                cells.only_floats();
                for step in 0..cells.len() {
                    let Some(value) = cells.float(step) else { continue };
                    let inverse = 1.0 / nearest.get(step).copied().unwrap_or(1.0);
                    cells.set(step, (value * inverse + 0.5).floor() / inverse);
                }
            }
            Self::Histogram(of) => {
                let histograms = std::mem::take(&mut cells.histograms);
                cells.floats.fill(ABSENT);
                for (step, histogram) in histograms.iter().enumerate() {
                    if let Some(histogram) = histogram {
                        cells.set(step, of(histogram));
                    }
                }
            }
            Self::Scalar { op, scalar, swapped, bool, span } => {
                let operation = Operation {
                    op: *op,
                    scalar,
                    swapped: *swapped,
                    bool: *bool,
                    say: &|kind| notes.add(kind, *span, ""),
                };
                if cells.histograms.is_empty() {
                    operation.floats(cells);
                } else {
                    operation.mixed(cells);
                }
            }
        }
    }
}

/// Whether the outcome of an operator is another metric than its operands.
pub(crate) const fn changes_metric(op: BinaryOp) -> bool {
    matches!(
        op,
        BinaryOp::Add
            | BinaryOp::Sub
            | BinaryOp::Mul
            | BinaryOp::Div
            | BinaryOp::Mod
            | BinaryOp::Pow
            | BinaryOp::Atan2
    )
}

/// An operator with a scalar.
struct Operation<'a> {
    op: BinaryOp,
    scalar: &'a [f64],
    swapped: bool,
    bool: bool,
    say: &'a dyn Fn(Kind),
}

impl Operation<'_> {
    fn floats(&self, cells: &mut Cells) {
        let op = self.op;
        if matches!(op, BinaryOp::TrimLower | BinaryOp::TrimUpper) {
            if cells.has_floats() {
                (self.say)(Kind::IncompatibleTypes("float", op.as_str(), "float"));
            }
            return cells.floats.fill(ABSENT);
        }
        let pairs = cells.floats.iter_mut().zip(self.scalar);
        for (value, scalar) in pairs.filter(|(value, _)| !is_absent(**value)) {
            let (left, right) = if self.swapped { (*scalar, *value) } else { (*value, *scalar) };
            if !op.is_comparison() {
                *value = compute(op, left, right);
                continue;
            }
            let holds = compare(op, left, right);
            if self.bool {
                *value = f64::from(u8::from(holds));
            } else if !holds {
                *value = ABSENT;
            }
        }
    }

    fn mixed(&self, cells: &mut Cells) {
        for step in 0..cells.len() {
            let histogram = cells.histogram(step).cloned();
            let value = match (&histogram, cells.float(step)) {
                (Some(histogram), _) => Operand::Histogram(histogram),
                (None, Some(value)) => Operand::Float(value),
                (None, None) => continue,
            };
            let scalar = Operand::Float(self.scalar.get(step).copied().unwrap_or(f64::NAN));
            let (left, right) = if self.swapped { (scalar, value) } else { (value, scalar) };
            match apply(self.op, left, right, &mut |kind| (self.say)(kind)) {
                None => cells.clear(step),
                Some(element) if self.bool => {
                    cells.set(step, f64::from(u8::from(element.keep())));
                }
                Some(Element::Filter { keep: true }) => {}
                Some(Element::Filter { keep: false }) => cells.clear(step),
                Some(Element::Float(value)) => cells.set(step, value),
                Some(Element::Histogram(histogram)) => cells.set_histogram(step, histogram),
            }
        }
    }
}

/// The function of a histogram alone.
fn of_histogram(name: &str) -> Option<fn(&Histogram) -> f64> {
    Some(match name {
        "histogram_avg" => |histogram| histogram.sum / histogram.count,
        "histogram_count" => |histogram| histogram.count,
        "histogram_sum" => |histogram| histogram.sum,
        "histogram_stddev" => |histogram| variance(histogram).sqrt(),
        "histogram_stdvar" => variance,
        _ => return None,
    })
}
