//! The use cases: brings the contexts and the engines together, and does what was decided.
//!
//! ```text
//! telemetry -> Telemetry (queue) -> events, tsdb -> slo counters        what happened
//! tick -> Judge -> Control -> decide -> journal -> react -> journal     what it means
//! committed facts -> Outbox (notify), Runner (roll back)                what is done
//! ```
//!
//! **Invariant:** only [`control`] changes state that people or machines change, and only after the journal has it.

pub mod acts;
pub mod app;
pub mod backup;
pub mod command;
pub mod control;
pub mod data_dir;
pub mod drafts;
pub mod events;
pub mod files;
pub mod gate;
pub mod judge;
pub mod mint;
pub mod notify;
pub mod offline;
pub mod outbox;
pub mod query;
pub mod react;
pub mod record;
pub mod remote;
pub mod repo;
pub mod runbooks;
pub mod samples;
pub mod scrape;
pub mod state;
pub mod telemetry;
pub mod timeline;
pub mod triage;

pub use app::{App, Options};

/// The contexts' and engines' types that stand in this crate's signatures.
pub use {alert, catalog, deploy, incident, journal, postmortem, promql, slo};
