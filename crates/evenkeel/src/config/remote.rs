//! Other servers: the cluster that is asked in place of the own store, and the receivers that samples are forwarded to.

use std::time::Duration;

use app::{
    files::{
        problem::Code,
        reader::{Field, Map},
        text::shorten,
    },
    promql::ast::ExprKind,
    remote::{
        Auth, Endpoint, RemoteOptions, SecretText,
        forward::{ForwardOptions, Protocol, RelabelRules, rewrite},
    },
};
use model::{Labels, Matcher};
use url::Url;

use super::{
    read::{Reading, duration, number},
    settings::names_below,
};

/// The most receivers, the most headers of one, the most labels that are added.
const RECEIVERS_MAX: usize = 16;
const HEADERS_MAX: usize = 32;
const LABELS_MAX: usize = 32;
/// The most selectors of `match`.
const SELECTORS_MAX: usize = 100;
/// Where nothing else is said.
const TIMEOUT: Duration = Duration::from_secs(30);
const RESPONSE_BYTES_MAX: usize = 256 << 20;
const QUEUE_BYTES_MAX: u64 = 512 << 20;
const QUEUE_AGE_MAX: Duration = Duration::from_secs(86_400);
const SHARDS_MAX: usize = 4;
const SAMPLES_PER_SEND_MAX: usize = 2000;

/// A receiver of what is stored here.
#[derive(Clone, Debug)]
pub(crate) struct Receiver {
    pub(crate) endpoint: Endpoint,
    pub(crate) protocol: Protocol,
    /// Series that pass any of them are forwarded; all, without one.
    pub(crate) selectors: Vec<Vec<Matcher>>,
    pub(crate) relabel: RelabelRules,
    pub(crate) bytes_max: u64,
    pub(crate) age_max: Duration,
    pub(crate) shards_max: usize,
    pub(crate) samples_per_send_max: usize,
}

impl Receiver {
    /// With labels that every series gets, where it lacks them.
    pub(crate) fn options(&self, external: &Labels) -> ForwardOptions {
        ForwardOptions {
            endpoint: self.endpoint.clone(),
            protocol: self.protocol,
            rewrite: rewrite(self.selectors.clone(), external.clone(), self.relabel.clone()),
            bytes_max: self.bytes_max,
            age_max: self.age_max,
            shards_max: self.shards_max,
            samples_per_send_max: self.samples_per_send_max,
        }
    }
}

/// `remote_query`
pub(super) fn query(map: Map<'_>, reading: &Reading<'_>) -> Option<RemoteOptions> {
    let endpoint = endpoint(map, "remote_query", reading);
    let mut response_bytes_max = RESPONSE_BYTES_MAX;
    number(map, "max_response_bytes", 1024, 1 << 34, &mut response_bytes_max);
    Some(RemoteOptions { endpoint: endpoint?, response_bytes_max })
}

/// `remote_write`
pub(super) fn receivers(list: Field<'_>, reading: &Reading<'_>) -> Vec<Receiver> {
    let items = list.list().unwrap_or_default();
    if items.len() > RECEIVERS_MAX {
        let message = format!("{} has {} receivers", list.quoted(), items.len());
        list.error(Code::OUT_OF_RANGE, message, format!("at most {RECEIVERS_MAX} are allowed"));
    }
    let mut found: Vec<Receiver> = Vec::new();
    for item in items.into_iter().take(RECEIVERS_MAX) {
        let Some(receiver) = receiver(item, reading) else { continue };
        if found.iter().any(|other| other.endpoint.name == receiver.endpoint.name) {
            let message = format!("two receivers have the name `{}`", receiver.endpoint.name);
            item.error(Code::NOT_ALLOWED, message, "give each a `name` of its own");
        }
        found.push(receiver);
    }
    found
}

fn receiver(item: Field<'_>, reading: &Reading<'_>) -> Option<Receiver> {
    let map = item.map(&names_below("remote_write[]"))?;
    let endpoint = endpoint(map, "remote_write[]", reading);
    let protocol = map
        .optional("protocol")
        .and_then(|field| field.choice(&[("v1", Protocol::V1), ("v2", Protocol::V2)]));
    let selectors = map.optional("match").map(selectors).unwrap_or_default();
    let mut receiver = Receiver {
        endpoint: endpoint?,
        protocol: protocol.unwrap_or_default(),
        selectors,
        relabel: app::files::scrape::relabel_rules(map, "write_relabel_configs"),
        bytes_max: QUEUE_BYTES_MAX,
        age_max: QUEUE_AGE_MAX,
        shards_max: SHARDS_MAX,
        samples_per_send_max: SAMPLES_PER_SEND_MAX,
    };
    if let Some(map) =
        map.optional("queue").and_then(|field| field.map(&names_below("remote_write[].queue")))
    {
        number(map, "max_bytes", 1 << 20, 1 << 40, &mut receiver.bytes_max);
        duration(map, "max_age", 366 * 86_400, &mut receiver.age_max);
        number(map, "max_shards", 1, 64, &mut receiver.shards_max);
        number(map, "max_samples_per_send", 1, 100_000, &mut receiver.samples_per_send_max);
    }
    Some(receiver)
}

