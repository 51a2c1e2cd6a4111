//! The configuration in force, for people: what `evenkeel doctor` prints. No secret is among it.

use std::{collections::BTreeSet, fmt::Write as _, time::Duration};

use app::{files::text::print_duration, remote::forward::Protocol};
use server::api::PrometheusInfo;

use super::{Config, FEATURES, How, Rollback, WalSync};

impl Config {
    /// Every key with its value, in the order of the reference; lists have a line for each item.
    pub(crate) fn effective(&self) -> Vec<(String, String)> {
        let mut lines = self.places();
        lines.extend(self.connections());
        lines.extend(self.people());
        lines.extend(self.bounds());
        lines.extend(self.elsewhere());
        lines.extend(
            self.rollbacks.iter().map(|rule| ("acts.rollback[]".to_owned(), rollback(rule))),
        );
        lines
    }

    fn places(&self) -> Vec<(String, String)> {
        let address = |address: Option<std::net::SocketAddr>| {
            address.map_or("off".to_owned(), |address| address.to_string())
        };
        let server = &self.server;
        let mut lines = vec![
            line("listen", server.listen),
            line("otlp_grpc_listen", address(server.otlp_grpc_listen)),
            line("otlp_http_listen", address(server.otlp_http_listen)),
            line("external_url", server.external_url.as_ref().map_or("", url::Url::as_str)),
            line("data_dir", &self.data_dir),
            line("repo", self.repo.as_deref().map_or("", camino::Utf8Path::as_str)),
            line("server.allowed_hosts", format!("[{}]", server.allowed_hosts.join(", "))),
        ];
        lines.extend(
            server.insecure_listen.iter().map(|address| line("--insecure-listen", address)),
        );
        lines
    }

    fn connections(&self) -> Vec<(String, String)> {
        let (times, caps) = (&self.server.timeouts, &self.server.connections);
        vec![
            line("server.first_byte_timeout", print_duration(times.first_byte)),
            line("server.header_timeout", print_duration(times.header)),
            line("server.idle_timeout", print_duration(times.idle)),
            line("server.write_timeout", print_duration(times.write_stall)),
            line("server.body_grace", print_duration(times.body_grace)),
            line("server.min_body_rate", times.body_bytes_per_s_min),
            line("server.drain_timeout", print_duration(times.drain)),
            line("server.decode_wait", print_duration(times.decode_wait)),
            line("server.max_connections", caps.connections_max),
            line("server.reserved_connections", caps.reserved),
            line("server.max_streams", caps.streams_max),
            line("server.max_header_bytes", caps.header_bytes_max),
            line("server.max_headers", caps.headers_max),
            line("server.max_buffered_bytes", caps.buffered_bytes_max),
            line("server.max_decoders", caps.decoders_max),
        ]
    }

    fn people(&self) -> Vec<(String, String)> {
        let mut lines = Vec::new();
        lines.extend(
            self.server.api_tokens.iter().map(|token| line("api.tokens[].name", &token.name)),
        );
        lines.push(line("api.enable_admin", self.admin));
        lines.extend(
            self.server.ingest_tokens.iter().map(|token| line("ingest.tokens[].name", &token.name)),
        );
        lines
            .push(line("webhook.signing_key", if self.webhook_key.is_some() { "set" } else { "" }));
        let fallback = self.fallback_receiver.as_deref().unwrap_or_default();
        lines.push(line("notify.fallback_receiver", fallback));
        lines
    }

    fn bounds(&self) -> Vec<(String, String)> {
        let (limits, query, scrape) = (&self.limits, &self.query, &self.scrape);
        let otlp = &self.server.otlp;
        let on = FEATURES.into_iter().zip(query.features).filter(|(_, on)| *on);
        let features: Vec<&str> = on.map(|(name, _)| name).collect();
        let sync = match self.wal_sync {
            WalSync::Always => "always",
            WalSync::Interval => "interval",
            WalSync::Never => "never",
        };
        vec![
            line("retention.metrics", print_duration(self.retention.metrics)),
            line("retention.metrics_bytes", self.retention.metrics_bytes),
            line(
                "retention.out_of_order_window",
                match self.retention.out_of_order_window() {
                    Duration::MAX => "any age".to_owned(),
                    window => print_duration(window).to_string(),
                },
            ),
            line("retention.logs_and_spans", print_duration(self.retention.logs_and_spans)),
            line("otlp.translation_strategy", otlp.names.as_str()),
            line("otlp.exponential_histograms", otlp.exponentials.as_str()),
            line("otlp.convert_histograms_to_nhcb", otlp.convert_histograms_to_nhcb),
            line("otlp.promote_scope_metadata", otlp.promote_scope_metadata),
            line("otlp.zero_samples", otlp.zero_samples),
            line("limits.max_active_series", limits.active_series_max),
            line("limits.max_active_series_per_service", limits.active_series_per_service_max),
            line("limits.max_labels", limits.labels_max),
            line("limits.max_label_value_bytes", limits.label_value_bytes_max),
            line("limits.max_log_bytes", limits.log_bytes_max),
            line("limits.max_attributes", limits.attributes_max),
            line("limits.max_attribute_value_bytes", limits.attribute_value_bytes_max),
            line("limits.max_body_bytes", limits.body_bytes_max),
            line("limits.max_inflation_ratio", limits.inflation_ratio_max),
            line("limits.max_future_seconds", limits.future_seconds_max),
            line("query.timeout", print_duration(query.timeout)),
            line("query.max_samples", query.samples_max),
            line("query.max_series", query.series_max),
            line("query.max_points_per_series", query.points_per_series_max),
            line("query.max_memory_bytes", query.memory_max_bytes),
            line("query.max_scan_bytes", query.scan_max_bytes),
            line("query.features", format!("[{}]", features.join(", "))),
            line("query.lookback_delta", print_duration(query.lookback_delta)),
            line(
                "scrape.config_file",
                scrape.config_file.as_deref().map_or("", camino::Utf8Path::as_str),
            ),
            line("scrape.max_targets", scrape.targets_max),
            line("scrape.max_concurrent", scrape.concurrent_max),
            line("scrape.max_body_bytes", scrape.body_bytes_max),
            line("scrape.max_buffered_bytes", scrape.buffered_bytes_max),
            line("wal.sync", sync),
        ]
    }
}

