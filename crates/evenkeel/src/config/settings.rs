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
        "retention.logs_and_spans",
        "7d",
        "How long log records and spans are kept; `0` is until they fill 8 GiB, which ends the oldest in any case.",
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
    setting(
        "query.max_samples",
        "50000000",
        "The most samples that a query may hold at one time, those it reads and those it computes.",
    ),
    setting("query.max_points_per_series", "11000", "The most points of a range query."),
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
        assert_eq!(names_below("api"), ["tokens"]);
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
