//! Arithmetic on small histograms.
