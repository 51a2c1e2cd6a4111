//! `google.rpc.Status`, in which OTLP says what went wrong, and `google.rpc.RetryInfo`, which says when to try again.

use std::time::Duration;

use bytes::Bytes;
use prost::Message;
use serde_json::json;

use crate::Problem;

const RETRY_INFO_TYPE: &str = "type.googleapis.com/google.rpc.RetryInfo";

/// `google.rpc.Status`.
#[derive(Clone, PartialEq, Message)]
pub struct RpcStatus {
    #[prost(int32, tag = "1")]
    pub code: i32,
    #[prost(string, tag = "2")]
    pub message: String,
    #[prost(message, repeated, tag = "3")]
    pub details: Vec<AnyMessage>,
}

/// `google.protobuf.Any`.
#[derive(Clone, PartialEq, Message)]
pub struct AnyMessage {
    #[prost(string, tag = "1")]
    pub type_url: String,
    #[prost(bytes = "vec", tag = "2")]
    pub value: Vec<u8>,
}

/// `google.rpc.RetryInfo`.
#[derive(Clone, PartialEq, Message)]
pub struct RetryInfo {
    #[prost(message, optional, tag = "1")]
    pub retry_delay: Option<ProtoDuration>,
}

/// `google.protobuf.Duration`.
#[derive(Clone, PartialEq, Message)]
pub struct ProtoDuration {
    #[prost(int64, tag = "1")]
    pub seconds: i64,
    #[prost(int32, tag = "2")]
    pub nanos: i32,
}

/// The problem as `google.rpc.Status`.
pub fn of(problem: &Problem) -> RpcStatus {
    let retry = problem.retry_after.map(|after| AnyMessage {
        type_url: RETRY_INFO_TYPE.to_owned(),
        value: RetryInfo { retry_delay: Some(proto_duration(after)) }.encode_to_vec(),
    });
    RpcStatus {
        code: problem.grpc_code().into(),
        message: problem.detail.clone(),
        details: retry.into_iter().collect(),
    }
}

/// The same in protobuf's JSON.
pub fn json(problem: &Problem) -> serde_json::Value {
    let details: Vec<_> = problem
        .retry_after
        .iter()
        .map(|after| json!({ "@type": RETRY_INFO_TYPE, "retryDelay": format!("{}s", after.as_secs_f64()) }))
        .collect();
    json!({ "code": i32::from(problem.grpc_code()), "message": problem.detail, "details": details })
}

/// The same as gRPC's own status.
pub fn grpc(problem: &Problem) -> tonic::Status {
    let details =
        if problem.retry_after.is_some() { of(problem).encode_to_vec() } else { Vec::new() };
    tonic::Status::with_details(problem.grpc_code(), problem.detail.clone(), Bytes::from(details))
}

fn proto_duration(duration: Duration) -> ProtoDuration {
    ProtoDuration {
        seconds: i64::try_from(duration.as_secs()).unwrap_or(i64::MAX),
        nanos: i32::try_from(duration.subsec_nanos()).unwrap_or(0),
    }
}
