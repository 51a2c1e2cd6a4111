//! Prometheus' HTTP API over a real socket and a real store.

mod answers;
mod clients;
mod federate;
mod lint;
mod load;
mod read;
mod reference;
mod remote;
mod rig;
