//! Every key of `evenkeel.yaml`, with its default and what it means.
//!
//! The reader takes the names that it allows from here, `docs/src/configuration.md` is generated from here, and a test compares the
//! defaults with what an empty file gives. So a key that is read is documented, and the other way round.

/// One key. `[]` stands for each item of a list.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Setting {
    pub(crate) key: &'static str,
    /// As it would be written; empty where there is none.
    #[cfg_attr(not(test), expect(dead_code, reason = "for the reference, which a test writes"))]
    pub(crate) default: &'static str,
    #[cfg_attr(not(test), expect(dead_code, reason = "for the reference, which a test writes"))]
    pub(crate) about: &'static str,
}

const fn setting(key: &'static str, default: &'static str, about: &'static str) -> Setting {
    Setting { key, default, about }
}

/// In the order of the reference.
pub(crate) const SETTINGS: &[Setting] = &[
    setting(
        "listen",
        "127.0.0.1:7700",
        "Address of pages, API, Prometheus API, OTLP over HTTP and remote write. Port 0 picks a free one and prints it.",
    ),
    setting("otlp_grpc_listen", "127.0.0.1:4317", "Address of OTLP over gRPC; `off` opens none."),
    setting(
        "otlp_http_listen",
        "127.0.0.1:4318",
        "Address of OTLP over HTTP alone; `off` opens none.",
    ),
    setting(
        "external_url",
        "",
        "Where people reach the server; stands in every page and link, and may carry a base path.",
    ),
    setting(
        "data_dir",
        "the XDG data directory, `~/.local/share/evenkeel`",
        "Where everything is kept.",
    ),
    setting(
        "repo",
        "",
        "A production repo to follow: it is applied at the start and whenever it changes.",
    ),
    setting(
        "server.allowed_hosts",
        "[]",
        "Further names that a request's `Host` may have, beside `localhost`, addresses and the host of `external_url`.",
    ),
    setting("server.first_byte_timeout", "10s", "From a connection to its first byte."),
    setting(
        "server.header_timeout",
        "10s",
        "From a request's first byte to the end of its headers.",
    ),
    setting("server.idle_timeout", "1m", "How long a connection may stay open without a request."),
    setting(
        "server.write_timeout",
        "30s",
        "How long a peer may take nothing of what is sent to it.",
    ),
    setting(
        "server.body_grace",
        "5s",
        "How long a body may be slower than `server.min_body_rate`.",
    ),
    setting("server.min_body_rate", "1024", "Bytes per second."),
    setting(
        "server.drain_timeout",
        "10s",
        "From the signal to stop until what still runs is cut off.",
    ),
    setting("server.decode_wait", "10s", "How long a body may wait for its turn to be inflated."),
    setting("server.max_connections", "1024", "Open connections per listener."),
    setting(
        "server.reserved_connections",
        "32",
        "The last of them, kept for health checks and people.",
    ),
    setting("server.max_streams", "128", "HTTP/2 streams per connection."),
    setting("server.max_header_bytes", "65536", "All headers of a request."),
    setting("server.max_headers", "100", "Headers of a request."),
    setting(
        "server.max_buffered_bytes",
        "50331648",
        "Bytes of unfinished bodies in memory, of all listeners together.",
    ),
    setting("server.max_decoders", "2", "Bodies that are inflated and decoded at the same time."),
    setting("api.tokens[].name", "", "The actor that facts will name, such as `ci`."),
    setting("api.tokens[].token", "", "The token itself; better keep it in a file."),
    setting("api.tokens[].token_file", "", "A file that holds the token."),
    setting("api.tokens[].token_sha256", "", "Or the SHA-256 of the token, 64 hexadecimal digits."),
    setting(
        "api.enable_admin",
        "false",
        "Whether `/api/v1/admin/tsdb/…` may delete samples and make snapshots.",
    ),
    setting("ingest.tokens[].name", "", "Which sender this is, for people."),
    setting("ingest.tokens[].token", "", "The token itself; better keep it in a file."),
    setting("ingest.tokens[].token_file", "", "A file that holds the token."),
    setting(
        "ingest.tokens[].token_sha256",
        "",
        "Or the SHA-256 of the token, 64 hexadecimal digits.",
    ),
    setting(
        "webhook.signing_key",
        "",
        "Signs notifications: `whsec_` and the base 64 of 24 to 64 bytes.",
    ),
    setting("webhook.signing_key_file", "", "A file that holds the key."),
    setting(
        "notify.fallback_receiver",
        "",
        "A receiver of `routing.yaml` that gets a page too when none of its receivers got it within a minute.",
    ),
    setting("retention.metrics", "30d", "How long samples are kept; `0` is for ever."),
    setting(
        "retention.metrics_bytes",
        "0",
        "How much the parts of samples may take on the disk before the oldest go; `0` is without end.",
    ),
    setting(
        "retention.out_of_order_window",
        "30m",
        "By how much a sample may be older than the newest of its series; where samples are kept for ever, any age is taken unless this says otherwise.",
    ),
    setting(
        "retention.logs_and_spans",
        "7d",
        "How long log records and spans are kept; `0` is until they fill 8 GiB, which ends the oldest in any case.",
    ),
    setting(
        "otlp.translation_strategy",
        "UnderscoreEscapingWithSuffixes",
        "How names of OpenTelemetry's metrics are written: `UnderscoreEscapingWithSuffixes`, `UnderscoreEscapingWithoutSuffixes`, `NoUTF8EscapingWithSuffixes` or `NoTranslation`, as Prometheus has them.",
    ),
    setting(
        "otlp.exponential_histograms",
        "native",
        "What exponential histograms become: `native` histograms, `classic` ones with buckets, or `both`.",
    ),
    setting(
        "otlp.convert_histograms_to_nhcb",
        "false",
        "Histograms with explicit bounds become native ones with custom buckets.",
    ),
    setting(
        "otlp.promote_scope_metadata",
        "false",
        "The library that emitted a metric becomes `otel_scope_` labels.",
    ),
    setting(
        "otlp.zero_samples",
        "false",
        "A total that began not long before its point gets a zero where it began.",
    ),
    setting(
        "otlp.promote_resource_attributes[]",
        "",
        "Attributes of the resource that each of its series gets as a label.",
    ),
    setting(
        "limits.max_active_series",
        "2000000",
        "Series that had a sample in the last two hours.",
    ),
    setting(
        "limits.max_active_series_per_service",
        "250000",
        "The same for one service; new series beyond it are refused, old ones go on.",
    ),
    setting("limits.max_labels", "60", "Labels of one series."),
    setting("limits.max_label_value_bytes", "4096", "Bytes of one label's value."),
    setting("limits.max_log_bytes", "262144", "Bytes of one log record's body."),
    setting("limits.max_attributes", "128", "Attributes of one span or log record."),
    setting("limits.max_attribute_value_bytes", "16384", "Bytes of one attribute's value."),
    setting("limits.max_body_bytes", "33554432", "Bytes of a request's body, inflated."),
    setting(
        "limits.max_inflation_ratio",
        "200",
        "How many times larger a body may become when it is inflated.",
    ),
    setting(
        "limits.max_future_seconds",
        "600",
        "How far ahead of this machine's clock a record may be.",
    ),
    setting("query.timeout", "30s", "The longest that a query may run."),
    setting("query.max_samples", "50000000", "The most samples that a query may read."),
    setting("query.max_series", "2000000", "The most series that a query may select."),
    setting("query.max_points_per_series", "11000", "The most points of a range query."),
    setting(
        "query.max_memory_bytes",
        "268435456",
        "The most memory that a query's values may take.",
    ),
    setting(
        "query.max_scan_bytes",
        "17179869184",
        "The most bytes of spans and log records that a query may read.",
    ),
    setting(
        "query.features",
        "[]",
        "Experimental parts of PromQL, named as Prometheus' feature flags are: `promql-experimental-functions`, `promql-duration-expr`, `promql-extended-range-selectors`, `promql-binop-fill-modifiers`, `promql-delayed-name-removal`, `type-and-unit-labels`, `use-start-timestamps`.",
    ),
    setting(
        "query.lookback_delta",
        "5m",
        "How old a series' last sample may be to count as its value now.",
    ),
    setting(
        "scrape.config_file",
        "",
        "A Prometheus configuration whose `scrape_configs` say what is scraped; it is read again when it changes.",
    ),
    setting(
        "scrape.max_targets",
        "20000",
        "Targets of all jobs together; those beyond it are not scraped, and the error says so.",
    ),
    setting("scrape.max_concurrent", "512", "Scrapes that may be under way at the same time."),
    setting(
        "scrape.max_body_bytes",
        "268435456",
        "Bytes of one target's answer, inflated; a job's own `body_size_limit` may be less.",
    ),
    setting(
        "scrape.max_buffered_bytes",
        "536870912",
        "Bytes of all answers in memory, of all targets together.",
    ),
    setting(
        "wal.sync",
        "interval",
        "When telemetry is forced to the disk: `always` before the answer, `interval` within 200 ms, `never`. Facts are always forced before the answer.",
    ),
    setting(
        "external_labels",
        "{}",
        "Labels that series get when they leave by remote write or `/federate`, where they lack them.",
    ),
    setting(
        "remote_query.url",
        "",
        "A Prometheus-compatible cluster that is asked in place of the own metric store: the address before `/api/v1`.",
    ),
    setting("remote_query.name", "host and port", "What it is called in errors."),
    setting("remote_query.timeout", "30s", "The longest that one request may take."),
    setting("remote_query.max_response_bytes", "268435456", "The longest answer that is read."),
    setting("remote_query.basic_auth.username", "", "Who asks there."),
    setting(
        "remote_query.basic_auth.password",
        "",
        "The password itself; better keep it in a file.",
    ),
    setting("remote_query.basic_auth.password_file", "", "A file that holds the password."),
    setting("remote_query.bearer_token", "", "Or a token; better keep it in a file."),
    setting("remote_query.bearer_token_file", "", "A file that holds the token."),
    setting(
        "remote_query.ca_file",
        "",
        "Certificates, as PEM, that are trusted in place of the system's.",
    ),
    setting(
        "remote_query.headers",
        "{}",
        "Headers that are sent with each request, such as `X-Scope-OrgID`.",
    ),
    setting(
        "remote_write[].url",
        "",
        "Where stored samples are sent on to by remote write, such as `https://metrics.example.com/api/v1/write`.",
    ),
    setting(
        "remote_write[].name",
        "host and port",
        "What it is called in metrics, and its queue on the disk.",
    ),
    setting("remote_write[].protocol", "v1", "The version of remote write: `v1` or `v2`."),
    setting("remote_write[].timeout", "30s", "The longest that one request may take."),
    setting(
        "remote_write[].match",
        "[]",
        "Selectors; series that pass any of them are forwarded. All are, without one.",
    ),
    setting(
        "remote_write[].write_relabel_configs",
        "[]",
        "Relabelling of what is forwarded, as Prometheus has it; after `match` and `external_labels`.",
    ),
    setting("remote_write[].basic_auth.username", "", "Who asks there."),
    setting(
        "remote_write[].basic_auth.password",
        "",
        "The password itself; better keep it in a file.",
    ),
    setting("remote_write[].basic_auth.password_file", "", "A file that holds the password."),
    setting("remote_write[].bearer_token", "", "Or a token; better keep it in a file."),
    setting("remote_write[].bearer_token_file", "", "A file that holds the token."),
    setting(
        "remote_write[].ca_file",
        "",
        "Certificates, as PEM, that are trusted in place of the system's.",
    ),
    setting(
        "remote_write[].headers",
        "{}",
        "Headers that are sent with each request, such as `X-Scope-OrgID`.",
    ),
    setting(
        "remote_write[].queue.max_bytes",
        "536870912",
        "What may wait on the disk; beyond it the oldest is dropped, and counted.",
    ),
    setting(
        "remote_write[].queue.max_age",
        "1d",
        "What has waited longer is dropped, and counted.",
    ),
    setting("remote_write[].queue.max_shards", "4", "Requests that are under way at one time."),
    setting("remote_write[].queue.max_samples_per_send", "2000", "Samples in one request."),
    setting(
        "acts.rollback[].service",
        "",
        "Whom the rule is for: a name, or a pattern with `*`. The first rule that fits is used; without one nothing can be rolled back.",
    ),
    setting("acts.rollback[].environment", "any", "In which environment."),
    setting(
        "acts.rollback[].argv",
        "",
        "The program and its arguments; `{service}`, `{environment}`, `{version}` (the one to go back to), `{from_version}` and `{act}` (the act's id, an idempotency key) are replaced. There is no shell.",
    ),
    setting(
        "acts.rollback[].timeout",
        "5m",
        "After which the program is killed, and the rollback has failed.",
    ),
    setting(
        "acts.rollback[].webhook.url",
        "",
        "Instead of `argv`: where a signed request is sent.",
    ),
    setting(
        "acts.rollback[].webhook.signing_key_file",
        "",
        "A file that holds the key of that request.",
    ),
];

/// The names that may stand directly below `path`, each once; `""` is the document.
pub(crate) fn names_below(path: &str) -> Vec<&'static str> {
    let mut names: Vec<&'static str> = SETTINGS
        .iter()
        .filter_map(|setting| match path {
            "" => Some(setting.key),
            _ => setting.key.strip_prefix(path)?.strip_prefix('.'),
        })
        .filter_map(|rest| rest.split(['.', '[']).next())
        .collect();
    names.dedup();
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_from_the_keys() {
        assert_eq!(names_below("wal"), ["sync"]);
        assert_eq!(names_below("api"), ["tokens", "enable_admin"]);
        assert_eq!(names_below("api.tokens[]"), ["name", "token", "token_file", "token_sha256"]);
        assert_eq!(names_below("acts.rollback[].webhook"), ["url", "signing_key_file"]);
        assert!(names_below("").contains(&"wal") && !names_below("").contains(&"wal.sync"));
    }

    #[test]
    fn no_key_stands_twice() {
        let mut keys: Vec<_> = SETTINGS.iter().map(|setting| setting.key).collect();
        keys.sort_unstable();
        assert!(keys.windows(2).all(|pair| pair[0] != pair[1]));
    }
}
