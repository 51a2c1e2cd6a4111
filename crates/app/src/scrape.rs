//! Scraping: asks targets for their metrics as Prometheus does, by Prometheus' own `scrape_configs`.

pub mod targets;

use std::sync::Arc;

use targets::Targets;

/// A handle on what is scraped.
#[derive(Debug, Default)]
pub struct Scrape {}

impl Scrape {
    /// What is scraped now and how it went.
    pub fn targets(&self) -> Targets {
        Targets::default()
    }

    /// The configuration in force, its secrets masked; `None` when nothing is scraped.
    pub fn config_text(&self) -> Option<Arc<str>> {
        None
    }
}
