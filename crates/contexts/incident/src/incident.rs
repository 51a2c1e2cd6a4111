//! What an incident is.

use std::{collections::BTreeSet, fmt, str::FromStr};

use model::{Actor, Id, IdKind, Timestamp};

use crate::{
    recovery::{Progress, RecoveryPolicy},
    suspects::Suspect,
};

/// The kind of [`IncidentId`].
#[derive(Debug)]
pub enum IncidentKind {}

impl IdKind for IncidentKind {
    const PREFIX: &'static str = "inc";
}

/// Prints `inc_01j…`; people say the number, `INC-1`.
pub type IncidentId = Id<IncidentKind>;

/// What an incident is about; at most one open incident has a key.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    pub service: Box<str>,
    pub environment: Box<str>,
}

impl Key {
    pub fn new(service: impl Into<Box<str>>, environment: impl Into<Box<str>>) -> Self {
        Self { service: service.into(), environment: environment.into() }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.environment {
            "" => f.write_str(&self.service),
            environment => write!(f, "{} in {environment}", self.service),
        }
    }
}

/// How bad it is, as PagerDuty counts: SEV1 is the worst.
///
/// A page opens a SEV2, a ticket a SEV3. SEV1 (all users, data lost) and SEV4 (cosmetic) are a person's judgement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    Sev1,
    Sev2,
    Sev3,
    Sev4,
}

impl Severity {
    pub const ALL: [Self; 4] = [Self::Sev1, Self::Sev2, Self::Sev3, Self::Sev4];

    /// `SEV2`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sev1 => "SEV1",
            Self::Sev2 => "SEV2",
            Self::Sev3 => "SEV3",
            Self::Sev4 => "SEV4",
        }
    }
}

/// What an alert asks of people (SRE workbook, chapter 5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AlertClass {
    /// Someone must act now.
    Page,
    /// Someone must act in working hours.
    Ticket,
}

impl AlertClass {
    /// The severity of an incident that such an alert opens.
    pub const fn severity(self) -> Severity {
        match self {
            Self::Page => Severity::Sev2,
            Self::Ticket => Severity::Sev3,
        }
    }
}

/// Where the response stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Status {
    Investigating,
    /// The cause is known.
    Identified,
    /// Something was done against it; recovery is measured.
    Monitoring,
    Resolved,
}

impl Status {
    pub const ALL: [Self; 4] =
        [Self::Investigating, Self::Identified, Self::Monitoring, Self::Resolved];

    /// `investigating`, `identified`, `monitoring`, `resolved`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Investigating => "investigating",
            Self::Identified => "identified",
            Self::Monitoring => "monitoring",
            Self::Resolved => "resolved",
        }
    }
}

/// Why a text is not one of a fixed set of words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a {what}; it is one of {allowed}")]
pub struct ParseWordError {
    text: String,
    what: &'static str,
    allowed: &'static str,
}

impl FromStr for Severity {
    type Err = ParseWordError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|one| one.as_str().eq_ignore_ascii_case(text)).ok_or_else(|| {
            ParseWordError {
                text: text.to_owned(),
                what: "severity",
                allowed: "SEV1, SEV2, SEV3, SEV4",
            }
        })
    }
}

impl FromStr for Status {
    type Err = ParseWordError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|one| one.as_str().eq_ignore_ascii_case(text)).ok_or_else(|| {
            ParseWordError {
                text: text.to_owned(),
                what: "status",
                allowed: "investigating, identified, monitoring, resolved",
            }
        })
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// An alert that belongs to the incident: one episode of firing, from pending to resolved.
#[derive(Clone, Debug, PartialEq)]
pub struct AlertRef {
    /// The alert's id as text.
    pub id: Box<str>,
    pub service: Box<str>,
    pub slo: Option<Box<str>>,
    pub class: AlertClass,
    pub summary: Box<str>,
    /// Why an alert of another service joined.
    pub why: Option<Box<str>>,
    pub joined_at: Timestamp,
    /// `None` while it fires.
    pub resolved_at: Option<Timestamp>,
}

