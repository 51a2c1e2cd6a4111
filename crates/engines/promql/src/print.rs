//! A tree back to text, in one canonical form: printing what was parsed, and parsing it again, changes nothing.
//!
//! [`Expr`]'s `Display` is one line, as Prometheus prints an expression; `pretty` breaks what is too long for one.

mod pretty;
mod units;

use std::fmt::{self, Display, Formatter};

use model::{MatchOp, Matcher};

pub(crate) use self::units::{Millis, Number, Seconds};
use crate::{
    ast::{
        Aggregate, At, Binary, BinaryOp, DurationExpr, DurationKind, Expr, ExprKind, Fill,
        Matching, Selector, Shift, Side,
    },
    quote::Quoted,
};

impl Display for Expr {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match &self.kind {
            ExprKind::Number { value, duration: false } => write!(f, "{}", Number(*value)),
            ExprKind::Number { value, duration: true } => write!(f, "{}", Seconds(*value)),
            ExprKind::String(text) => write!(f, "{}", Quoted(text)),
            ExprKind::Selector(selector) => {
                bare(selector, f)?;
                at(selector.shift, f)?;
                extension(selector, f)?;
                offset(selector.shift, selector.offset_expr.as_deref(), f)
            }
            ExprKind::Matrix { selector, range_ms, range_expr } => {
                bare(selector, f)?;
                f.write_str("[")?;
                length(*range_ms, range_expr.as_deref(), f)?;
                f.write_str("]")?;
                extension(selector, f)?;
                at(selector.shift, f)?;
                offset(selector.shift, selector.offset_expr.as_deref(), f)
            }
            ExprKind::Subquery { expr, .. } => {
                write!(f, "{expr}{}", Brackets(self))
            }
            ExprKind::Negate(inner) => write!(f, "-{inner}"),
            ExprKind::Plus(inner) => write!(f, "+{inner}"),
            ExprKind::Paren(inner) => write!(f, "({inner})"),
            ExprKind::Binary(binary) => {
                match binary.left.kind {
                    // A sign here would be read as one of the whole power.
                    ExprKind::Number { value: f64::INFINITY, .. } if binary.op == BinaryOp::Pow => {
                        f.write_str("Inf")?;
                    }
                    _ => write!(f, "{}", binary.left)?,
                }
                write!(f, " {} {}", Operator(binary), binary.right)
            }
            ExprKind::Aggregate(aggregate) => {
                write!(f, "{}(", Aggregation(aggregate))?;
                if let Some(param) = &aggregate.param {
                    write!(f, "{param}, ")?;
                }
                write!(f, "{})", aggregate.expr)
            }
            ExprKind::Call { function, args, .. } => {
                write!(f, "{}(", function.name)?;
                list(args, f)?;
                f.write_str(")")
            }
        }
    }
}

/// The operator with its modifiers: `== bool on (a) group_left (b)`.
struct Operator<'a>(&'a Binary);

impl Display for Operator<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.op.as_str())?;
        if self.0.bool {
            f.write_str(" bool")?;
        }
        let Some(Matching { on, labels, group, fill }) = &self.0.matching else { return Ok(()) };
        if *on || !labels.is_empty() || group.is_some() {
            write!(f, " {} ({})", if *on { "on" } else { "ignoring" }, Names(labels))?;
        }
        if let Some(group) = group {
            let word = if group.side == Side::Left { "group_left" } else { "group_right" };
            write!(f, " {word} ({})", Names(&group.include))?;
        }
        match *fill {
            Fill { left: Some(left), right: Some(right) } if left.to_bits() == right.to_bits() => {
                write!(f, " fill ({})", Number(left))
            }
            Fill { left, right } => {
                if let Some(left) = left {
                    write!(f, " fill_left ({})", Number(left))?;
                }
                if let Some(right) = right {
                    write!(f, " fill_right ({})", Number(right))?;
                }
                Ok(())
            }
        }
    }
}

/// The aggregation's name with its grouping: `sum by (a) `.
struct Aggregation<'a>(&'a Aggregate);

impl Display for Aggregation<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.op.as_str())?;
        match &self.0.grouping {
            Some(grouping) if grouping.without => {
                write!(f, " without ({}) ", Names(&grouping.labels))
            }
            Some(grouping) if !grouping.labels.is_empty() => {
                write!(f, " by ({}) ", Names(&grouping.labels))
            }
            _ => Ok(()),
        }
    }
}

/// What follows the expression of a subquery: `[1h:5m] @ end() offset 5m`.
struct Brackets<'a>(&'a Expr);

