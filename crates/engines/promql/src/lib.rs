//! PromQL: text -> tokens -> tree with positions -> values, over whatever gives series.
//!
//! **Invariant:** pure. Series come through [`SeriesSource`]; nothing here reads a clock, a store or the network.

pub mod ast;
pub mod eval;
pub mod functions;
pub mod histogram;
mod kahan;
mod lex;
pub mod lint;
mod number;
mod parse;
mod print;
mod quote;
pub mod reference;
pub mod span;

pub use eval::{
    Annotations, Answer, Cell, Column, EvalError, Hints, Limits, Loaded, MatrixSeries, PlanNode,
    Query, SeriesSet, SeriesSource, SourceError, Stats, Value, evaluate,
};
pub use lex::EXPRESSION_BYTES_MAX;
pub use parse::{Features, HEIGHT_MAX, parse, parse_with};
pub use span::{ParseError, Span};
