//! What redaction found: counts by rule, and by the place and the key where it was, never the secret itself.

use std::collections::BTreeMap;

use super::{Action, SHOWN_CHARS_MAX, key::Slot};
use crate::Counts;

/// Different findings that are listed; more are only counted, for keys come from outside.
pub const FINDINGS_MAX: usize = 256;

/// Where in telemetry a secret was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Place {
    SpanName,
    SpanAttribute,
    SpanStatus,
    TraceState,
    EventName,
    EventAttribute,
    LinkAttribute,
    LogBody,
    LogSeverity,
    LogEventName,
    LogAttribute,
    Resource,
    Scope,
    MetricName,
    MetricLabel,
    MetricMetadata,
    Exemplar,
    #[default]
    Other,
}

impl Place {
    /// The word that a report uses.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SpanName => "span_name",
            Self::SpanAttribute => "span_attribute",
            Self::SpanStatus => "span_status",
            Self::TraceState => "trace_state",
            Self::EventName => "event_name",
            Self::EventAttribute => "event_attribute",
            Self::LinkAttribute => "link_attribute",
            Self::LogBody => "log_body",
            Self::LogSeverity => "log_severity",
            Self::LogEventName => "log_event_name",
            Self::LogAttribute => "log_attribute",
            Self::Resource => "resource",
            Self::Scope => "scope",
            Self::MetricName => "metric_name",
            Self::MetricLabel => "metric_label",
            Self::MetricMetadata => "metric_metadata",
            Self::Exemplar => "exemplar",
            Self::Other => "other",
        }
    }
}

/// One kind of finding.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    pub rule: &'static str,
    /// What became of it, or in a dry run would have.
    pub action: Action,
    /// Nothing was changed.
    pub dry_run: bool,
    pub place: Place,
    /// The key that holds the value: nested ones are joined by `.`, and `[]` stands for an array's element; empty for a body or a name.
    pub key: Box<str>,
}

/// What was found in one request, or in all of them together.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Findings {
    hidden: Counts,
    found: BTreeMap<Finding, u64>,
    unlisted: u64,
    place: Place,
}

impl Findings {
    /// What is redacted from now on lies here.
    pub fn at(&mut self, place: Place) -> &mut Self {
        self.place = place;
        self
    }

    /// How many values each rule hid; what a dry run found is not among them.
    pub fn hidden(&self) -> &Counts {
        &self.hidden
    }

    /// What was found, and how often.
    pub fn found(&self) -> impl Iterator<Item = (&Finding, u64)> {
        self.found.iter().map(|(finding, count)| (finding, *count))
    }

    /// How many more were found than are listed ([`FINDINGS_MAX`]).
    pub fn unlisted(&self) -> u64 {
        self.unlisted
    }

    /// Adds what another request had.
    pub fn merge(&mut self, other: &Self) {
        for (rule, count) in &other.hidden {
            *self.hidden.entry(rule).or_default() += count;
        }
        for (finding, count) in &other.found {
            self.list(finding.clone(), *count);
        }
        self.unlisted += other.unlisted;
    }

    pub(super) fn add(&mut self, hits: &Hits, key: &str) {
        for hit in &hits.list {
            if !hit.dry_run {
                *self.hidden.entry(hit.rule).or_default() += hit.count;
            }
            let Hit { rule, action, dry_run, count } = *hit;
            let finding = Finding { rule, action, dry_run, place: self.place, key: key.into() };
            self.list(finding, count);
        }
    }

    fn list(&mut self, finding: Finding, count: u64) {
        if let Some(have) = self.found.get_mut(&finding) {
            *have += count;
        } else if self.found.len() < FINDINGS_MAX {
            self.found.insert(finding, count);
        } else {
            self.unlisted += count;
        }
    }
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Hit {
    pub(super) rule: &'static str,
    pub(super) action: Action,
    pub(super) dry_run: bool,
    pub(super) count: u64,
}

/// What the rules found in one value.
#[derive(Debug, Default)]
pub(super) struct Hits {
    pub(super) list: Vec<Hit>,
}

impl Hits {
    pub(super) fn one(slot: Slot) -> Self {
        let mut hits = Self::default();
        hits.add(slot);
        hits
    }

    pub(super) fn add(&mut self, Slot { name: rule, action, dry_run }: Slot) {
        match self.list.iter_mut().find(|hit| hit.rule == rule) {
            Some(hit) => hit.count += 1,
            None => self.list.push(Hit { rule, action, dry_run, count: 1 }),
        }
    }

    /// Whether what holds the value has to go.
    pub(super) fn drops(&self) -> bool {
        self.list.iter().any(|hit| hit.action == Action::Drop && !hit.dry_run)
    }
}

/// Where a value lies within its attributes or body.
#[derive(Clone, Copy, Debug)]
pub(super) enum Path<'a> {
    Root,
    Key(&'a Path<'a>, &'a str),
    Item(&'a Path<'a>),
}

impl<'a> Path<'a> {
    /// The nearest key.
    pub(super) fn key(&self) -> &'a str {
        match self {
            Self::Root => "",
            Self::Key(_, key) => key,
            Self::Item(of) => of.key(),
        }
    }

    /// Whether a value lies in another one.
    pub(super) fn is_nested(&self) -> bool {
        !matches!(self, Self::Root | Self::Key(Path::Root, _))
    }

    /// All keys, cut where they are too long to be shown.
    pub(super) fn text(&self) -> Box<str> {
        let mut text = String::new();
        self.write(&mut text);
        if let Some((end, _)) = text.char_indices().nth(SHOWN_CHARS_MAX) {
            text.truncate(end);
            text.push('…');
        }
        text.into()
    }

    /// All keys in full.
    pub(super) fn write(&self, text: &mut String) {
        match self {
            Self::Root => {}
            Self::Key(of, key) => {
                of.write(text);
                if !text.is_empty() {
                    text.push('.');
                }
                text.push_str(key);
            }
            Self::Item(of) => {
                of.write(text);
                text.push_str("[]");
            }
        }
    }
}
