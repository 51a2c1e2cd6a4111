//! The production repo: check, diff, apply.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Body of `POST /evenkeel/v1/repo/check`, `/repo/diff` and `/repo/apply`: a whole production repo.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RepoFiles {
    pub files: Vec<RepoFile>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RepoFile {
    /// Relative, with `/` between its parts.
    pub path: String,
    pub content: String,
}

/// Answer of `POST /evenkeel/v1/repo/check`: every problem at once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RepoCheck {
    /// Whether it could be applied: no problem is an error.
    pub ok: bool,
    pub problems: Vec<RepoProblem>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RepoProblem {
    pub file: String,
    /// Counted from 1.
    pub line: u32,
    /// Counted from 1, in characters.
    pub column: u32,
    pub severity: ProblemSeverity,
    /// What is wrong.
    pub message: String,
    /// What is allowed.
    pub allowed: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ProblemSeverity {
    Error,
    Warning,
}

/// Answer of `POST /evenkeel/v1/repo/diff`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RepoDiff {
    pub problems: Vec<RepoProblem>,
    /// Empty when nothing would change.
    pub changes: Vec<RepoChange>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RepoChange {
    pub change: ChangeKind,
    /// `service`, `slo`, `policy`, `routing` or `runbook`.
    pub kind: String,
    pub name: String,
    /// What the change would do, such as "objective 0.99 -> 0.999: budget left 40 % -> -500 %".
    pub effect: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ChangeKind {
    Added,
    Changed,
    Removed,
}

/// Answer of `POST /evenkeel/v1/repo/apply`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RepoApply {
    /// Any error among them means that nothing was applied.
    pub problems: Vec<RepoProblem>,
    pub changes: Vec<RepoChange>,
    /// Absent when it was refused.
    pub applied: Option<Applied>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Applied {
    /// SHA-256 over the files, hexadecimal.
    pub config_hash: String,
    /// Number of the fact; absent when the same configuration was in force already.
    pub fact: Option<u64>,
}
