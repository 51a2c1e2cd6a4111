//! The server over real sockets on loopback, with a sink that keeps what it is given.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod access;
mod bodies;
mod compliance;
mod conformance;
mod corpora;
#[path = "../../../../fuzz/mutate.rs"]
mod mutate;
mod otlp;
mod remote_write;
mod shown;
mod sockets;
mod story;
mod support;
