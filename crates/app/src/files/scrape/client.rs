//! How requests are made: the fields of Prometheus' `http_config`, which stand in a job or a discovery directly.

use scrape::config::{Auth, Headers, HttpClient, Material, Proxy, Secret, Tls, TlsVersion};

use super::Origin;
use crate::files::{
    problem::Code,
    reader::{Field, Map},
    text::{alternatives, shorten},
    tls as names,
};

/// The fields that a client adds to what holds it.
pub(super) const FIELDS: [&str; 12] = [
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
];
/// The same, for maps that take further headers, as all do that a client reads.
pub(super) const HEADERS: &str = "http_headers";

/// Headers that the scrape sets itself or that have fields of their own.
const RESERVED: [&str; 18] = [
    "authorization",
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
    "x-prometheus-scrape-timeout-seconds",
    "x-amz-date",
    "x-amz-security-token",
    "x-amz-content-sha256",
];

pub(super) fn read(map: Map<'_>, origin: Origin<'_>) -> HttpClient {
    if let Some(field) = map.optional("oauth2") {
        let message = "`oauth2` is not supported yet";
        field.error(
            Code::NOT_SUPPORTED,
            message,
            "use `authorization`, `basic_auth` or `tls_config`",
        );
    }
    map.optional("enable_http2").and_then(Field::bool);
    HttpClient {
        auth: auth(map, origin),
        tls: map.optional("tls_config").map(|field| tls(field, origin)).unwrap_or_default(),
        proxy: proxy(map, origin),
        follow_redirects: map.optional("follow_redirects").and_then(Field::bool).unwrap_or(true),
        headers: headers(map, HEADERS, origin),
    }
}

fn filled<'r>(map: Map<'r>, name: &str) -> Option<&'r str> {
    map.optional(name).and_then(Field::text).filter(|text| !text.is_empty())
}

/// A text, or the file that holds it; a reference to a secret manager is refused.
fn material(map: Map<'_>, name: &str, origin: Origin<'_>) -> Option<Material> {
    let (file, reference) = (format!("{name}_file"), format!("{name}_ref"));
    at_most_one(map, &[name, &file, &reference]);
    if let Some(field) = map.optional(&reference) {
        let message = format!("`{reference}` is not supported: there is no secret manager");
        field.error(Code::NOT_SUPPORTED, message, format!("use `{file}`"));
    }
    match (filled(map, name), map.optional(&file).filter(|_| filled(map, &file).is_some())) {
        (Some(text), _) => Some(Material::Inline(Secret::new(text))),
        (None, Some(field)) => from_file(field, origin),
        (None, None) => None,
    }
}

/// The path of a file that is read when it is needed; it may come later, but as a rule it should be there.
fn from_file(field: Field<'_>, origin: Origin<'_>) -> Option<Material> {
    let path = origin.path(field.text()?);
    if let Err(error) = std::fs::metadata(&*path) {
        let message = format!("`{}`: cannot read `{path}`: {error}", field.name());
        field.warning(Code::NOT_THERE, message, "requests fail until it is there");
    }
    Some(Material::File(path))
}

fn at_most_one(map: Map<'_>, names: &[&str]) {
    let set: Vec<&str> = names.iter().copied().filter(|name| filled(map, name).is_some()).collect();
    if let Some(field) = set.get(1).and_then(|second| map.optional(second)) {
        let listed = alternatives(names.iter().copied()).replace(" or ", " & ");
        let message = format!("at most one of {listed} must be configured");
        field.error(Code::EXCLUSIVE, message, "keep one of them");
    }
}

fn auth(map: Map<'_>, origin: Origin<'_>) -> Auth {
    at_most_one(map, &["bearer_token", "bearer_token_file"]);
    let present = |name: &&str| map.optional(name).is_some();
    let ways = ["basic_auth", "oauth2", "bearer_token", "bearer_token_file"];
    let bearer = ["bearer_token", "bearer_token_file"].iter().any(present);
    if ways.iter().copied().take(2).filter(|name| present(name)).count() + usize::from(bearer) > 1 {
        let message = "at most one of basic_auth, oauth2, bearer_token & bearer_token_file must be configured";
        map.field().error(Code::EXCLUSIVE, message, "keep one of them");
    }
    if let Some(field) = map.optional("authorization") {
        if bearer {
            let message = "authorization is not compatible with bearer_token & bearer_token_file";
            field.error(Code::EXCLUSIVE, message, "keep one of them");
        }
        if present(&"basic_auth") || present(&"oauth2") {
            let message = "at most one of basic_auth, oauth2 & authorization must be configured";
            field.error(Code::EXCLUSIVE, message, "keep one of them");
        }
        return authorization(field, origin);
    }
    if let Some(field) = map.optional("basic_auth") {
        return basic(field, origin);
    }
    let token = filled(map, "bearer_token").map(|text| Material::Inline(Secret::new(text)));
    let file = || {
        filled(map, "bearer_token_file")?;
        from_file(map.optional("bearer_token_file")?, origin)
    };
    match token.or_else(file) {
        Some(credentials) => {
            Auth::Authorization { kind: "Bearer".into(), credentials: Some(credentials) }
        }
        None => Auth::None,
    }
}

fn basic(field: Field<'_>, origin: Origin<'_>) -> Auth {
    let fields =
        ["username", "username_file", "username_ref", "password", "password_file", "password_ref"];
    let Some(map) = field.map(&fields) else { return Auth::None };
    Auth::Basic {
        username: material(map, "username", origin),
        password: material(map, "password", origin),
    }
}

