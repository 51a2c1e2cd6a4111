//! The parts of the file that others obey: checked as Prometheus checks them, and named in a warning.

use std::collections::BTreeSet;

use scrape::name::Scheme;

use super::{global::Global, rule, value};
use crate::files::{
    problem::Code,
    reader::{Field, Map},
    text::{prometheus_duration, shorten},
};

/// What reads each part instead.
const PARTS: [(&str, &str); 8] = [
    ("rule_files", "rules are read from the production repo"),
    ("alerting", "who is told of an alert stands in `routing.yaml` of the production repo"),
    ("remote_write", "forwarding is set in the server's own configuration"),
    ("remote_read", "another store is set in the server's own configuration"),
    ("storage", "retention is set in the server's own configuration"),
    ("tracing", "the server watches itself"),
    ("runtime", "there is no Go runtime"),
    ("otlp", "OTLP metrics are named by the server's own rules"),
];

pub(super) fn check(map: Map<'_>, global: &Global) {
    for (name, why) in PARTS {
        if let Some(field) = map.optional(name) {
            field.warning(Code::NOT_HERE, format!("`{name}` has no effect here: {why}"), "");
        }
    }
    map.optional("rule_files").map(rule_files);
    if let Some(map) = map.optional("alerting").and_then(Field::any_map) {
        alerting(map, global.scheme);
    }
    remotes(map, "remote_write", "remote write", global.scheme);
    remotes(map, "remote_read", "remote read", global.scheme);
    map.optional("tracing").and_then(Field::any_map).map(tracing);
    map.optional("storage").and_then(Field::any_map).map(storage);
    if let Some(map) = map.optional("otlp").and_then(Field::any_map) {
        otlp(map, global.scheme);
    }
}

fn rule_files(field: Field<'_>) {
    for item in field.list().unwrap_or_default() {
        if item.text().is_some_and(|text| !value::is_include_pattern(text)) {
            let message =
                format!("invalid rule file path `{}`", shorten(item.text().unwrap_or_default()));
            item.error(Code::NOT_ALLOWED, message, "`*` may stand in the file's name alone");
        }
    }
}

fn alerting(map: Map<'_>, scheme: Scheme) {
    rule::read(map, "alert_relabel_configs", scheme, "alert relabeling rule");
    let managers = map.optional("alertmanagers").and_then(Field::list).unwrap_or_default();
    for manager in managers.into_iter().filter_map(Field::any_map) {
        let rules =
            rule::read(manager, "relabel_configs", scheme, "Alertmanager target relabeling rule");
        rule::read(manager, "alert_relabel_configs", scheme, "Alertmanager alert relabeling rule");
        if let Some(version) = manager.optional("api_version")
            && version.text().is_some_and(|text| !matches!(text, "" | "v2"))
        {
            let message = format!(
                "expected Alertmanager api version to be one of [v2] but got `{}`",
                shorten(version.text().unwrap_or_default())
            );
            version.error(Code::NOT_ALLOWED, message, "write `v2`");
        }
        let groups = manager.optional("static_configs").and_then(Field::list).unwrap_or_default();
        for target in groups
            .into_iter()
            .filter(|_| rules.is_empty())
            .filter_map(|group| group.any_map()?.optional("targets")?.list())
            .flatten()
        {
            if target.text().is_some_and(|text| text.contains('/')) {
                let message = format!(
                    "`{}` is not a valid hostname",
                    shorten(target.text().unwrap_or_default())
                );
                target.error(Code::TARGET, message, "write `host:port`");
            }
        }
    }
}

/// `remote_write` and `remote_read`.
fn remotes(map: Map<'_>, name: &str, what: &str, scheme: Scheme) {
    let mut names = BTreeSet::new();
    for item in map.optional(name).and_then(Field::list).unwrap_or_default() {
        if item.node().is_null() {
            let message = format!("empty or null {what} config section");
            item.error(Code::MISSING_FIELD, message, "write `url:`");
            continue;
        }
        let Some(remote) = item.any_map() else { continue };
        if remote.optional("url").and_then(Field::text).is_none_or(str::is_empty) {
            item.error(Code::MISSING_FIELD, format!("url for {name} is empty"), "write `url:`");
        }
        if let Some(field) = remote.optional("name")
            && field.text().is_some_and(|text| !text.is_empty() && !names.insert(text))
        {
            let short = shorten(field.text().unwrap_or_default());
            let message = format!("found multiple {what} configs with job name `{short}`");
            field.error(Code::DUPLICATE_NAME, message, "rename one of them");
        }
        rule::read(
            remote,
            "write_relabel_configs",
            scheme,
            "relabeling rule in remote write config",
        );
        headers(
            remote,
            "the basic_auth, authorization, oauth2, sigv4, azuread or google_iam parameter",
        );
        let messages = ["prometheus.WriteRequest", "io.prometheus.write.v2.Request"];
        if let Some(field) = remote.optional("protobuf_message")
            && field.text().is_some_and(|text| !text.is_empty() && !messages.contains(&text))
        {
            let message = format!(
                "unknown type for remote write protobuf message `{}`",
                shorten(field.text().unwrap_or_default())
            );
            field.error(
                Code::NOT_ALLOWED,
                message,
                "supported: `prometheus.WriteRequest` or `io.prometheus.write.v2.Request`",
            );
        }
        remote.optional("queue_config").and_then(Field::any_map).map(queue);
    }
}

