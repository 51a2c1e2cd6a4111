//! `receivers`: who is told, and how.

use std::{collections::BTreeSet, time::Duration};

use alert::routing::{Email, EmailAuth, Integration, Receiver, Webhook};

use super::{
    Names, define,
    global::{Global, host_port, text},
    http,
};
use crate::files::{
    problem::Code,
    reader::{Field, Map},
    text::shorten,
};

/// The kinds that are supported.
const SUPPORTED: [&str; 2] = ["webhook_configs", "email_configs"];
/// The kinds that Alertmanager has beside them.
const OTHERS: [&str; 16] = [
    "discord_configs",
    "incidentio_configs",
    "pagerduty_configs",
    "slack_configs",
    "opsgenie_configs",
    "wechat_configs",
    "pushover_configs",
    "victorops_configs",
    "sns_configs",
    "telegram_configs",
    "webex_configs",
    "msteams_configs",
    "msteamsv2_configs",
    "jira_configs",
    "rocketchat_configs",
    "mattermost_configs",
];

#[derive(Clone, Debug, Default)]
pub(super) struct Receivers<'r> {
    pub names: Names<'r>,
    pub list: Vec<Receiver>,
}

pub(super) fn read<'r>(map: Map<'r>, global: &Global<'_>) -> Receivers<'r> {
    let mut receivers = Receivers::default();
    let allowed: Vec<&str> = ["name"].into_iter().chain(SUPPORTED).chain(OTHERS).collect();
    for item in map.optional("receivers").and_then(Field::list).unwrap_or_default() {
        let Some(receiver) = item.map(&allowed) else { continue };
        let name = receiver.required("name");
        if let Some(name) = name {
            define(&mut receivers.names, name, "receiver");
        }
        unsupported(receiver);
        let webhooks = configs(receiver, "webhook_configs").into_iter().filter_map(webhook);
        let emails =
            configs(receiver, "email_configs").into_iter().filter_map(|item| email(item, global));
        let integrations =
            webhooks.map(Integration::Webhook).chain(emails.map(Integration::Email)).collect();
        let name = name.and_then(Field::text).unwrap_or_default().into();
        receivers.list.push(Receiver { name, integrations });
    }
    receivers
}

fn unsupported(receiver: Map<'_>) {
    for (key, value) in receiver.fields() {
        let known = OTHERS.contains(&key.name());
        if known && !value.node().is_null() && value.list().is_none_or(|items| !items.is_empty()) {
            let kind = key.name().trim_end_matches("_configs");
            let message = format!("receivers of kind `{kind}` are not supported yet");
            let hint = "supported are `webhook_configs` and `email_configs`";
            key.error(Code::RECEIVER_KIND, message, hint);
        }
    }
}

fn configs<'r>(receiver: Map<'r>, name: &str) -> Vec<Field<'r>> {
    receiver.optional(name).and_then(Field::list).unwrap_or_default()
}

fn webhook(item: Field<'_>) -> Option<Webhook> {
    const TIMEOUT_MAX: Duration = Duration::from_secs(300);
    let map =
        item.map(&["send_resolved", "http_config", "url", "url_file", "max_alerts", "timeout"])?;
    map.exclusive(&["url", "url_file"], true);
    let url = map.optional("url").and_then(Field::http_url);
    if let Some(file) = map.optional("url_file") {
        file.text();
        let message = "`url_file` is not supported yet";
        file.error(Code::NOT_ALLOWED, message, "write `url:`");
    }
    if let Some(http) = map.optional("http_config")
        && http::check(http).set
    {
        let message = "`http_config` has no effect yet";
        http.warning(
            Code::NOT_APPLIED,
            message,
            "webhooks are signed with the server's key instead",
        );
    }
    let max_alerts = map.optional("max_alerts").and_then(|field| field.integer(0..=i64::MAX));
    let timeout = map
        .optional("timeout")
        .and_then(|field| field.duration_within(Duration::ZERO..=TIMEOUT_MAX));
    Some(Webhook {
        url: url?.as_str().into(),
        send_resolved: send_resolved(map, true),
        max_alerts: max_alerts.and_then(|max| u64::try_from(max).ok()).unwrap_or(0),
        timeout: timeout.filter(|timeout| !timeout.is_zero()),
    })
}

