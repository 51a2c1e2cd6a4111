//! Logs.

use opentelemetry_proto::tonic::{
    collector::logs::v1::ExportLogsServiceRequest,
    logs::v1::{LogRecord, ResourceLogs, ScopeLogs, SeverityNumber},
};
use serde::Deserialize;

use super::{
    Any, Pair, ResourceJson, ScopeJson, any,
    field::{Enum, Hex, Int, Nullable},
    pairs, resource, scope,
};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Request {
    #[serde(default)]
    resource_logs: Nullable<Vec<ResourceLogsJson>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct ResourceLogsJson {
    resource: Option<ResourceJson>,
    scope_logs: Nullable<Vec<ScopeLogsJson>>,
    schema_url: Nullable<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct ScopeLogsJson {
    scope: Option<ScopeJson>,
    log_records: Nullable<Vec<LogJson>>,
    schema_url: Nullable<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct LogJson {
    time_unix_nano: Int<u64>,
    observed_time_unix_nano: Int<u64>,
    severity_number: Enum,
    severity_text: Nullable<String>,
    body: Option<Any>,
    attributes: Nullable<Vec<Pair>>,
    trace_id: Hex,
    span_id: Hex,
    event_name: Nullable<String>,
    flags: Int<u32>,
    dropped_attributes_count: Int<u32>,
}

impl From<Request> for ExportLogsServiceRequest {
    fn from(request: Request) -> Self {
        let groups = request.resource_logs.0.into_iter().map(|group| ResourceLogs {
            resource: resource(group.resource),
            scope_logs: group.scope_logs.0.into_iter().map(Into::into).collect(),
            schema_url: group.schema_url.0,
        });
        Self { resource_logs: groups.collect() }
    }
}

impl From<ScopeLogsJson> for ScopeLogs {
    fn from(group: ScopeLogsJson) -> Self {
        let log_records = group.log_records.0.into_iter().map(Into::into).collect();
        Self { scope: scope(group.scope), log_records, schema_url: group.schema_url.0 }
    }
}

impl From<LogJson> for LogRecord {
    fn from(log: LogJson) -> Self {
        Self {
            time_unix_nano: log.time_unix_nano.0,
            observed_time_unix_nano: log.observed_time_unix_nano.0,
            severity_number: log.severity_number.number(SeverityNumber::from_str_name),
            severity_text: log.severity_text.0,
            body: log.body.map(any),
            attributes: pairs(log.attributes),
            trace_id: log.trace_id.0,
            span_id: log.span_id.0,
            event_name: log.event_name.0,
            flags: log.flags.0,
            dropped_attributes_count: log.dropped_attributes_count.0,
        }
    }
}
