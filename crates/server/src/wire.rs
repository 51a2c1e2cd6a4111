//! What comes over the network and goes back: parsed here, and nowhere else.

pub mod api;
pub mod otlp;
pub mod otlp_grpc;
pub mod otlp_http;
pub mod remote_write;
pub mod rpc_status;

mod weigh;
