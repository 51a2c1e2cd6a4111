//! Limits, and what else scripts cannot say.
