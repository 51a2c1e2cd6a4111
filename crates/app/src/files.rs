//! The production repo: the files that users bring, parsed and validated by hand.
//!
//! ```text
//! directory -> RepoFiles (bytes, bounded) -> yaml (positioned tree) -> openslo, routing, policy, catalog, runbook
//!           -> Repo (the contexts' own types) -> diff
//! ```
//!
//! Each format is read from a tree that knows the line and column of every node, so that all problems of a repo are
//! reported at once, each as `file:line:column: error[E0101]: what is wrong; what is allowed`.
//!
//! **Invariant:** whatever the bytes, reading them ends soon, in bounded memory and without a panic.

pub mod archive;
pub mod catalog;
pub mod diff;
pub mod load;
pub mod openslo;
pub mod policy;
pub mod problem;
pub mod reader;
pub mod repo;
pub mod routing;
pub mod runbook;
pub mod scrape;
pub mod selector;
pub mod text;
mod tls;
pub mod yaml;

pub use archive::ArchiveError;
pub use diff::{Change, ChangeKind, diff};
pub use load::{LoadError, RepoFiles};
pub use problem::{Code, Problem, Severity};
pub use repo::{Parsed, Repo, check, parse};
pub use runbook::Runbook;
