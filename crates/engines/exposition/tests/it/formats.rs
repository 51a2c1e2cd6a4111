//! Cases of our own for all formats.
