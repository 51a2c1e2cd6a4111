//! Scraping, decided: what Prometheus' `scrape_configs` mean, which targets they make, and what a target's exposition becomes.
//!
//! ```text
//! Group (discovered) -> Job -> target::build -> Target        labels, URL, interval, timeout
//! exposition entries -> Pass (Rules, Cache) -> Scraped        honour, relabel, limits, staleness, report
//! ```
//!
//! Source: Prometheus' documentation of its configuration, and how Prometheus 3 behaves.
//!
//! **Invariant:** nothing here reads a clock, a file or the network: same input, same targets, same samples.

pub mod accept;
pub mod config;
pub mod label_set;
pub mod name;
pub mod offset;
pub mod pass;
pub mod pattern;
pub mod relabel;
pub mod target;

pub use config::{Config, Discovery, Group, Job, Protocol};
pub use label_set::LabelSet;
pub use target::Target;
