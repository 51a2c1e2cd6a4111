//! `http_config` and `tls_config`, as Prometheus' clients have them.

use super::global::text;
use crate::files::{
    problem::Code,
    reader::{Field, Map},
    text::alternatives,
    tls,
};

const FIELDS: [&str; 14] = [
    "basic_auth",
    "authorization",
    "oauth2",
    "bearer_token",
    "bearer_token_file",
    "tls_config",
    "follow_redirects",
    "enable_http2",
    "proxy_url",
    "no_proxy",
    "proxy_from_environment",
    "proxy_connect_header",
    "http_headers",
    "credentials",
];

/// What of `http_config` a webhook obeys.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Http {
    /// Something is set that has an effect in Alertmanager: credentials, a proxy, TLS or headers.
    pub set: bool,
}

pub(super) fn check(field: Field<'_>) -> Http {
    let Some(map) = field.map(&FIELDS[..13]) else { return Http::default() };
    credentials(map);
    for name in ["follow_redirects", "enable_http2", "proxy_from_environment"] {
        map.optional(name).and_then(Field::bool);
    }
    map.optional("tls_config").map(check_tls);
    proxy(map);
    for name in ["proxy_connect_header", "http_headers"] {
        map.optional(name).and_then(Field::any_map);
    }
    let effective =
        FIELDS.iter().filter(|name| !matches!(**name, "follow_redirects" | "enable_http2"));
    Http { set: effective.into_iter().any(|name| map.optional(name).is_some()) }
}

fn credentials(map: Map<'_>) {
    let ways = ["basic_auth", "authorization", "oauth2", "bearer_token", "bearer_token_file"];
    map.exclusive(&ways, false);
    for name in ["bearer_token", "bearer_token_file"] {
        map.optional(name).and_then(Field::text);
    }
    if let Some(basic) = map.optional("basic_auth") {
        let fields = [
            "username",
            "username_file",
            "username_ref",
            "password",
            "password_file",
            "password_ref",
        ];
        if let Some(basic) = basic.map(&fields) {
            at_most_one(basic, &fields[..3]);
            at_most_one(basic, &fields[3..]);
        }
    }
    if let Some(authorization) = map.optional("authorization") {
        let fields = ["type", "credentials", "credentials_file", "credentials_ref"];
        if let Some(authorization) = authorization.map(&fields) {
            at_most_one(authorization, &fields[1..]);
            if let Some(kind) = authorization.optional("type")
                && kind.text().is_some_and(|text| text.trim().eq_ignore_ascii_case("basic"))
            {
                let message = "`type` cannot be `Basic` in `authorization`";
                kind.error(Code::NOT_ALLOWED, message, "use `basic_auth`");
            }
        }
    }
    if let Some(oauth2) = map.optional("oauth2") {
        check_oauth2(oauth2);
    }
}

fn check_oauth2(field: Field<'_>) {
    let fields = [
        "client_secret",
        "client_secret_file",
        "client_secret_ref",
        "client_id",
        "token_url",
        "scopes",
        "endpoint_params",
        "tls_config",
        "proxy_url",
        "no_proxy",
        "proxy_from_environment",
        "proxy_connect_header",
    ];
    let Some(oauth2) = field.map(&fields) else { return };
    for name in ["client_id", "token_url"] {
        oauth2.required(name).and_then(Field::filled);
    }
    at_most_one(oauth2, &fields[..3]);
    oauth2.optional("scopes").and_then(Field::list);
    oauth2.optional("endpoint_params").and_then(Field::any_map);
    oauth2.optional("tls_config").map(check_tls);
    proxy(oauth2);
}

fn proxy(map: Map<'_>) {
    let from_environment =
        map.optional("proxy_from_environment").and_then(Field::bool).unwrap_or(false);
    let url = text(map, "proxy_url");
    if from_environment && (url.is_some() || text(map, "no_proxy").is_some()) {
        let message = "`proxy_from_environment` excludes `proxy_url` and `no_proxy`";
        map.field().error(Code::EXCLUSIVE, message, "keep one of them");
    }
    if text(map, "no_proxy").is_some() && url.is_none() && !from_environment {
        map.field().error(Code::EXCLUSIVE, "`no_proxy` needs `proxy_url`", "");
    }
    if map.optional("proxy_connect_header").is_some() && url.is_none() && !from_environment {
        map.field().error(Code::EXCLUSIVE, "`proxy_connect_header` needs `proxy_url`", "");
    }
}

pub(super) fn check_tls(field: Field<'_>) {
    let Some(map) = field.map(&tls::FIELDS) else { return };
    for names in tls::FIELDS[..9].chunks(3) {
        at_most_one(map, names);
    }
    let any = |names: &[&str]| names.iter().any(|name| text(map, name).is_some());
    if any(&tls::FIELDS[3..6]) != any(&tls::FIELDS[6..9]) {
        let message = "a client certificate needs both its certificate and its key";
        map.field().error(Code::EXCLUSIVE, message, "write `cert_file` and `key_file`");
    }
    text(map, "server_name");
    map.optional("insecure_skip_verify").and_then(Field::bool);
    let version = |name: &str| map.optional(name).and_then(|field| field.choice(&tls::VERSIONS));
    if let Some((min, max)) = version("min_version").zip(version("max_version"))
        && min > max
    {
        map.field().error(Code::OUT_OF_RANGE, "`min_version` is above `max_version`", "");
    }
}

fn at_most_one(map: Map<'_>, names: &[&str]) {
    let filled = names.iter().filter(|name| text(map, name).is_some()).count();
    if filled > 1 {
        let message = format!("{} exclude each other", alternatives(names.iter().copied()));
        map.field().error(Code::EXCLUSIVE, message, "keep one of them");
    }
}