fn authorization(field: Field<'_>, origin: Origin<'_>) -> Auth {
    let fields = ["type", "credentials", "credentials_file", "credentials_ref"];
    let Some(map) = field.map(&fields) else { return Auth::None };
    let kind = map.optional("type");
    let text = kind.and_then(Field::text).map(str::trim).filter(|text| !text.is_empty());
    if let Some(kind) = kind.filter(|_| text.is_some_and(|text| text.eq_ignore_ascii_case("basic")))
    {
        let message = "authorization type cannot be set to `basic`";
        kind.error(Code::NOT_ALLOWED, message, "use `basic_auth`");
    }
    Auth::Authorization {
        kind: text.unwrap_or("Bearer").into(),
        credentials: material(map, "credentials", origin),
    }
}

pub(super) fn tls(field: Field<'_>, origin: Origin<'_>) -> Tls {
    let Some(map) = field.map(&names::FIELDS) else { return Tls::default() };
    let [ca, cert, key] = ["ca", "cert", "key"].map(|name| material(map, name, origin));
    if cert.is_some() != key.is_some() {
        let message = "a client certificate needs both its certificate and its key";
        field.error(Code::EXCLUSIVE, message, "write `cert_file` and `key_file`");
    }
    // Versions before 1.2 may be the least that is wanted; they are never what is spoken.
    let version = |name: &str| {
        map.optional(name)
            .filter(|field| field.text() != Some(""))
            .and_then(|field| field.choice(&names::VERSIONS))
    };
    let (min, max) = (version("min_version"), version("max_version"));
    if min.zip(max).is_some_and(|(min, max)| min > max) {
        field.error(Code::OUT_OF_RANGE, "`min_version` is above `max_version`", "");
    }
    if let Some(field) = map.optional("max_version").filter(|_| max.is_some_and(|max| max < 2)) {
        let message = "TLS 1.0 and 1.1 are not spoken";
        field.error(
            Code::NOT_SUPPORTED,
            message,
            "write `TLS12` or `TLS13`, or leave `max_version` out",
        );
    }
    let spoken = |version: i32| if version >= 3 { TlsVersion::V13 } else { TlsVersion::V12 };
    Tls {
        ca,
        cert,
        key,
        server_name: filled(map, "server_name").map(Into::into),
        insecure: map.optional("insecure_skip_verify").and_then(Field::bool).unwrap_or(false),
        min: min.map(spoken),
        max: max.map(spoken),
    }
}

pub(super) fn proxy(map: Map<'_>, origin: Origin<'_>) -> Proxy {
    let from_environment =
        map.optional("proxy_from_environment").and_then(Field::bool).unwrap_or(false);
    let url = map.optional("proxy_url").filter(|_| filled(map, "proxy_url").is_some());
    let except = filled(map, "no_proxy");
    let headers = headers(map, "proxy_connect_header", origin);
    let problem = if from_environment && url.is_some() {
        Some("if proxy_from_environment is configured, proxy_url must not be configured")
    } else if from_environment && except.is_some() {
        Some("if proxy_from_environment is configured, no_proxy must not be configured")
    } else if url.is_none() && except.is_some() {
        Some("if no_proxy is configured, proxy_url must also be configured")
    } else if !headers.is_empty() && !from_environment && url.is_none() {
        Some(
            "if proxy_connect_header is configured, proxy_url or proxy_from_environment must also be configured",
        )
    } else {
        None
    };
    if let Some(message) = problem {
        map.field().error(Code::EXCLUSIVE, message, "");
    }
    if let Some(field) = url {
        let Some(url) = field.http_url() else { return Proxy::None };
        return Proxy::Url {
            url: Secret::new(url.as_str()),
            except: except.unwrap_or_default().into(),
            headers,
        };
    }
    if from_environment { Proxy::Environment { headers } } else { Proxy::None }
}

/// `http_headers` has values, secrets and files of each name; `proxy_connect_header` a list of secrets.
fn headers(map: Map<'_>, name: &str, origin: Origin<'_>) -> Headers {
    let Some(all) = map.optional(name).and_then(Field::any_map) else { return Headers::new() };
    let mut headers = Headers::new();
    for (key, value) in all.fields() {
        let header = key.name().to_ascii_lowercase();
        let token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
        if header.is_empty() || !header.bytes().all(token) {
            let message = format!("`{}` is not a header's name", shorten(&header));
            key.error(Code::NAME, message, "");
            continue;
        }
        if name == HEADERS && RESERVED.contains(&header.as_str()) {
            let message = format!("setting header `{header}` is not allowed");
            key.error(
                Code::NOT_ALLOWED,
                message,
                "it has a field of its own, or is set by the scrape",
            );
            continue;
        }
        let values = if name == HEADERS { header_values(value, origin) } else { secrets(value) };
        headers.push((header.into(), values));
    }
    headers
}

fn header_values(field: Field<'_>, origin: Origin<'_>) -> Vec<Material> {
    let Some(map) = field.map(&["values", "secrets", "files"]) else { return Vec::new() };
    let mut values: Vec<Material> = ["values", "secrets"]
        .iter()
        .filter_map(|name| map.optional(name))
        .flat_map(secrets)
        .collect();
    let files = map.optional("files").and_then(Field::list).unwrap_or_default();
    values.extend(files.into_iter().filter_map(|item| from_file(item, origin)));
    values
}

fn secrets(field: Field<'_>) -> Vec<Material> {
    let items = field.list().unwrap_or_default();
    items.into_iter().filter_map(|item| Some(Material::Inline(Secret::new(item.text()?)))).collect()
}
