//! When each service was first heard of, and by which signal; kept when the service falls silent.

use model::Timestamp;

/// The signal that a service was first heard of by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard {
    Span,
    Log,
    Sample,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct First {
    pub by: Heard,
    pub at: Timestamp,
}