fn send_resolved(map: Map<'_>, default: bool) -> bool {
    map.optional("send_resolved").and_then(Field::bool).unwrap_or(default)
}

const EMAIL_FIELDS: [&str; 18] = [
    "send_resolved",
    "to",
    "from",
    "hello",
    "smarthost",
    "auth_username",
    "auth_password",
    "auth_password_file",
    "auth_secret",
    "auth_secret_file",
    "auth_identity",
    "headers",
    "html",
    "text",
    "require_tls",
    "tls_config",
    "threading",
    "force_implicit_tls",
];

fn email(item: Field<'_>, global: &Global<'_>) -> Option<Email> {
    let map = item.map(&EMAIL_FIELDS)?;
    let to = map.required("to").and_then(Field::filled);
    for (secret, file) in
        [("auth_password", "auth_password_file"), ("auth_secret", "auth_secret_file")]
    {
        if text(map, secret).is_some() && text(map, file).is_some() {
            let message = format!("`{secret}` and `{file}` exclude each other");
            item.error(Code::EXCLUSIVE, message, "keep one of them");
        }
    }
    if let Some(headers) = map.optional("headers").and_then(Field::any_map) {
        unique_headers(headers);
    }
    threading(map);
    for name in ["headers", "html", "text", "tls_config", "threading"] {
        if let Some(field) = map.optional(name) {
            let message = format!("`{name}` has no effect on e-mail yet");
            field.warning(Code::NOT_APPLIED, message, "");
        }
    }
    map.optional("tls_config").map(http::check_tls);
    map.optional("force_implicit_tls").and_then(Field::bool);
    let smarthost = map.optional("smarthost").and_then(host_port).or(global.smarthost);
    let from = text(map, "from").or(global.from);
    for (value, local, inherited) in
        [(smarthost, "smarthost", "smtp_smarthost"), (from, "from", "smtp_from")]
    {
        if value.is_none() {
            let message = format!("`{local}` is missing, and there is no `global.{inherited}`");
            item.error(Code::MISSING_FIELD, message, "write one of them");
        }
    }
    let auth = authentication(map, global);
    Some(Email {
        to: to?.into(),
        from: from?.into(),
        smarthost: smarthost?.into(),
        hello: text(map, "hello").or(global.hello).map(Box::from),
        require_tls: map
            .optional("require_tls")
            .and_then(Field::bool)
            .unwrap_or(global.require_tls),
        auth,
        send_resolved: send_resolved(map, false),
    })
}

/// The user, and the file with the password: a password itself has no place in a repo.
fn authentication(map: Map<'_>, global: &Global<'_>) -> Option<EmailAuth> {
    let local_file = text(map, "auth_password_file");
    let in_repo =
        ["auth_password", "auth_secret"].into_iter().find(|name| text(map, name).is_some());
    let inherited =
        in_repo.or((global.has_password && local_file.is_none()).then_some("smtp_auth_password"));
    if let Some(name) = inherited {
        let message = format!("`{name}` puts a password into the repo");
        let hint = "write it to a file on the server, and its path in `auth_password_file`";
        map.field().error(Code::SECRET, message, hint);
    }
    let username = text(map, "auth_username").or(global.username)?;
    let password_file = local_file.or(global.password_file)?;
    Some(EmailAuth { username: username.into(), password_file: password_file.into() })
}

/// Names of headers are the same in any case.
fn unique_headers(headers: Map<'_>) {
    let mut seen = BTreeSet::new();
    for (key, value) in headers.fields() {
        value.text();
        if !seen.insert(key.name().to_ascii_lowercase()) {
            let message = format!("the header `{}` stands twice", shorten(key.name()));
            key.error(Code::DUPLICATE_KEY, message, "keep one of them");
        }
    }
}

fn threading(map: Map<'_>) {
    let fields = ["enabled", "thread_by_date"];
    let Some(threading) = map.optional("threading").and_then(|field| field.map(&fields)) else {
        return;
    };
    threading.optional("enabled").and_then(Field::bool);
    threading
        .optional("thread_by_date")
        .and_then(|field| field.choice(&[("none", ()), ("daily", ())]));
}
