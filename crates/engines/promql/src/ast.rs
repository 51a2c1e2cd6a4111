//! The tree of an expression; every node knows where it stands.

mod duration;

use model::Matcher;

pub use self::duration::{DurationError, DurationExpr, DurationKind, DurationOp};
use crate::span::Span;

/// An expression and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Expr {
    pub span: Span,
    pub kind: ExprKind,
}

/// What an expression is.
#[derive(Clone, Debug, PartialEq)]
pub enum ExprKind {
    Number {
        value: f64,
        /// Written as a duration: `5m` is 300.
        duration: bool,
    },
    String(String),
    Selector(Selector),
    /// `selector[range]`
    Matrix {
        selector: Selector,
        /// 0 until [`Expr::resolve`] has computed `range_expr`.
        range_ms: i64,
        range_expr: Option<Box<DurationExpr>>,
    },
    /// `expr[range:step]`; without a step the query's default holds.
    Subquery {
        expr: Box<Expr>,
        /// 0 until [`Expr::resolve`] has computed `range_expr`.
        range_ms: i64,
        range_expr: Option<Box<DurationExpr>>,
        /// `None` where the step is left out; 0 until [`Expr::resolve`] has computed `step_expr`.
        step_ms: Option<i64>,
        step_expr: Option<Box<DurationExpr>>,
        shift: Shift,
        /// Computed into `shift.offset_ms` by [`Expr::resolve`].
        offset_expr: Option<Box<DurationExpr>>,
    },
    Negate(Box<Expr>),
    /// `+expr`
    Plus(Box<Expr>),
    Paren(Box<Expr>),
    Binary(Box<Binary>),
    Aggregate(Box<Aggregate>),
    Call {
        function: &'static Function,
        name_span: Span,
        args: Vec<Expr>,
    },
}

/// `name{matchers} anchored @ … offset …`
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Selector {
    /// From the name to the closing brace, or to the last modifier where no range follows.
    pub span: Span,
    /// The metric's name where it was written before the braces.
    pub name: Option<Box<str>>,
    /// All matchers, with that of the name (the last when `name` is there).
    pub matchers: Vec<Matcher>,
    /// Where each of `matchers` stands.
    pub matcher_spans: Vec<Span>,
    pub shift: Shift,
    /// Computed into `shift.offset_ms` by [`Expr::resolve`].
    pub offset_expr: Option<Box<DurationExpr>>,
    pub extension: Option<Extension>,
}

/// How samples at the edges of a range are taken (the feature flag `promql-extended-range-selectors`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extension {
    /// `anchored`: the last sample before the range's start stands for the value there.
    Anchored,
    /// `smoothed`: values at both edges are interpolated from the samples around them.
    Smoothed,
}

impl Extension {
    /// The word as it is written.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Anchored => "anchored",
            Self::Smoothed => "smoothed",
        }
    }
}

