//! A deploy.

use model::{Actor, Id, IdKind, Timestamp};

use crate::gate::GateId;

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
    /// It is being rolled out: some of it may serve already.
    Started,
    /// It runs, or did until a later one came.
    Live,
    /// It did not come to its end; what it left behind is not known.
    Failed,
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
    /// When it happened; where its start was announced, when it began.
    pub at: Timestamp,
    /// When it came to its end; `None` while it is being rolled out.
    pub finished_at: Option<Timestamp>,
    pub by: Actor,
    /// Link to the change or the pipeline's run.
    pub url: Option<Box<str>>,
    /// The deploy that this one undoes.
    pub rolls_back: Option<DeployId>,
    /// The verdict that let it pass; a verdict lets one deploy pass.
    pub gate: Option<GateId>,
    /// The caller's own key: the same key records once.
    pub idempotency_key: Option<Box<str>>,
    pub status: DeployStatus,
}

/// How far a deploy is, as it is announced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// It begins; another announcement ends it.
    Started,
    Succeeded,
    Failed,
    /// The version runs again: this undoes [`NewDeploy::rolls_back`], else the newest deploy.
    RolledBack,
}

/// A deploy as it is announced.
#[derive(Clone, Debug, PartialEq)]
pub struct NewDeploy {
    pub id: DeployId,
    pub service: Box<str>,
    pub environment: Box<str>,
    pub version: Box<str>,
    pub previous_version: Option<Box<str>>,
    pub stage: Stage,
    pub at: Timestamp,
    pub by: Actor,
    pub url: Option<Box<str>>,
    pub rolls_back: Option<DeployId>,
    /// The verdict that it goes by; without one, the newest that fits is taken.
    pub gate: Option<GateId>,
    pub idempotency_key: Option<Box<str>>,
}