fn headers(map: Map<'_>, instead: &str) {
    let Some(headers) = map.optional("headers").and_then(Field::any_map) else { return };
    for (key, _) in headers.fields() {
        let name = key.name().to_ascii_lowercase();
        let reserved = [
            "host",
            "content-encoding",
            "content-length",
            "content-type",
            "user-agent",
            "connection",
            "keep-alive",
            "proxy-authenticate",
            "proxy-authorization",
            "www-authenticate",
            "accept-encoding",
            "x-prometheus-remote-write-version",
            "x-prometheus-remote-read-version",
            "x-amz-date",
            "x-amz-security-token",
            "x-amz-content-sha256",
        ];
        if name == "authorization" {
            key.error(
                Code::NOT_ALLOWED,
                format!("authorization header must be changed via {instead}"),
                "",
            );
        } else if reserved.contains(&name.as_str()) {
            key.error(
                Code::NOT_ALLOWED,
                format!("{name} is a reserved header. It must not be changed"),
                "",
            );
        }
    }
}

fn queue(map: Map<'_>) {
    let number =
        |name: &str| map.optional(name).and_then(|field| field.integer(i64::MIN..=i64::MAX));
    for name in ["capacity", "max_shards", "min_shards", "max_samples_per_send"] {
        if let Some(field) =
            map.optional(name).filter(|_| number(name).is_some_and(|value| value <= 0))
        {
            field.error(
                Code::OUT_OF_RANGE,
                format!("remote write queue {name} must be positive"),
                "",
            );
        }
    }
    if number("min_shards").unwrap_or(1) > number("max_shards").unwrap_or(50) {
        map.field().error(
            Code::OUT_OF_RANGE,
            "remote write queue min_shards must not be greater than max_shards",
            "",
        );
    }
    let time = |name: &str| map.optional(name).and_then(Field::duration);
    let (min, max) = (time("min_backoff"), time("max_backoff"));
    if min.map_or(30, |min| min.as_millis()) > max.map_or(5000, |max| max.as_millis()) {
        map.field().error(
            Code::OUT_OF_RANGE,
            "remote write queue max_backoff must not be less than min_backoff",
            "",
        );
    }
}

fn tracing(map: Map<'_>) {
    headers(map, "another parameter");
    if map.optional("endpoint").and_then(Field::text).is_none_or(str::is_empty) {
        map.field().error(Code::MISSING_FIELD, "tracing endpoint must be set", "write `endpoint:`");
    }
    if let Some(field) = map.optional("compression")
        && field.text().is_some_and(|text| !matches!(text, "" | "gzip"))
    {
        let message = format!(
            "invalid compression type `{}` provided",
            shorten(field.text().unwrap_or_default())
        );
        field.error(Code::NOT_ALLOWED, message, "valid options: gzip");
    }
}

fn storage(map: Map<'_>) {
    let Some(tsdb) = map.optional("tsdb").and_then(Field::any_map) else { return };
    tsdb.optional("out_of_order_time_window").and_then(Field::duration);
    if let Some(retention) = tsdb.optional("retention").and_then(Field::any_map) {
        if let Some(field) = retention.optional("time")
            && field.text().is_some_and(|text| prometheus_duration(text).is_none())
        {
            let short = shorten(field.text().unwrap_or_default());
            field.error(Code::DURATION, format!("not a valid duration string: `{short}`"), "");
        }
        retention.optional("size").and_then(value::bytes);
        let range = "0 to 100";
        retention
            .optional("percentage")
            .and_then(|field| field.number_where(range, |value| (0.0..=100.0).contains(&value)));
    }
    if let Some(field) =
        tsdb.optional("chunk_encoding").and_then(|field| field.any_map()?.optional("floats"))
    {
        field.choice(&[("xor", ()), ("xor2", ())]);
    }
}

fn otlp(map: Map<'_>, scheme: Scheme) {
    let all = map.optional("promote_all_resource_attributes").and_then(Field::bool) == Some(true);
    let strategies = [
        ("UnderscoreEscapingWithSuffixes", false),
        ("UnderscoreEscapingWithoutSuffixes", false),
        ("NoUTF8EscapingWithSuffixes", true),
        ("NoTranslation", true),
    ];
    if let Some(field) = map.optional("translation_strategy")
        && field.text() != Some("")
        && field.choice(&strategies) == Some(true)
        && scheme == Scheme::Legacy
    {
        let message = "OTLP translation strategy is not allowed when UTF8 is disabled";
        field.error(Code::EXCLUSIVE, message, "write `UnderscoreEscapingWithSuffixes`");
    }
    for name in ["promote_resource_attributes", "ignore_resource_attributes"] {
        let Some(field) = map.optional(name) else { continue };
        if (name == "promote_resource_attributes") == all {
            let message =
                format!("`{name}` and `promote_all_resource_attributes` do not fit together");
            field.error(Code::EXCLUSIVE, message, "promote some, or all but some");
        }
        let mut seen = BTreeSet::new();
        for item in field.list().unwrap_or_default() {
            let text = item.text().unwrap_or_default().trim();
            if text.is_empty() {
                item.error(Code::MISSING_FIELD, "empty resource attribute", "");
            } else if !seen.insert(text) {
                item.error(
                    Code::DUPLICATE_NAME,
                    format!("duplicated resource attribute `{}`", shorten(text)),
                    "",
                );
            }
        }
    }
}
