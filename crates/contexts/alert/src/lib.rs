//! alert.
