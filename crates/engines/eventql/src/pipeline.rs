//! What is done with the records that pass, in the order in which it is done.

use crate::{
    ast::{Comparison, Every, Function},
    field::Field,
    literal::Number,
};

/// First the groups are made, then some of them are kept, then sorted, then cut.
#[derive(Clone, Debug, PartialEq)]
pub struct Pipeline {
    pub shape: Shape,
    /// What is compared with columns of an aggregation; a row stays when all hold.
    pub keep: Vec<Keep>,
    /// Empty when no order was asked for.
    pub sort: Vec<Sort>,
    pub limit: Option<u32>,
    /// What is shown, in this order: indexes of columns, or fields of records; `None` for all.
    pub show: Option<Vec<Output>>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Shape {
    /// The records themselves.
    Records,
    /// A row for each group.
    Groups(Groups),
    /// A row for each pattern of log bodies.
    Patterns,
}

/// A row for each bucket of time and combination of values; a missing value is one of its own.
#[derive(Clone, Debug, PartialEq)]
pub struct Groups {
    pub every: Option<Every>,
    pub by: Vec<Field>,
    /// At least one.
    pub aggregates: Vec<Function>,
    /// The names of the columns: `time` for the buckets, then `by`, then the aggregates.
    pub columns: Vec<String>,
}

/// What a row or record is sorted by or shows.
#[derive(Clone, Debug, PartialEq)]
pub enum Output {
    /// An index into the columns of the groups.
    Column(usize),
    /// Of a record.
    Field(Field),
}

#[derive(Clone, Debug, PartialEq)]
pub struct Sort {
    pub by: Output,
    pub descending: bool,
}

/// A comparison; it does not hold of a missing value, except that `!=` does.
#[derive(Clone, Debug, PartialEq)]
pub struct Keep {
    /// An index into the columns of the groups.
    pub column: usize,
    pub comparison: Comparison,
    /// Durations in nanoseconds, sizes in bytes; always there for an order.
    pub number: Option<Number>,
    pub text: Box<str>,
}