impl Config {
    fn elsewhere(&self) -> Vec<(String, String)> {
        let external: Vec<String> =
            self.external_labels.iter().map(|(name, value)| format!("{name}: {value}")).collect();
        let mut lines = vec![line("external_labels", format!("{{{}}}", external.join(", ")))];
        if let Some(remote) = &self.remote_query {
            lines.push(line("remote_query.url", shown(&remote.endpoint.url)));
            lines.push(line("remote_query.timeout", print_duration(remote.endpoint.timeout)));
            lines.push(line("remote_query.max_response_bytes", remote.response_bytes_max));
        }
        for receiver in &self.remote_write {
            lines.push(line("remote_write[].name", &receiver.endpoint.name));
            lines.push(line("remote_write[].url", shown(&receiver.endpoint.url)));
            let protocol = match receiver.protocol {
                Protocol::V1 => "v1",
                Protocol::V2 => "v2",
            };
            lines.push(line("remote_write[].protocol", protocol));
            lines.push(line("remote_write[].timeout", print_duration(receiver.endpoint.timeout)));
            lines.push(line("remote_write[].queue.max_bytes", receiver.bytes_max));
            lines.push(line("remote_write[].queue.max_age", print_duration(receiver.age_max)));
            lines.push(line("remote_write[].queue.max_shards", receiver.shards_max));
            lines.push(line(
                "remote_write[].queue.max_samples_per_send",
                receiver.samples_per_send_max,
            ));
        }
        lines
    }

    /// What Prometheus' API shows of it.
    pub(crate) fn prometheus(&self) -> PrometheusInfo {
        let lines = self.effective();
        PrometheusInfo {
            config: yaml(&lines).into(),
            flags: lines.into_iter().collect(),
            admin: self.admin,
            retention: match self.retention.metrics {
                Duration::ZERO => "for ever".into(),
                kept => print_duration(kept).into(),
            },
            external_labels: self.external_labels.clone(),
        }
    }
}

/// The address without its query, which may hold a secret.
fn shown(url: &url::Url) -> String {
    let mut url = url.clone();
    url.set_query(None);
    url.to_string()
}

/// Lines as a document: dots begin a level, `[]` an item of a list.
fn yaml(lines: &[(String, String)]) -> String {
    let mut text = String::new();
    let mut open: Vec<&str> = Vec::new();
    let mut last: BTreeSet<&str> = BTreeSet::new();
    for (key, value) in lines.iter().filter(|(key, _)| !key.starts_with('-')) {
        let parts: Vec<&str> = key.split('.').collect();
        let (name, above) = parts.split_last().expect("a split has a part");
        // An item begins anew with its first key.
        let begins = above.iter().any(|part| part.ends_with("[]")) && !last.insert(key);
        if begins {
            last = BTreeSet::from([&**key]);
        }
        let same = open.iter().zip(above).take_while(|(a, b)| a == b).count();
        let same = if begins { same.min(above.len() - 1) } else { same };
        for (depth, part) in above.iter().enumerate().skip(same) {
            let indent = "  ".repeat(depth);
            let again = begins && open.get(depth) == Some(part);
            match part.strip_suffix("[]") {
                Some(_) if again => {}
                Some(part) => writeln!(text, "{indent}{part}:").expect("a string takes all"),
                None => writeln!(text, "{indent}{part}:").expect("a string takes all"),
            }
        }
        let item = above.last().is_some_and(|part| part.ends_with("[]"));
        let fresh = item && (begins || same < above.len());
        let indent = "  ".repeat(above.len());
        let dash = if fresh { format!("{}- ", "  ".repeat(above.len() - 1)) } else { indent };
        let quoted = serde_json::Value::from(value.as_str()).to_string();
        let name = name.trim_end_matches("[]");
        writeln!(text, "{dash}{name}: {quoted}").expect("a string takes all");
        open = above.to_vec();
    }
    text
}

fn line(key: &str, value: impl std::fmt::Display) -> (String, String) {
    (key.to_owned(), value.to_string())
}

fn rollback(rule: &Rollback) -> String {
    let place = rule.environment.as_deref().unwrap_or("any environment");
    let how = match &rule.how {
        How::Program { argv, timeout } => {
            format!("{argv:?}, {} at most", print_duration(*timeout))
        }
        // The path may hold a secret.
        How::Webhook { url, .. } => {
            format!("a signed request to {}", url.host_str().unwrap_or_default())
        }
    };
    format!("{} in {place}: {how}", rule.service)
}