/// `offset` and `@`, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Shift {
    pub offset_ms: i64,
    pub at: Option<At>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum At {
    /// Unix milliseconds.
    Time(i64),
    /// The query's start.
    Start,
    /// The query's end.
    End,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Binary {
    pub op: BinaryOp,
    pub op_span: Span,
    pub left: Expr,
    pub right: Expr,
    /// Comparison gives 0 or 1 in place of filtering.
    pub bool: bool,
    pub matching: Option<Matching>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BinaryOp {
    Add,
    Sub,
    Mul,
    Div,
    Mod,
    Pow,
    Atan2,
    Equal,
    NotEqual,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    /// `</`: cuts off what of a native histogram lies above a number.
    TrimUpper,
    /// `>/`: cuts off what of a native histogram lies below a number.
    TrimLower,
    And,
    Or,
    Unless,
}

/// `on (…)`, `ignoring (…)`, `group_left (…)`, `group_right (…)`, `fill (…)`.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Matching {
    /// `true`: match on these labels alone; `false`: on all but these.
    pub on: bool,
    pub labels: Vec<Box<str>>,
    pub group: Option<Group>,
    pub fill: Fill,
}

/// What stands for a series that the other side has and this side lacks (the feature flag
/// `promql-binop-fill-modifiers`); `fill (x)` sets both.
#[derive(Clone, Copy, Debug, PartialEq, Default)]
pub struct Fill {
    pub left: Option<f64>,
    pub right: Option<f64>,
}

impl Fill {
    /// Whether there is one at all.
    pub const fn is_any(self) -> bool {
        self.left.is_some() || self.right.is_some()
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    pub side: Side,
    /// Labels taken over from the one-side.
    pub include: Vec<Box<str>>,
}

/// The side that may have many series for one of the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    Left,
    Right,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Aggregate {
    pub op: AggregateOp,
    /// Of the aggregation's name.
    pub op_span: Span,
    pub param: Option<Expr>,
    pub expr: Expr,
    /// `by` these labels, or all but these (`without`).
    pub grouping: Option<Grouping>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grouping {
    pub without: bool,
    pub labels: Vec<Box<str>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AggregateOp {
    Sum,
    Avg,
    Count,
    Min,
    Max,
    Group,
    Stddev,
    Stdvar,
    TopK,
    BottomK,
    LimitK,
    LimitRatio,
    Quantile,
    CountValues,
}

/// The type of an expression's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    Scalar,
    String,
    Vector,
    Matrix,
}

/// A function's name and what it takes.
#[derive(Debug, PartialEq, Eq)]
pub struct Function {
    pub name: &'static str,
    pub args: &'static [Type],
    /// As in Prometheus: 0: exactly `args`; more than 0: the last of `args` may be left out, and be written up to
    /// `variadic` times; less than 0: it may be left out and be written any number of times.
    pub variadic: i8,
    pub returns: Type,
    /// Known only with the feature flag `promql-experimental-functions`.
    pub experimental: bool,
}

impl BinaryOp {
    /// Binds tighter when larger; `^` is right-associative.
    pub const fn precedence(self) -> u8 {
        match self {
            Self::Or => 1,
            Self::And | Self::Unless => 2,
            Self::Equal
            | Self::NotEqual
            | Self::Less
            | Self::LessEqual
            | Self::Greater
            | Self::GreaterEqual
            | Self::TrimUpper
            | Self::TrimLower => 3,
            Self::Add | Self::Sub => 4,
            Self::Mul | Self::Div | Self::Mod | Self::Atan2 => 5,
            Self::Pow => 6,
        }
    }

    pub const fn is_comparison(self) -> bool {
        matches!(
            self,
            Self::Equal
                | Self::NotEqual
                | Self::Less
                | Self::LessEqual
                | Self::Greater
                | Self::GreaterEqual
        )
    }

    pub const fn is_set(self) -> bool {
        matches!(self, Self::And | Self::Or | Self::Unless)
    }

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Add => "+",
            Self::Sub => "-",
            Self::Mul => "*",
            Self::Div => "/",
            Self::Mod => "%",
            Self::Pow => "^",
            Self::Atan2 => "atan2",
            Self::Equal => "==",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::LessEqual => "<=",
            Self::Greater => ">",
            Self::GreaterEqual => ">=",
            Self::TrimUpper => "</",
            Self::TrimLower => ">/",
            Self::And => "and",
            Self::Or => "or",
            Self::Unless => "unless",
        }
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        const ALL: [BinaryOp; 18] = [
            BinaryOp::Add,
            BinaryOp::Sub,
            BinaryOp::Mul,
            BinaryOp::Div,
            BinaryOp::Mod,
            BinaryOp::Pow,
            BinaryOp::Atan2,
            BinaryOp::Equal,
            BinaryOp::NotEqual,
            BinaryOp::Less,
            BinaryOp::LessEqual,
            BinaryOp::Greater,
            BinaryOp::GreaterEqual,
            BinaryOp::TrimUpper,
            BinaryOp::TrimLower,
            BinaryOp::And,
            BinaryOp::Or,
            BinaryOp::Unless,
        ];
        let lower = text.to_ascii_lowercase();
        ALL.into_iter().find(|op| op.as_str() == lower)
    }
}

impl AggregateOp {
    pub(crate) const ALL: [(&'static str, Self); 14] = [
        ("sum", Self::Sum),
        ("avg", Self::Avg),
        ("count", Self::Count),
        ("min", Self::Min),
        ("max", Self::Max),
        ("group", Self::Group),
        ("stddev", Self::Stddev),
        ("stdvar", Self::Stdvar),
        ("topk", Self::TopK),
        ("bottomk", Self::BottomK),
        ("limitk", Self::LimitK),
        ("limit_ratio", Self::LimitRatio),
        ("quantile", Self::Quantile),
        ("count_values", Self::CountValues),
    ];

    pub(crate) fn parse(text: &str) -> Option<Self> {
        let lower = text.to_ascii_lowercase();
        Self::ALL.into_iter().find(|(name, _)| *name == lower).map(|(_, op)| op)
    }

    pub fn as_str(self) -> &'static str {
        Self::ALL.into_iter().find(|(_, op)| *op == self).map_or("", |(name, _)| name)
    }

    /// Known only with the feature flag `promql-experimental-functions`.
    pub const fn is_experimental(self) -> bool {
        matches!(self, Self::LimitK | Self::LimitRatio)
    }

    /// Gives series on with all their labels.
    pub const fn keeps_labels(self) -> bool {
        matches!(self, Self::TopK | Self::BottomK | Self::LimitK | Self::LimitRatio)
    }

    /// The type of the parameter before the expression, where there is one.
    pub const fn param(self) -> Option<Type> {
        match self {
            Self::TopK | Self::BottomK | Self::LimitK | Self::LimitRatio | Self::Quantile => {
                Some(Type::Scalar)
            }
            Self::CountValues => Some(Type::String),
            Self::Sum
            | Self::Avg
            | Self::Count
            | Self::Min
            | Self::Max
            | Self::Group
            | Self::Stddev
            | Self::Stdvar => None,
        }
    }
}

impl Type {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Scalar => "scalar",
            Self::String => "string",
            Self::Vector => "instant vector",
            Self::Matrix => "range vector",
        }
    }
}