impl AlertRef {
    fn is_page(&self) -> bool {
        self.class == AlertClass::Page
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct Acknowledgement {
    pub by: Actor,
    pub at: Timestamp,
}

/// What a responder wrote.
#[derive(Clone, Debug, PartialEq)]
pub struct Update {
    pub at: Timestamp,
    pub by: Actor,
    pub text: Box<str>,
}

/// What users suffered, as counted so far.
#[derive(Clone, Debug, PartialEq)]
pub struct Impact {
    pub bad_events: u64,
    pub total_events: u64,
    /// Share of users with a bad event, 0 to 1; `None` where telemetry does not tell users apart.
    pub users_affected_share: Option<f64>,
    /// When it began.
    pub since: Timestamp,
    pub measured_at: Timestamp,
}

/// What was done against the failure.
#[derive(Clone, Debug, PartialEq)]
pub struct Mitigation {
    pub what: Box<str>,
    /// The act's or the deploy's id, a link, a change number.
    pub reference: Option<Box<str>>,
    pub at: Timestamp,
    pub by: Actor,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Resolution {
    pub at: Timestamp,
    pub by: Actor,
    pub reason: Box<str>,
    /// Whether the recovery test ended it, rather than a person.
    pub automatic: bool,
}

/// One incident as the facts so far have it.
#[derive(Clone, Debug, PartialEq)]
pub struct Incident {
    pub id: IncidentId,
    /// `INC-{number}`, counted from 1 without gaps.
    pub number: u32,
    pub title: Box<str>,
    pub key: Key,
    pub severity: Severity,
    pub status: Status,
    pub opened_at: Timestamp,
    pub opened_by: Actor,
    /// The incident on the same key that ended shortly before.
    pub previous: Option<IncidentId>,
    pub alerts: Vec<AlertRef>,
    pub acknowledged: Option<Acknowledgement>,
    pub assignee: Option<Box<str>>,
    pub updates: Vec<Update>,
    pub impact: Option<Impact>,
    /// The likeliest first.
    pub suspects: Vec<Suspect>,
    pub suspects_at: Option<Timestamp>,
    /// The latest one.
    pub mitigation: Option<Mitigation>,
    /// The test that ends it, and where it stood when its verdict last changed.
    pub recovery: Option<(RecoveryPolicy, Progress)>,
    pub resolution: Option<Resolution>,
    /// How often it was reopened.
    pub reopened: u32,
    /// When it last was.
    pub reopened_at: Option<Timestamp>,
    /// Where the postmortem is.
    pub postmortem: Option<Box<str>>,
    /// When it was attached last.
    pub postmortem_at: Option<Timestamp>,
    /// The incident's service and those whose alerts joined.
    pub affected: BTreeSet<Box<str>>,
}

impl Incident {
    pub fn is_open(&self) -> bool {
        self.status != Status::Resolved
    }

    /// When it ended; `None` while it is open.
    pub fn ended_at(&self) -> Option<Timestamp> {
        self.resolution.as_ref().filter(|_| !self.is_open()).map(|end| end.at)
    }

    /// `INC-7`.
    pub fn name(&self) -> String {
        format!("INC-{}", self.number)
    }

    pub fn has_firing_alert(&self) -> bool {
        self.alerts.iter().any(|alert| alert.resolved_at.is_none())
    }

    pub fn has_firing_page(&self) -> bool {
        self.alerts.iter().any(|alert| alert.is_page() && alert.resolved_at.is_none())
    }

    /// When the last of its alerts resolved; `None` while one fires, or when it never had one.
    ///
    /// Where there are pages, tickets do not count: their windows show a failure for days after its end.
    pub fn quiet_since(&self) -> Option<Timestamp> {
        let has_page = self.alerts.iter().any(AlertRef::is_page);
        let counted = self.alerts.iter().filter(|alert| !has_page || alert.is_page());
        let ends: Option<Vec<Timestamp>> = counted.map(|alert| alert.resolved_at).collect();
        ends?.into_iter().max()
    }

    /// From when on recovery is tested: since something was done, or it was reopened, or its alerts are quiet.
    pub fn recovery_starts_at(&self) -> Option<Timestamp> {
        let mitigated = self.mitigation.as_ref().map(|mitigation| mitigation.at);
        mitigated.or(self.reopened_at).or_else(|| self.quiet_since())
    }

    pub fn alert(&self, id: &str) -> Option<&AlertRef> {
        self.alerts.iter().find(|alert| &*alert.id == id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_parse_in_any_case_and_errors_name_what_is_allowed() {
        assert_eq!("sev1".parse(), Ok(Severity::Sev1));
        assert_eq!("Monitoring".parse(), Ok(Status::Monitoring));
        let error = "sev9".parse::<Severity>().unwrap_err().to_string();
        assert_eq!(error, "`sev9` is not a severity; it is one of SEV1, SEV2, SEV3, SEV4");
    }
}
