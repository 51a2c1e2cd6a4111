//! A query in its canonical form: one space between terms, canonical names, quotes only where they are needed.

use std::{
    fmt::{self, Display, Formatter, Write},
    ops::Bound,
};

use model::Quoted;

use crate::{
    ast::{
        Aggregate, Aggregation, Column, ColumnName, Every, Expr, ExprKind, Function, Operator,
        Quantile, Query, StageKind, Term, Test, Words,
    },
    literal::show_duration,
    parse::parse,
    span::Error,
    wildcard::{Piece, Wildcard},
};

/// The canonical form of a query.
///
/// # Errors
/// When it cannot be parsed.
pub fn format(text: &str) -> Result<String, Error> {
    parse(text).map(|query| query.to_string())
}

impl Display for Query {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let bare = matches!(self.filter.kind, ExprKind::All) && !self.stages.is_empty();
        if !bare {
            write!(f, "{}", self.filter)?;
        }
        for (at, stage) in self.stages.iter().enumerate() {
            f.write_str(if at == 0 && bare { "| " } else { " | " })?;
            write!(f, "{}", stage.kind)?;
        }
        Ok(())
    }
}

impl Display for Expr {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match &self.kind {
            ExprKind::All => f.write_str("*"),
            ExprKind::And(parts) => joined(f, parts, " ", |f, part| operand(part, f)),
            ExprKind::Or(parts) => alternatives(parts, f),
            ExprKind::Not(inner) => {
                f.write_str("-")?;
                operand(inner, f)
            }
            ExprKind::Text(words) => match words {
                Words::Plain(text) => text_or_quoted(text, is_bare_text(text), f),
                Words::Like(wildcard) => like(wildcard, f),
            },
            ExprKind::Term(term) => write!(f, "{}{}", term.field, term.test),
        }
    }
}

fn operand(expr: &Expr, f: &mut Formatter<'_>) -> fmt::Result {
    match &expr.kind {
        ExprKind::And(_) => write!(f, "({expr})"),
        // Alternatives of one field have parentheses of their own.
        ExprKind::Or(parts) if run(parts) < parts.len() => write!(f, "({expr})"),
        _ => write!(f, "{expr}"),
    }
}

/// How many of the first parts are values of one field, which `field:(a OR b)` says at once.
fn run(parts: &[Expr]) -> usize {
    fn field_and_value(expr: &Expr) -> Option<&Term> {
        match &expr.kind {
            ExprKind::Term(term) if matches!(term.test, Test::Is(_)) => Some(term),
            _ => None,
        }
    }
    let Some(first) = parts.first().and_then(field_and_value) else { return 1 };
    let same = |part: &&Expr| field_and_value(part).is_some_and(|term| term.field == first.field);
    parts.iter().take_while(same).count()
}

fn alternatives(parts: &[Expr], f: &mut Formatter<'_>) -> fmt::Result {
    let mut rest = parts;
    while !rest.is_empty() {
        if rest.len() < parts.len() {
            f.write_str(" OR ")?;
        }
        let (same, after) = rest.split_at(run(rest));
        match same {
            [one] => operand(one, f)?,
            _ => values(same, f)?,
        }
        rest = after;
    }
    Ok(())
}

/// `field:(a OR b)`
fn values(terms: &[Expr], f: &mut Formatter<'_>) -> fmt::Result {
    for (at, expr) in terms.iter().enumerate() {
        if let ExprKind::Term(Term { field, test: Test::Is(words), .. }) = &expr.kind {
            match at {
                0 => write!(f, "{field}:(")?,
                _ => f.write_str(" OR ")?,
            }
            value(words, f)?;
        }
    }
    f.write_str(")")
}

impl Display for Test {
    /// The operator and the value.
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exists => f.write_str(":*"),
            Self::Is(words) => {
                f.write_str(":")?;
                value(words, f)
            }
            Self::Has(words) => {
                f.write_str("~")?;
                value(words, f)
            }
            Self::Compare(comparison, text) => {
                f.write_str(comparison.as_str())?;
                literal(text, f)
            }
            Self::Range(low, high) => {
                f.write_str(if matches!(low, Bound::Excluded(_)) { ":{" } else { ":[" })?;
                end(low, f)?;
                f.write_str(" TO ")?;
                end(high, f)?;
                f.write_str(if matches!(high, Bound::Excluded(_)) { "}" } else { "]" })
            }
            Self::Matches(pattern) => regex("=~", pattern, f),
            Self::NotMatches(pattern) => regex("!~", pattern, f),
        }
    }
}

fn end(bound: &Bound<Box<str>>, f: &mut Formatter<'_>) -> fmt::Result {
    match bound {
        Bound::Included(text) | Bound::Excluded(text) => literal(text, f),
        Bound::Unbounded => f.write_str("*"),
    }
}

/// In a regular expression only the quote is escaped.
fn regex(operator: &str, pattern: &str, f: &mut Formatter<'_>) -> fmt::Result {
    write!(f, "{operator}\"{}\"", pattern.replace('"', "\\\""))
}

fn value(words: &Words, f: &mut Formatter<'_>) -> fmt::Result {
    match words {
        Words::Plain(text) => literal(text, f),
        Words::Like(wildcard) => like(wildcard, f),
    }
}

