//! Telling people: bodies, signatures and the senders that the outbox uses.

pub mod link;
mod lookup;
pub mod payload;
pub mod send;
pub mod signature;
