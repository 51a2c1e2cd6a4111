//! What was found out about one pair of windows of one SLO, and the memory that folds flapping.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use model::{Labels, Timestamp};

use crate::State;

/// An alert resolves when its windows have been clear for this long without a break, so that a burn rate that swings
/// around its threshold is one alert.
pub const KEEP_FIRING: Duration = Duration::from_secs(60);

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Somebody looks on the next working day.
    Ticket,
    /// Somebody is called now.
    Page,
}

impl Severity {
    pub const ALL: [Self; 2] = [Self::Ticket, Self::Page];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ticket => "ticket",
            Self::Page => "page",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Both windows exceed the threshold.
    Crossed,
    /// At least one window is known not to.
    Clear,
    /// Too little is known: fires nothing, resolves nothing.
    Unknown,
}

/// What an alert is about: an SLO's name and one pair of its windows, such as `1h+5m`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    pub slo: Box<str>,
    pub pair: Box<str>,
}

/// What one window saw.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Window {
    pub length: Duration,
    pub bad: u64,
    pub total: u64,
    /// `None` without events.
    pub burn: Option<f64>,
}

/// The numbers behind a verdict.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Evidence {
    /// The burn rate that both windows must exceed.
    pub threshold: f64,
    pub long: Window,
    pub short: Window,
}

/// What was found out about one pair of windows of one SLO.
#[derive(Clone, Debug, PartialEq)]
pub struct Judgement {
    pub key: Key,
    pub service: Box<str>,
    /// `None` is any environment.
    pub environment: Option<Box<str>>,
    pub severity: Severity,
    pub verdict: Verdict,
    pub evidence: Evidence,
    /// One sentence.
    pub summary: Box<str>,
    /// What routing sees.
    pub labels: Labels,
    /// When the windows were read.
    pub at: Timestamp,
    /// Since when it has been clear without a break; [`Pending::track`] fills it in.
    pub clear_since: Option<Timestamp>,
}

impl Judgement {
    pub(crate) fn is_clear_for_long(&self) -> bool {
        self.verdict == Verdict::Clear
            && self.clear_since.is_some_and(|since| self.at.since(since) >= KEEP_FIRING)
    }
}

/// Since when firing alerts have been clear. Lives outside the journal: it flaps, and a restart only lets an alert fire for
/// [`KEEP_FIRING`] longer.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Pending {
    clear_since: BTreeMap<Key, Timestamp>,
}

impl Pending {
    /// Takes a round of judgements and hands on those of which a decision may come: what would fire, what would resolve.
    ///
    /// Each that is crossed needs an id in [`crate::Command::Judge`].
    pub fn track(&mut self, state: &State, judgements: Vec<Judgement>) -> Vec<Judgement> {
        let mut news = Vec::new();
        let mut clear = BTreeSet::new();
        for mut judgement in judgements {
            let firing = state.is_firing(&judgement.key);
            match judgement.verdict {
                Verdict::Crossed if !firing => news.push(judgement),
                Verdict::Clear if firing => {
                    let since =
                        self.clear_since.entry(judgement.key.clone()).or_insert(judgement.at);
                    judgement.clear_since = Some(*since);
                    clear.insert(judgement.key.clone());
                    if judgement.is_clear_for_long() {
                        news.push(judgement);
                    }
                }
                Verdict::Crossed | Verdict::Clear | Verdict::Unknown => {}
            }
        }
        self.clear_since.retain(|key, _| clear.contains(key));
        news
    }
}
