//! What changes each cell by itself.

use model::Histogram;

use crate::{
    ast::BinaryOp,
    eval::{
        binary::{Element, Operand, apply, compare, compute},
        call::{date, math},
        cells::{Cells, is_absent},
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
                cells.floats.fill(crate::eval::cells::ABSENT);
                for (step, histogram) in histograms.iter().enumerate() {
                    if let Some(histogram) = histogram {
                        cells.set(step, of(histogram));
                    }
                }
            }
            Self::Scalar { op, scalar, swapped, bool, span } => {
                if cells.histograms.is_empty() {
                    floats(*op, cells, scalar, *swapped, *bool, *span, notes);
                } else {
                    mixed(*op, cells, scalar, *swapped, *bool, *span, notes);
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

fn floats(
    op: BinaryOp,
    cells: &mut Cells,
    scalar: &[f64],
    swapped: bool,
    bool: bool,
    span: Span,
    notes: &Notes,
) {
    if matches!(op, BinaryOp::TrimLower | BinaryOp::TrimUpper) {
        if cells.has_floats() {
            notes.add(Kind::IncompatibleTypes("float", op.as_str(), "float"), span, "");
        }
        return cells.floats.fill(crate::eval::cells::ABSENT);
    }
    let pairs = cells.floats.iter_mut().zip(scalar).filter(|(value, _)| !is_absent(**value));
    for (value, scalar) in pairs {
        let (left, right) = if swapped { (*scalar, *value) } else { (*value, *scalar) };
        if op.is_comparison() {
            let holds = compare(op, left, right);
            if bool {
                *value = f64::from(u8::from(holds));
            } else if !holds {
                *value = crate::eval::cells::ABSENT;
            }
        } else {
            *value = compute(op, left, right);
        }
    }
}

fn mixed(
    op: BinaryOp,
    cells: &mut Cells,
    scalar: &[f64],
    swapped: bool,
    bool: bool,
    span: Span,
    notes: &Notes,
) {
    for step in 0..cells.len() {
        let histogram = cells.histogram(step).cloned();
        let value = match (&histogram, cells.float(step)) {
            (Some(histogram), _) => Operand::Histogram(histogram),
            (None, Some(value)) => Operand::Float(value),
            (None, None) => continue,
        };
        let scalar = Operand::Float(scalar.get(step).copied().unwrap_or(f64::NAN));
        let (left, right) = if swapped { (scalar, value) } else { (value, scalar) };
        let element = apply(op, left, right, &mut |kind| notes.add(kind, span, ""));
        match element {
            None => cells.clear(step),
            Some(_) if bool => {
                let keep = element.is_some_and(|element| element.keep());
                cells.set(step, f64::from(u8::from(keep)));
            }
            Some(Element::Filter { keep: true }) => {}
            Some(Element::Filter { keep: false }) => cells.clear(step),
            Some(Element::Float(value)) => cells.set(step, value),
            Some(Element::Histogram(histogram)) => cells.set_histogram(step, histogram),
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
