//! `global`: defaults of receivers, and secrets of kinds that are not supported yet.

use super::http;
use crate::files::{
    problem::Code,
    reader::{Field, Map},
    text::shorten,
};

const URLS: [&str; 9] = [
    "jira_api_url",
    "slack_app_url",
    "pagerduty_url",
    "opsgenie_api_url",
    "wechat_api_url",
    "victorops_api_url",
    "telegram_api_url",
    "webex_api_url",
    "rocketchat_api_url",
];
/// A secret, or the file that has it.
const SECRETS: [(&str, &str); 12] = [
    ("smtp_auth_password", "smtp_auth_password_file"),
    ("smtp_auth_secret", "smtp_auth_secret_file"),
    ("slack_api_url", "slack_api_url_file"),
    ("slack_app_token", "slack_app_token_file"),
    ("opsgenie_api_key", "opsgenie_api_key_file"),
    ("wechat_api_secret", "wechat_api_secret_file"),
    ("victorops_api_key", "victorops_api_key_file"),
    ("telegram_bot_token", "telegram_bot_token_file"),
    ("rocketchat_token", "rocketchat_token_file"),
    ("rocketchat_token_id", "rocketchat_token_id_file"),
    ("mattermost_webhook_url", "mattermost_webhook_url_file"),
    ("pagerduty_routing_key", "pagerduty_routing_key_file"),
];
const TEXTS: [&str; 5] =
    ["smtp_from", "smtp_hello", "smtp_auth_username", "smtp_auth_identity", "wechat_api_corp_id"];
const BOOLS: [&str; 2] = ["smtp_require_tls", "smtp_force_implicit_tls"];
const OTHERS: [&str; 4] = ["resolve_timeout", "http_config", "smtp_smarthost", "smtp_tls_config"];

/// What e-mail receivers inherit.
#[derive(Clone, Debug)]
pub(super) struct Global<'r> {
    pub smarthost: Option<&'r str>,
    pub from: Option<&'r str>,
    pub hello: Option<&'r str>,
    pub username: Option<&'r str>,
    /// A password or another secret stands here itself.
    pub has_password: bool,
    pub password_file: Option<&'r str>,
    pub require_tls: bool,
}

impl Default for Global<'_> {
    fn default() -> Self {
        Self {
            smarthost: None,
            from: None,
            hello: None,
            username: None,
            has_password: false,
            password_file: None,
            require_tls: true,
        }
    }
}

pub(super) fn read<'r>(map: Map<'r>) -> Global<'r> {
    let Some(field) = map.optional("global") else { return Global::default() };
    let secrets = SECRETS.iter().flat_map(|(secret, file)| [*secret, *file]);
    let allowed: Vec<&str> =
        OTHERS.into_iter().chain(TEXTS).chain(BOOLS).chain(URLS).chain(secrets).collect();
    let Some(global) = field.map(&allowed) else { return Global::default() };
    for name in URLS {
        global.optional(name).and_then(Field::http_url);
    }
    for (secret, file) in SECRETS {
        let filled = |name: &str| text(global, name).is_some();
        if filled(secret) && filled(file) {
            let message = format!("`{secret}` and `{file}` exclude each other");
            global.field().error(Code::EXCLUSIVE, message, "keep one of them");
        }
        if secret.ends_with("_url") && filled(secret) {
            global.optional(secret).and_then(Field::http_url);
        }
    }
    for name in TEXTS {
        text(global, name);
    }
    global.optional("resolve_timeout").and_then(Field::duration);
    global.optional("http_config").map(http::check);
    global.optional("smtp_tls_config").map(http::check_tls);
    global.optional("smtp_force_implicit_tls").and_then(Field::bool);
    Global {
        smarthost: global.optional("smtp_smarthost").and_then(host_port),
        from: text(global, "smtp_from"),
        hello: text(global, "smtp_hello"),
        username: text(global, "smtp_auth_username"),
        has_password: ["smtp_auth_password", "smtp_auth_secret"]
            .into_iter()
            .any(|name| text(global, name).is_some()),
        password_file: text(global, "smtp_auth_password_file"),
        require_tls: global.optional("smtp_require_tls").and_then(Field::bool).unwrap_or(true),
    }
}

/// A text that is not empty.
pub(super) fn text<'r>(map: Map<'r>, name: &str) -> Option<&'r str> {
    map.optional(name).and_then(Field::text).filter(|text| !text.is_empty())
}

/// `host:port`, `:port` or `[::1]:port`; an empty text is none.
pub(super) fn host_port(field: Field<'_>) -> Option<&str> {
    let text = field.text().filter(|text| !text.is_empty())?;
    let fits = text.rsplit_once(':').is_some_and(|(host, port)| {
        let bracketed = host.starts_with('[') && host.ends_with(']');
        !port.is_empty() && (bracketed || !host.contains([':', '[', ']']))
    });
    if fits {
        return Some(text);
    }
    let message = format!("`{}` is `{}`", field.name(), shorten(text));
    field.error(Code::ADDRESS, message, "write `host:port`");
    None
}