impl Expr {
    /// The type of this expression's value.
    pub fn value_type(&self) -> Type {
        match &self.kind {
            ExprKind::Number { .. } => Type::Scalar,
            ExprKind::String(_) => Type::String,
            ExprKind::Selector(_) | ExprKind::Aggregate(_) => Type::Vector,
            ExprKind::Matrix { .. } | ExprKind::Subquery { .. } => Type::Matrix,
            ExprKind::Negate(inner) | ExprKind::Plus(inner) | ExprKind::Paren(inner) => {
                inner.value_type()
            }
            ExprKind::Binary(binary) => {
                match (binary.left.value_type(), binary.right.value_type()) {
                    (Type::Scalar, Type::Scalar) => Type::Scalar,
                    _ => Type::Vector,
                }
            }
            ExprKind::Call { function, .. } => function.returns,
        }
    }

    /// The expressions right below this one, in the order of their text.
    pub fn children(&self) -> Vec<&Self> {
        match &self.kind {
            ExprKind::Number { .. }
            | ExprKind::String(_)
            | ExprKind::Selector(_)
            | ExprKind::Matrix { .. } => Vec::new(),
            ExprKind::Subquery { expr: inner, .. }
            | ExprKind::Negate(inner)
            | ExprKind::Plus(inner)
            | ExprKind::Paren(inner) => vec![inner],
            ExprKind::Binary(binary) => vec![&binary.left, &binary.right],
            ExprKind::Aggregate(aggregate) => {
                aggregate.param.iter().chain([&aggregate.expr]).collect()
            }
            ExprKind::Call { args, .. } => args.iter().collect(),
        }
    }

    /// The expression inside parentheses, however many there are.
    pub fn unwrapped(&self) -> &Self {
        match &self.kind {
            ExprKind::Paren(inner) => inner.unwrapped(),
            _ => self,
        }
    }
}
