//! A deploy.

use model::{Actor, Id, IdKind, Timestamp};

/// The kind of [`DeployId`].
#[derive(Debug)]
pub enum DeployKind {}

impl IdKind for DeployKind {
    const PREFIX: &'static str = "dpl";
}

/// Prints `dpl_01j…`.
pub type DeployId = Id<DeployKind>;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DeployStatus {
    /// It runs, or did until a later one came.
    Live,
    /// A later deploy undid it.
    RolledBack,
}

/// A version that came into an environment.
#[derive(Clone, Debug, PartialEq)]
pub struct Deploy {
    pub id: DeployId,
    pub service: Box<str>,
    pub environment: Box<str>,
    pub version: Box<str>,
    /// What ran before: as the caller said, else as the last deploy on record has it.
    pub previous_version: Option<Box<str>>,
    /// When it happened.
    pub at: Timestamp,
    pub by: Actor,
    /// Link to the change or the pipeline's run.
    pub url: Option<Box<str>>,
    /// The deploy that this one undoes.
    pub rolls_back: Option<DeployId>,
    /// The caller's own key: the same key records once.
    pub idempotency_key: Option<Box<str>>,
    pub status: DeployStatus,
}

/// A deploy as it is announced.
#[derive(Clone, Debug, PartialEq)]
pub struct NewDeploy {
    pub id: DeployId,
    pub service: Box<str>,
    pub environment: Box<str>,
    pub version: Box<str>,
    pub previous_version: Option<Box<str>>,
    pub at: Timestamp,
    pub by: Actor,
    pub url: Option<Box<str>>,
    pub rolls_back: Option<DeployId>,
    pub idempotency_key: Option<Box<str>>,
}
