//! The tree of a query as it was written, with the place of each piece.
//!
//! What it means, in a form that is simpler to evaluate or compile, is a [`Plan`](crate::Plan).

use std::ops::Bound;

use crate::{field::Field, span::Span, wildcard::Wildcard};

/// A filter and what is done with the records that pass it.
#[derive(Clone, Debug, PartialEq)]
pub struct Query {
    pub filter: Expr,
    pub stages: Vec<Stage>,
}

/// A part of a filter.
#[derive(Clone, Debug, PartialEq)]
pub struct Expr {
    pub kind: ExprKind,
    pub span: Span,
}

#[derive(Clone, Debug, PartialEq)]
pub enum ExprKind {
    /// `*`, or nothing.
    All,
    /// At least two, none of which is an `And`.
    And(Vec<Expr>),
    /// At least two, none of which is an `Or`.
    Or(Vec<Expr>),
    Not(Box<Expr>),
    /// Full text.
    Text(Words),
    Term(Term),
}

/// A text, with or without wildcards.
#[derive(Clone, Debug, PartialEq)]
pub enum Words {
    Plain(Box<str>),
    /// Has text as well, or a `?`.
    Like(Wildcard),
}

/// A test of a field. `field:(a OR b)` is a term for each value.
#[derive(Clone, Debug, PartialEq)]
pub struct Term {
    pub field: Field,
    pub field_span: Span,
    pub test: Test,
    pub value_span: Span,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Test {
    /// `field:*`
    Exists,
    /// `field:value`
    Is(Words),
    /// `field~words`
    Has(Words),
    /// `field>5`, `field:>5`, `field=5`, …
    Compare(Comparison, Box<str>),
    /// `field:[1 TO 5}`; at least one end is bounded.
    Range(Bound<Box<str>>, Bound<Box<str>>),
    /// `field=~"regex"`, `field:/regex/`
    Matches(Box<str>),
    /// `field!~"regex"`
    NotMatches(Box<str>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
}

impl Comparison {
    /// As it is written.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Equal => "=",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::LessEqual => "<=",
            Self::Greater => ">",
            Self::GreaterEqual => ">=",
        }
    }

    /// Whether it asks for an order.
    pub const fn is_order(self) -> bool {
        !matches!(self, Self::Equal | Self::NotEqual)
    }
}

/// What follows a `|`.
#[derive(Clone, Debug, PartialEq)]
pub struct Stage {
    pub kind: StageKind,
    pub span: Span,
}

#[derive(Clone, Debug, PartialEq)]
pub enum StageKind {
    /// `count, p99(duration) by version every 1m`
    Aggregate(Aggregation),
    /// `top 10 by field`
    Top { limit: u32, by: Field },
    /// `where count > 5 AND p99(duration) > 1s`
    Where(Vec<Condition>),
    /// `sort -count, name`
    Sort(Vec<SortKey>),
    /// `limit 50`
    Limit(u32),
    /// `fields a, b`
    Fields(Vec<Column>),
    /// `patterns`
    Patterns,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Aggregation {
    /// At least one.
    pub aggregates: Vec<Aggregate>,
    pub by: Vec<Field>,
    pub every: Option<Every>,
}

/// The width of buckets of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Every {
    /// At least a millisecond.
    Nanoseconds(i64),
    /// As the range of time suggests.
    Auto,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Aggregate {
    pub function: Function,
    /// `as name`
    pub alias: Option<Box<str>>,
    pub span: Span,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Function {
    /// `count`: how many records.
    Count,
    /// `rate`: how many records per second.
    Rate,
    Of(Operator, Field),
}

/// What is done with the values of a field, where it is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    /// How many records have it.
    Count,
    /// How many different values there are.
    Uniq,
    Sum,
    Avg,
    Min,
    Max,
    Quantile(Quantile),
}

/// A number from 0 to 1 with at most six decimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Quantile {
    pub(crate) millionths: u32,
}

impl Quantile {
    /// From 0 to 1.
    pub fn value(self) -> f64 {
        f64::from(self.millionths) / 1e6
    }

    /// From 0 to 1,000,000.
    pub const fn millionths(self) -> u32 {
        self.millionths
    }
}

/// A comparison of a column of an aggregation.
#[derive(Clone, Debug, PartialEq)]
pub struct Condition {
    pub column: Column,
    pub comparison: Comparison,
    pub value: Box<str>,
    pub value_span: Span,
}

#[derive(Clone, Debug, PartialEq)]
pub struct SortKey {
    pub column: Column,
    pub descending: bool,
}

/// A column of an aggregation, or a field of the records where nothing aggregates.
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    pub name: ColumnName,
    pub span: Span,
}

#[derive(Clone, Debug, PartialEq)]
pub enum ColumnName {
    Function(Function),
    /// As it was written.
    Name(Box<str>),
}
