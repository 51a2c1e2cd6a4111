//! What a target is asked for: the `Accept` header.

use crate::{Job, Protocol};

/// The `Accept` header of a job's requests.
pub fn header(job: &Job) -> String {
    let mut weight = Protocol::ALL.len() + 1;
    let mut out = String::new();
    for protocol in &job.protocols {
        out.push_str(match protocol {
            Protocol::Protobuf => {
                "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited"
            }
            Protocol::Text004 => "text/plain;version=0.0.4",
            Protocol::Text100 => "text/plain;version=1.0.0",
            Protocol::OpenMetrics001 => "application/openmetrics-text;version=0.0.1",
            Protocol::OpenMetrics100 => "application/openmetrics-text;version=1.0.0",
        });
        // Older versions know no escaping.
        if matches!(protocol, Protocol::Text100 | Protocol::OpenMetrics100) {
            out.push_str(";escaping=");
            out.push_str(job.escaping.as_str());
        }
        out.push_str(&format!(";q=0.{weight},"));
        weight = weight.saturating_sub(1);
    }
    out.push_str(&format!("*/*;q=0.{weight}"));
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{config::test::job, name::Escaping};

    #[test]
    fn asks_for_formats_in_their_order() {
        let mut job = job("a");
        job.protocols = vec![Protocol::Protobuf, Protocol::OpenMetrics100, Protocol::Text004];
        job.escaping = Escaping::Dots;
        assert_eq!(
            header(&job),
            "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.6,\
             application/openmetrics-text;version=1.0.0;escaping=dots;q=0.5,text/plain;version=0.0.4;q=0.4,*/*;q=0.3"
        );
    }
}
