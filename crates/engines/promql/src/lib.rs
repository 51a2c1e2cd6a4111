//! promql.
