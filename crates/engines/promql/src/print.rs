//! A tree back to text, in one canonical form: printing what was parsed, and parsing it again, changes nothing.

use std::fmt::{self, Display, Formatter};

use model::{Matcher, Quoted};

use crate::ast::{Aggregate, At, Binary, Expr, ExprKind, Selector, Shift, Side};

impl Display for Expr {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match &self.kind {
            ExprKind::Number { value, duration: false } => number(*value, f),
            ExprKind::Number { value, duration: true } => write!(f, "{}", Seconds(*value)),
            ExprKind::String(text) => write!(f, "{}", Quoted(text)),
            ExprKind::Selector(selector) => {
                bare(selector, f)?;
                shift(selector.shift, f)
            }
            ExprKind::Matrix { selector, range_ms, .. } => {
                bare(selector, f)?;
                write!(f, "[{}]", Duration(*range_ms))?;
                shift(selector.shift, f)
            }
            ExprKind::Subquery { expr, range_ms, step_ms, shift: by, .. } => {
                write!(f, "{expr}[{}:", Duration(*range_ms))?;
                if let Some(step) = step_ms {
                    write!(f, "{}", Duration(*step))?;
                }
                f.write_str("]")?;
                shift(*by, f)
            }
            ExprKind::Negate(inner) => write!(f, "-{inner}"),
            ExprKind::Plus(inner) => write!(f, "+{inner}"),
            ExprKind::Paren(inner) => write!(f, "({inner})"),
            ExprKind::Binary(inner) => binary(inner, f),
            ExprKind::Aggregate(inner) => aggregate(inner, f),
            ExprKind::Call { function, args, .. } => {
                write!(f, "{}(", function.name)?;
                list(args, f)?;
                f.write_str(")")
            }
        }
    }
}

fn number(value: f64, f: &mut Formatter<'_>) -> fmt::Result {
    if value.is_infinite() {
        return f.write_str(if value > 0.0 { "+Inf" } else { "-Inf" });
    }
    write!(f, "{value}")
}

fn list(items: &[impl Display], f: &mut Formatter<'_>) -> fmt::Result {
    for (at, item) in items.iter().enumerate() {
        if at > 0 {
            f.write_str(", ")?;
        }
        write!(f, "{item}")?;
    }
    Ok(())
}

/// Label names and metric names outside the classic alphabet stand in quotes.
fn name(text: &str, colons: bool) -> String {
    let classic = text.bytes().enumerate().all(|(at, byte)| {
        byte.is_ascii_alphabetic()
            || byte == b'_'
            || (colons && byte == b':')
            || (at > 0 && byte.is_ascii_digit())
    });
    if classic && !text.is_empty() { text.to_owned() } else { Quoted(text).to_string() }
}

fn labels(labels: &[Box<str>]) -> Vec<String> {
    labels.iter().map(|label| name(label, false)).collect()
}

fn bare(selector: &Selector, f: &mut Formatter<'_>) -> fmt::Result {
    let mut parts: Vec<String> = selector
        .matchers
        .iter()
        .skip(usize::from(selector.name.is_some()))
        .map(matcher_text)
        .collect();
    if let Some(metric) = &selector.name {
        let shown = name(metric, true);
        if shown.starts_with('"') {
            parts.insert(0, shown);
        } else {
            f.write_str(&shown)?;
            if parts.is_empty() {
                return Ok(());
            }
        }
    }
    write!(f, "{{{}}}", parts.join(","))
}

fn matcher_text(matcher: &Matcher) -> String {
    let shown = matcher.to_string();
    let rest = shown.get(matcher.name().len()..).unwrap_or("");
    format!("{}{rest}", name(matcher.name(), false))
}

fn shift(shift: Shift, f: &mut Formatter<'_>) -> fmt::Result {
    match shift.at {
        #[expect(clippy::cast_precision_loss, reason = "shown as Prometheus shows it")]
        Some(At::Time(ms)) => write!(f, " @ {:.3}", ms as f64 / 1000.0)?,
        Some(At::Start) => f.write_str(" @ start()")?,
        Some(At::End) => f.write_str(" @ end()")?,
        None => {}
    }
    match shift.offset_ms {
        0 => Ok(()),
        offset if offset < 0 => write!(f, " offset -{}", Duration(-offset)),
        offset => write!(f, " offset {}", Duration(offset)),
    }
}

fn binary(binary: &Binary, f: &mut Formatter<'_>) -> fmt::Result {
    write!(f, "{} {}", binary.left, binary.op.as_str())?;
    if binary.bool {
        f.write_str(" bool")?;
    }
    if let Some(matching) = &binary.matching {
        let word = if matching.on { "on" } else { "ignoring" };
        write!(f, " {word} ({})", labels(&matching.labels).join(", "))?;
        if let Some(group) = &matching.group {
            let word = if group.side == Side::Left { "group_left" } else { "group_right" };
            write!(f, " {word} ({})", labels(&group.include).join(", "))?;
        }
    }
    write!(f, " {}", binary.right)
}

fn aggregate(aggregate: &Aggregate, f: &mut Formatter<'_>) -> fmt::Result {
    f.write_str(aggregate.op.as_str())?;
    if let Some(grouping) = &aggregate.grouping {
        let word = if grouping.without { "without" } else { "by" };
        write!(f, " {word} ({}) ", labels(&grouping.labels).join(", "))?;
    }
    f.write_str("(")?;
    if let Some(param) = &aggregate.param {
        write!(f, "{param}, ")?;
    }
    write!(f, "{})", aggregate.expr)
}

/// Seconds as `1h30m`, cut to milliseconds.
pub(crate) struct Seconds(pub(crate) f64);

impl Display for Seconds {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if self.0 < 0.0 {
            f.write_str("-")?;
        }
        #[expect(
            clippy::cast_possible_truncation,
            reason = "a cast saturates, and what is written is smaller"
        )]
        let ms = (self.0.abs() * 1000.0) as i64;
        write!(f, "{}", Duration(ms))
    }
}

/// Milliseconds as `1h30m`.
struct Duration(i64);

impl Display for Duration {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let mut rest = self.0;
        if rest == 0 {
            return f.write_str("0s");
        }
        // A year or a week is named only where it is whole, as Prometheus prints it.
        let units =
            [(365 * 86_400_000, "y", true), (7 * 86_400_000, "w", true), (86_400_000, "d", false)]
                .into_iter()
                .chain([
                    (3_600_000, "h", false),
                    (60_000, "m", false),
                    (1000, "s", false),
                    (1, "ms", false),
                ]);
        for (size, unit, whole) in units {
            if rest >= size && (!whole || rest % size == 0) {
                write!(f, "{}{unit}", rest / size)?;
                rest %= size;
            }
        }
        Ok(())
    }
}