/// A value as a query writes it: in quotes where it would read as something else.
pub(crate) fn literal(text: &str, f: &mut impl Write) -> fmt::Result {
    text_or_quoted(text, is_bare_value(text), f)
}

fn text_or_quoted(text: &str, bare: bool, f: &mut impl Write) -> fmt::Result {
    if bare { f.write_str(text) } else { write!(f, "{}", Quoted(text)) }
}

fn is_keyword(text: &str) -> bool {
    matches!(text, "AND" | "OR" | "NOT" | "TO")
}

fn is_bare_value(text: &str) -> bool {
    let starts = |char: char| char.is_alphanumeric() || matches!(char, '_' | '.');
    let negative = text
        .strip_prefix('-')
        .is_some_and(|rest| rest.starts_with(|char: char| char.is_ascii_digit()));
    // `/x/` would be a regular expression.
    let path =
        text.strip_prefix('/').is_some_and(|rest| rest.starts_with(starts) && !rest.ends_with('/'));
    (text.starts_with(starts) || negative || path)
        && text.chars().all(|char| char.is_alphanumeric() || "_.-:/@+%".contains(char))
        && !is_keyword(text)
}

fn is_bare_text(text: &str) -> bool {
    text.starts_with(|char: char| char.is_alphanumeric() || char == '_')
        && text.chars().all(|char| char.is_alphanumeric() || "_.-".contains(char))
        && !is_keyword(text)
}

fn like(wildcard: &Wildcard, f: &mut Formatter<'_>) -> fmt::Result {
    for piece in wildcard.pieces() {
        match piece {
            Piece::One => f.write_str("?")?,
            Piece::Many => f.write_str("*")?,
            Piece::Text(text) => {
                for char in text.chars() {
                    if !char.is_alphanumeric() && !matches!(char, '_' | '.') {
                        f.write_char('\\')?;
                    }
                    f.write_char(char)?;
                }
            }
        }
    }
    Ok(())
}

/// The items with a separator between them.
fn joined<T>(
    f: &mut Formatter<'_>,
    items: &[T],
    between: &str,
    mut item: impl FnMut(&mut Formatter<'_>, &T) -> fmt::Result,
) -> fmt::Result {
    for (at, one) in items.iter().enumerate() {
        if at > 0 {
            f.write_str(between)?;
        }
        item(f, one)?;
    }
    Ok(())
}

impl Display for StageKind {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Aggregate(aggregation) => write!(f, "{aggregation}"),
            Self::Top { limit, by } => write!(f, "top {limit} by {by}"),
            Self::Where(conditions) => {
                f.write_str("where ")?;
                joined(f, conditions, " AND ", |f, condition| {
                    write!(f, "{} {} ", condition.column, condition.comparison.as_str())?;
                    literal(&condition.value, f)
                })
            }
            Self::Sort(keys) => {
                f.write_str("sort ")?;
                joined(f, keys, ", ", |f, key| {
                    write!(f, "{}{}", if key.descending { "-" } else { "" }, key.column)
                })
            }
            Self::Limit(limit) => write!(f, "limit {limit}"),
            Self::Fields(columns) => {
                f.write_str("fields ")?;
                joined(f, columns, ", ", |f, column| write!(f, "{column}"))
            }
            Self::Patterns => f.write_str("patterns"),
        }
    }
}

impl Display for Aggregation {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        joined(f, &self.aggregates, ", ", |f, aggregate| {
            write!(f, "{}", aggregate.function)?;
            aggregate.alias.iter().try_for_each(|alias| write!(f, " as {alias}"))
        })?;
        if !self.by.is_empty() {
            f.write_str(" by ")?;
            joined(f, &self.by, ", ", |f, field| write!(f, "{field}"))?;
        }
        match self.every {
            None => Ok(()),
            Some(every) => write!(f, " every {every}"),
        }
    }
}

impl Display for Every {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nanoseconds(nanos) => show_duration(*nanos, f),
            Self::Auto => f.write_str("auto"),
        }
    }
}

impl Aggregate {
    /// The name of its column: the one given, or the function as it is written.
    pub fn column(&self) -> String {
        self.alias.as_ref().map_or_else(|| self.function.to_string(), ToString::to_string)
    }
}

impl Display for Function {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Count => f.write_str("count"),
            Self::Rate => f.write_str("rate"),
            Self::Of(operator, field) => write!(f, "{operator}({field})"),
        }
    }
}

impl Display for Operator {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Count => f.write_str("count"),
            Self::Uniq => f.write_str("uniq"),
            Self::Sum => f.write_str("sum"),
            Self::Avg => f.write_str("avg"),
            Self::Min => f.write_str("min"),
            Self::Max => f.write_str("max"),
            Self::Quantile(quantile) => write!(f, "{quantile}"),
        }
    }
}

impl Display for Quantile {
    /// `p99.9`
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "p{}", self.millionths / 10_000)?;
        match self.millionths % 10_000 {
            0 => Ok(()),
            fraction => write!(f, ".{}", format!("{fraction:04}").trim_end_matches('0')),
        }
    }
}

impl Display for Column {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match &self.name {
            ColumnName::Function(function) => write!(f, "{function}"),
            ColumnName::Name(name) => f.write_str(name),
        }
    }
}
