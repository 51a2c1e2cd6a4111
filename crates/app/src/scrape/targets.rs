//! What is scraped now and how it went: a picture for the API (`/api/v1/targets`, `/api/v1/targets/metadata`,
//! `/api/v1/scrape_pools`) and for people.

use std::{fmt, sync::Arc, time::Duration};

use model::{Labels, Metadata, Timestamp};

/// All pools at one moment, in the order of their names.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Targets {
    pub pools: Vec<Pool>,
}

/// The targets of one job of `scrape_configs`.
#[derive(Clone, Debug, PartialEq)]
pub struct Pool {
    /// The job's name: `scrapePool` in the API.
    pub name: Arc<str>,
    /// In the order of their URLs.
    pub active: Vec<ActiveTarget>,
    /// Those that relabelling dropped; at most `keep_dropped_targets` of them where that is set.
    pub dropped: Vec<DroppedTarget>,
    /// How many relabelling dropped, kept or not: `droppedTargetCounts`.
    pub dropped_count: u64,
    /// Why the job has no targets at all, or not all of them (a discovery that fails, `target_limit`); empty when all is well.
    pub last_error: Arc<str>,
}

/// A target that is scraped.
#[derive(Clone, Debug, PartialEq)]
pub struct ActiveTarget {
    /// Before relabelling.
    pub discovered_labels: Labels,
    /// After it, without `__…` labels.
    pub labels: Labels,
    pub scrape_url: Arc<str>,
    /// As others than this machine reach it: a loopback host is replaced by the server's external one.
    pub global_url: Arc<str>,
    pub health: Health,
    /// Why the last scrape failed; empty when it did not.
    pub last_error: Arc<str>,
    /// When the last scrape began; `None` before the first.
    pub last_scrape: Option<Timestamp>,
    pub last_scrape_duration: Duration,
    pub interval: Duration,
    pub timeout: Duration,
    /// What the families of the last good scrapes said of themselves, in the order of their names.
    pub metadata: Arc<[Metadata]>,
}

/// A target that relabelling dropped.
#[derive(Clone, Debug, PartialEq)]
pub struct DroppedTarget {
    pub discovered_labels: Labels,
}

/// How the last scrape went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Health {
    Up,
    Down,
    /// Not scraped yet.
    #[default]
    Unknown,
}

impl Health {
    /// As Prometheus' API writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::Down => "down",
            Self::Unknown => "unknown",
        }
    }
}

impl fmt::Display for Health {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Targets {
    /// Every active target with its pool's name.
    pub fn active(&self) -> impl Iterator<Item = (&str, &ActiveTarget)> {
        self.pools.iter().flat_map(|pool| pool.active.iter().map(|target| (&*pool.name, target)))
    }

    /// Every dropped target that is kept, with its pool's name.
    pub fn dropped(&self) -> impl Iterator<Item = (&str, &DroppedTarget)> {
        self.pools.iter().flat_map(|pool| pool.dropped.iter().map(|target| (&*pool.name, target)))
    }

    /// The pools' names, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.pools.iter().map(|pool| &*pool.name)
    }
}
