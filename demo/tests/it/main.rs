//! The shop as real processes, beside a small stand-in for Evenkeel's API.

#[cfg(test)]
mod evenkeel;
#[cfg(test)]
mod shop;