fn selectors(list: Field<'_>) -> Vec<Vec<Matcher>> {
    let items = list.list().unwrap_or_default();
    items.into_iter().take(SELECTORS_MAX).filter_map(selector).collect()
}

fn selector(field: Field<'_>) -> Option<Vec<Matcher>> {
    let text = field.text_up_to(4096)?;
    let why = match app::promql::parse(text) {
        Ok(expr) => match expr.kind {
            ExprKind::Selector(selector) => return Some(selector.matchers),
            _ => "it is an expression".to_owned(),
        },
        Err(error) => error.to_string(),
    };
    let message = format!("`{}` is not a selector of series: {why}", shorten(text));
    field.error(Code::NOT_ALLOWED, message, "write one such as `up{job=\"api\"}`");
    None
}

fn endpoint(map: Map<'_>, path: &str, reading: &Reading<'_>) -> Option<Endpoint> {
    map.exclusive(&["basic_auth", "bearer_token", "bearer_token_file"], false);
    let url = map.required("url").and_then(address);
    let name = map.optional("name").and_then(|field| field.text_up_to(100)).map(Into::into);
    let auth = auth(map, path, reading);
    let headers = map.optional("headers").map(headers).unwrap_or_default();
    let ca_pem = match map.optional("ca_file") {
        Some(field) => Some(reading.secret_file(field)?.expose().as_bytes().to_vec()),
        None => None,
    };
    let mut timeout = TIMEOUT;
    duration(map, "timeout", 3600, &mut timeout);
    let url = url?;
    let name = name.unwrap_or_else(|| Endpoint::name_of(&url));
    Some(Endpoint { name, url, auth: auth?, headers, ca_pem, timeout })
}

fn address(field: Field<'_>) -> Option<Url> {
    let url = field.http_url()?;
    if !url.username().is_empty() || url.password().is_some() || url.fragment().is_some() {
        let hint = "write user and password below `basic_auth`";
        field.error(Code::URL, format!("{} has a user or a fragment", field.quoted()), hint);
        return None;
    }
    Some(url)
}

/// `None` when what stands there cannot be used.
fn auth(map: Map<'_>, path: &str, reading: &Reading<'_>) -> Option<Auth> {
    if let Some(field) = map.optional("basic_auth") {
        let map = field.map(&names_below(&format!("{path}.basic_auth")))?;
        map.exclusive(&["password", "password_file"], true);
        let username = map.required("username")?.text_up_to(1000)?.to_owned();
        let password = secret(map, "password", "password_file", reading)?;
        return Some(Auth::Basic { username, password });
    }
    let given =
        ["bearer_token", "bearer_token_file"].iter().any(|name| map.optional(name).is_some());
    if !given {
        return Some(Auth::None);
    }
    secret(map, "bearer_token", "bearer_token_file", reading).map(Auth::Bearer)
}

fn secret(map: Map<'_>, name: &str, file: &str, reading: &Reading<'_>) -> Option<SecretText> {
    match map.optional(name) {
        Some(field) => field.text().map(SecretText::new),
        None => Some(SecretText::new(reading.secret_file(map.optional(file)?)?.expose())),
    }
}

fn headers(field: Field<'_>) -> Vec<(String, SecretText)> {
    let Some(map) = field.any_map() else { return Vec::new() };
    let mut found = Vec::new();
    for (name, value) in map.fields().take(HEADERS_MAX) {
        let plain = |text: &str| {
            !text.is_empty()
                && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        };
        let text = name.node().text().unwrap_or_default();
        let Some(value) = value.text_up_to(8192) else { continue };
        if plain(text) && value.bytes().all(|byte| (0x20..0x7f).contains(&byte)) {
            found.push((text.to_owned(), SecretText::new(value)));
        } else {
            let message = format!("`{}` is not a header that can be sent", shorten(text));
            name.error(Code::NOT_ALLOWED, message, "write letters, digits and `-`, and ASCII");
        }
    }
    found
}

/// `external_labels`
pub(super) fn external_labels(field: Field<'_>) -> Labels {
    let Some(map) = field.any_map() else { return Labels::default() };
    let pairs = map.fields().take(LABELS_MAX).filter_map(|(name, value)| {
        let text = name.node().text().filter(|text| !text.is_empty() && *text != "__name__");
        if text.is_none() {
            let message = format!("{} is not a label's name", name.quoted());
            name.error(Code::NAME, message, "write one such as `cluster`");
        }
        Some((text?, value.text_up_to(1024)?))
    });
    Labels::from_pairs(pairs)
}