impl Display for Brackets<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let ExprKind::Subquery {
            range_ms, range_expr, step_ms, step_expr, shift, offset_expr, ..
        } = &self.0.kind
        else {
            return Ok(());
        };
        f.write_str("[")?;
        length(*range_ms, range_expr.as_deref(), f)?;
        f.write_str(":")?;
        if let Some(step_ms) = step_ms {
            length(*step_ms, step_expr.as_deref(), f)?;
        }
        f.write_str("]")?;
        at(*shift, f)?;
        offset(*shift, offset_expr.as_deref(), f)
    }
}

fn list(items: &[Expr], f: &mut Formatter<'_>) -> fmt::Result {
    for (at, item) in items.iter().enumerate() {
        if at > 0 {
            f.write_str(", ")?;
        }
        write!(f, "{item}")?;
    }
    Ok(())
}

/// Label names with commas; those outside the classic alphabet stand in quotes.
struct Names<'a>(&'a [Box<str>]);

impl Display for Names<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for (at, name) in self.0.iter().enumerate() {
            if at > 0 {
                f.write_str(", ")?;
            }
            f.write_str(&label(name))?;
        }
        Ok(())
    }
}

/// A label's name, in quotes where it is outside the classic alphabet.
pub(crate) fn label(name: &str) -> String {
    let classic = name.bytes().enumerate().all(|(at, byte)| {
        byte.is_ascii_alphabetic() || byte == b'_' || (at > 0 && byte.is_ascii_digit())
    });
    if classic && !name.is_empty() { name.to_owned() } else { Quoted(name).to_string() }
}

/// The name and the matchers, in the order of their texts.
fn bare(selector: &Selector, f: &mut Formatter<'_>) -> fmt::Result {
    if let Some(name) = &selector.name {
        f.write_str(name)?;
    }
    let mut parts = Vec::with_capacity(selector.matchers.len());
    for matcher in &selector.matchers {
        let named = matcher.name() == "__name__"
            && matcher.op() == MatchOp::Equal
            && selector.name.as_deref() == Some(matcher.value());
        if !named {
            parts.push(matcher_text(matcher));
        }
    }
    if parts.is_empty() && selector.name.is_some() {
        return Ok(());
    }
    parts.sort_unstable();
    write!(f, "{{{}}}", parts.join(","))
}

fn matcher_text(matcher: &Matcher) -> String {
    let op = match matcher.op() {
        MatchOp::Equal => "=",
        MatchOp::NotEqual => "!=",
        MatchOp::Regex => "=~",
        MatchOp::NotRegex => "!~",
    };
    format!("{}{op}{}", label(matcher.name()), Quoted(matcher.value()))
}

fn extension(selector: &Selector, f: &mut Formatter<'_>) -> fmt::Result {
    match selector.extension {
        Some(extension) => write!(f, " {}", extension.as_str()),
        None => Ok(()),
    }
}

fn at(shift: Shift, f: &mut Formatter<'_>) -> fmt::Result {
    match shift.at {
        #[expect(clippy::cast_precision_loss, reason = "shown as Prometheus shows it")]
        Some(At::Time(ms)) => write!(f, " @ {:.3}", ms as f64 / 1000.0),
        Some(At::Start) => f.write_str(" @ start()"),
        Some(At::End) => f.write_str(" @ end()"),
        None => Ok(()),
    }
}

fn offset(shift: Shift, expr: Option<&DurationExpr>, f: &mut Formatter<'_>) -> fmt::Result {
    match (expr, shift.offset_ms) {
        (Some(expr), _) => write!(f, " offset {expr}"),
        (None, 0) => Ok(()),
        (None, ms) => write!(f, " offset {}", Millis(ms)),
    }
}

/// A length of time that is known, or what computes it.
fn length(ms: i64, expr: Option<&DurationExpr>, f: &mut Formatter<'_>) -> fmt::Result {
    match expr {
        Some(expr) => write!(f, "{expr}"),
        None => write!(f, "{}", Millis(ms)),
    }
}

impl Display for DurationExpr {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match &self.kind {
            DurationKind::Number { secs, duration: true } => write!(f, "{}", Seconds(*secs)),
            DurationKind::Number { secs, duration: false } => write!(f, "{}", Number(*secs)),
            DurationKind::Step => f.write_str("step()"),
            DurationKind::Range => f.write_str("range()"),
            DurationKind::Negate(inner) => write!(f, "-{inner}"),
            DurationKind::Paren(inner) => write!(f, "({inner})"),
            DurationKind::Binary { op, left, right } => {
                write!(f, "{left} {} {right}", op.as_str())
            }
            DurationKind::Min(left, right) => write!(f, "min_of({left}, {right})"),
            DurationKind::Max(left, right) => write!(f, "max_of({left}, {right})"),
        }
    }
}
