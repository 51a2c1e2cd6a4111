//! Deploys and freezes as they are on record.

use std::{fmt, str::FromStr};

use model::{Actor, Id, IdKind, Timestamp};

use crate::{gate::VerdictId, pattern::Pattern};

/// The kind of [`DeployId`].
#[derive(Debug)]
pub enum DeployKind {}

impl IdKind for DeployKind {
    const PREFIX: &'static str = "dpl";
}

pub type DeployId = Id<DeployKind>;

/// The kind of [`FreezeId`].
#[derive(Debug)]
pub enum FreezeKind {}

impl IdKind for FreezeKind {
    const PREFIX: &'static str = "frz";
}

pub type FreezeId = Id<FreezeKind>;

/// Where a version runs.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    pub service: Box<str>,
    /// May be empty, as telemetry's may.
    pub environment: Box<str>,
}

impl Place {
    pub fn new(service: impl Into<Box<str>>, environment: impl Into<Box<str>>) -> Self {
        Self { service: service.into(), environment: environment.into() }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.environment {
            "" => f.write_str(&self.service),
            environment => write!(f, "{} in {environment}", self.service),
        }
    }
}

/// By what way a deploy became known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Source {
    Cli,
    Api,
    CdEvents,
    /// A deployer that asks the gate and reports what it did.
    Deployer,
    /// Evenkeel's own act.
    Act,
}

impl Source {
    pub const ALL: [Self; 5] = [Self::Cli, Self::Api, Self::CdEvents, Self::Deployer, Self::Act];

    /// `cli`, `api`, `cdevents`, `deployer`, `act`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Cli => "cli",
            Self::Api => "api",
            Self::CdEvents => "cdevents",
            Self::Deployer => "deployer",
            Self::Act => "act",
        }
    }
}

/// Why a text is not a [`Source`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a source of deploys; it is one of cli, api, cdevents, deployer, act")]
pub struct ParseSourceError {
    text: String,
}

impl FromStr for Source {
    type Err = ParseSourceError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL.into_iter().find(|source| source.as_str() == text);
        found.ok_or_else(|| ParseSourceError { text: text.to_owned() })
    }
}

/// What became of a deploy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DeployStatus {
    /// It is what runs there now.
    Recorded,
    /// It was taken back.
    RolledBack,
    /// Another version came after it.
    Superseded,
}

impl DeployStatus {
    pub const ALL: [Self; 3] = [Self::Recorded, Self::RolledBack, Self::Superseded];

    /// `recorded`, `rolled_back`, `superseded`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Recorded => "recorded",
            Self::RolledBack => "rolled_back",
            Self::Superseded => "superseded",
        }
    }
}

/// Whether the gate was asked before a deploy. What happened is recorded in any case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GateUse {
    /// Nobody named a verdict.
    Unasked,
    /// This verdict allowed it, was fresh and was used once.
    Passed { verdict: VerdictId },
    /// A verdict was named that does not cover this deploy.
    NotCovered { verdict: VerdictId, why: Box<str> },
}

/// A version that went to a place.
#[derive(Clone, Debug, PartialEq)]
pub struct Deploy {
    pub id: DeployId,
    pub place: Place,
    pub version: Box<str>,
    /// The version that ran there before, as far as is on record.
    pub previous: Option<Box<str>>,
    /// When it happened, as its source says.
    pub at: Timestamp,
    pub by: Actor,
    pub source: Source,
    /// The change behind it: a commit, a pull request.
    pub change: Option<Box<str>>,
    pub url: Option<Box<str>>,
    pub status: DeployStatus,
    /// The deploy that this one takes back.
    pub rolls_back: Option<DeployId>,
    pub gate: GateUse,
}

/// A time in which the gate is closed.
#[derive(Clone, Debug, PartialEq)]
pub struct Freeze {
    /// `None` for one that a policy brings.
    pub id: Option<FreezeId>,
    pub services: Pattern,
    pub environments: Pattern,
    pub reason: Box<str>,
    pub by: Box<str>,
    pub from: Timestamp,
    /// `None` until it is lifted.
    pub until: Option<Timestamp>,
}

impl Freeze {
    /// Whether it closes the gate for this place at this time; the end is not part of it.
    pub fn covers(&self, service: &str, environment: &str, at: Timestamp) -> bool {
        self.services.matches(service)
            && self.environments.matches(environment)
            && self.from <= at
            && self.until.is_none_or(|until| at < until)
    }
}
