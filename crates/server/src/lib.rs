//! The network's side of Evenkeel: sockets, requests, wire formats, who may ask.
//!
//! ```text
//! socket -> serve (timeouts, caps) -> guard (Host, Origin, tokens) -> headers -> router
//!   telemetry: wire::{otlp_http, otlp_grpc, remote_write} -> body (inflate, bounded) -> intake -> sink
//! ```
//!
//! **Invariant:** no byte from outside is kept, inflated or decoded beyond a named limit, and no error becomes HTTP anywhere but in [`problem`].

pub mod api;
mod base_path;
pub mod body;
pub mod config;
pub mod guard;
pub mod headers;
pub mod intake;
pub mod metrics;
pub mod pages;
pub mod problem;
pub mod router;
pub mod serve;
pub mod sign_in;
pub mod sink;
pub mod wire;

pub use config::{ConnectionLimits, ServerConfig, Timeouts, Token};
pub use guard::Caller;
pub use headers::Nonce;
pub use ingest::{Exponentials, NameStrategy, Translation};
pub use metrics::Metrics;
pub use problem::Problem;
pub use router::{Listeners, Parts, build};
pub use serve::{Addresses, BindError, Bound, Drain, Peer, Server};
pub use sink::{Receipt, Refusal, TelemetrySink};
