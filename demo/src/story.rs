//! The stories: start the shop beside a running Evenkeel, give it a past, and play what happens to it.
//!
//! Everything goes through Evenkeel's public API. `evenkeel demo` uses it in this order:
//!
//! 1. [`Receiver::start`] with the signing key, so that `routing.yaml` can name its address;
//! 2. [`write_repo`] writes the production repo; then Evenkeel itself is started with it;
//! 3. [`backfill`] gives the SLOs 30 days and the metrics a day of history;
//! 4. [`Shop::start`] starts the services, the deployer and the customers;
//! 5. [`play`] plays a [`Scenario`] unattended, or the shop simply runs until [`Shop::stop`].

mod backfill;
mod evenkeel;
mod play;
mod receiver;
mod remote_write;
mod repo;
mod scenario;
mod shop;

pub use crate::load::LoadSummary;
pub use backfill::{BackfillReport, Past, backfill};
pub use play::{Report, Stage, StepDone, StoryError, play};
pub use receiver::{Page, Receiver, VerifyError, verify};
pub use repo::write_repo;
pub use scenario::{Scenario, UnknownScenario};
pub use shop::{Shop, ShopConfig};
