//! Reads `evenkeel.yaml`: each section into its type, and every problem at once.

use std::{fs, net::SocketAddr, path::Path, time::Duration};

use app::{
    files::{
        Problem,
        problem::{Code, Report},
        reader::{Dialect, Field, Map},
        text::shorten,
        yaml,
    },
    notify::signature::SigningKey,
    remote::RemoteOptions,
};
use camino::{Utf8Path, Utf8PathBuf};
use model::{Labels, Limits};
use server::{ConnectionLimits, Exponentials, NameStrategy, Timeouts, Token, Translation};
use url::Url;

use super::{
    FEATURES, QueryLimits, Retention, WalSync,
    acts::{self, Rollback},
    remote::{self, Receiver},
    secret::Secret,
    settings::names_below,
};

/// The most bytes of a file that holds a secret.
const SECRET_BYTES_MAX: u64 = 64 << 10;
/// The fewest characters of a token.
const TOKEN_CHARS_MIN: usize = 16;

/// What a file says; `None` where it is silent.
#[derive(Debug, Default)]
pub(super) struct FileConfig {
    pub(super) listen: Option<SocketAddr>,
    pub(super) otlp_grpc_listen: Option<Option<SocketAddr>>,
    pub(super) otlp_http_listen: Option<Option<SocketAddr>>,
    pub(super) external_url: Option<Url>,
    pub(super) data_dir: Option<Utf8PathBuf>,
    pub(super) repo: Option<Utf8PathBuf>,
    pub(super) allowed_hosts: Vec<String>,
    pub(super) timeouts: Timeouts,
    pub(super) connections: ConnectionLimits,
    pub(super) api_tokens: Vec<Token>,
    pub(super) ingest_tokens: Vec<Token>,
    pub(super) webhook_key: Option<SigningKey>,
    pub(super) fallback_receiver: Option<Box<str>>,
    pub(super) retention: Retention,
    pub(super) otlp: Translation,
    pub(super) limits: Limits,
    pub(super) query: QueryLimits,
    pub(super) wal_sync: WalSync,
    pub(super) rollbacks: Vec<Rollback>,
    pub(super) admin: bool,
    pub(super) external_labels: Labels,
    pub(super) remote_query: Option<RemoteOptions>,
    pub(super) remote_write: Vec<Receiver>,
    pub(super) scrape: app::scrape::Options,
}

/// The file as read so far: where relative paths start.
#[derive(Debug)]
pub(super) struct Reading<'a> {
    folder: &'a Path,
}

/// What `bytes` say; the configuration counts only when no problem is an error.
pub(super) fn parse(name: &str, folder: &Path, bytes: &[u8]) -> (FileConfig, Vec<Problem>) {
    let report = Report::new(name);
    let documents = yaml::parse(bytes, &report);
    if let Some(second) = documents.get(1) {
        report.error(second.at, Code::KIND, "a second document", "one file has one document");
    }
    let mut config = FileConfig::default();
    if let Some(document) = documents.first().filter(|node| !node.is_null())
        && let Some(map) = Field::document(document, Dialect::Core, &report).map(&names_below(""))
    {
        let reading = Reading { folder };
        reading.places(map, &mut config);
        reading.sections(map, &mut config);
    }
    (config, report.into_problems())
}

impl Reading<'_> {
    fn places(&self, map: Map<'_>, config: &mut FileConfig) {
        config.listen = map.optional("listen").and_then(address);
        config.otlp_grpc_listen = map.optional("otlp_grpc_listen").and_then(address_or_off);
        config.otlp_http_listen = map.optional("otlp_http_listen").and_then(address_or_off);
        config.external_url = map.optional("external_url").and_then(external_url);
        config.data_dir = map.optional("data_dir").and_then(|field| self.path(field));
        config.repo = map.optional("repo").and_then(|field| self.path(field));
    }

    fn sections(&self, map: Map<'_>, config: &mut FileConfig) {
        let section =
            |name: &str| map.optional(name).and_then(|field| field.map(&names_below(name)));
        if let Some(map) = section("server") {
            server(map, config);
        }
        if let Some(map) = section("api") {
            config.api_tokens = self.tokens(map, "api.tokens[]");
            config.admin = map.optional("enable_admin").and_then(Field::bool).unwrap_or(false);
        }
        if let Some(map) = section("ingest") {
            config.ingest_tokens = self.tokens(map, "ingest.tokens[]");
        }
        if let Some(map) = section("webhook") {
            config.webhook_key = self.webhook_key(map);
        }
        config.fallback_receiver = section("notify")
            .and_then(|map| map.optional("fallback_receiver")?.text_up_to(200))
            .map(Into::into);
        if let Some(map) = section("retention") {
            retention(map, &mut config.retention);
        }
        if let Some(map) = section("otlp") {
            otlp(map, &mut config.otlp);
        }
        if let Some(map) = section("limits") {
            limits(map, &mut config.limits);
        }
        if let Some(map) = section("query") {
            query(map, &mut config.query);
        }
        if let Some(map) = section("scrape") {
            config.scrape.config_file =
                map.optional("config_file").and_then(|field| self.path(field));
            scrape(map, &mut config.scrape);
        }
        if let Some(field) = section("wal").and_then(|map| map.optional("sync")) {
            let choices = [
                ("always", WalSync::Always),
                ("interval", WalSync::Interval),
                ("never", WalSync::Never),
            ];
            config.wal_sync = field.choice(&choices).unwrap_or_default();
        }
        if let Some(field) = section("acts").and_then(|map| map.optional("rollback")) {
            config.rollbacks = acts::read(field, self);
        }
        if let Some(field) = map.optional("external_labels") {
            config.external_labels = remote::external_labels(field);
        }
        if let Some(map) = section("remote_query") {
            config.remote_query = remote::query(map, self);
        }
        if let Some(field) = map.optional("remote_write") {
            config.remote_write = remote::receivers(field, self);
        }
    }

    /// Relative paths start at the file's own folder.
    fn path(&self, field: Field<'_>) -> Option<Utf8PathBuf> {
        let path = self.folder.join(field.text_up_to(4096)?);
        Utf8PathBuf::from_path_buf(path).ok()
    }

    fn tokens(&self, map: Map<'_>, path: &str) -> Vec<Token> {
        let Some(items) = map.optional("tokens").and_then(Field::list) else { return Vec::new() };
        items.into_iter().filter_map(|item| self.token(item, path)).collect()
    }

    fn token(&self, item: Field<'_>, path: &str) -> Option<Token> {
        let map = item.map(&names_below(path))?;
        map.exclusive(&["token", "token_file", "token_sha256"], true);
        let name = map.required("name").and_then(|field| field.text_up_to(100));
        let inline =
            map.optional("token").and_then(|field| Some((field, Secret::new(field.text()?))));
        let given = inline.or_else(|| {
            let field = map.optional("token_file")?;
            Some((field, self.secret_file(field)?))
        });
        match given {
            Some((field, secret)) => {
                strong(field, &secret).then_some(())?;
                Some(Token::new(name?, secret.expose()))
            }
            None => {
                let hash = map.optional("token_sha256").and_then(sha256)?;
                Some(Token::from_sha256(name?, hash))
            }
        }
    }

    fn webhook_key(&self, map: Map<'_>) -> Option<SigningKey> {
        map.exclusive(&["signing_key", "signing_key_file"], false);
        match map.optional("signing_key") {
            Some(field) => signing_key(field, field.text()?),
            None => self.signing_key_file(map.optional("signing_key_file")?),
        }
    }

    pub(super) fn signing_key_file(&self, field: Field<'_>) -> Option<SigningKey> {
        let secret = self.secret_file(field)?;
        signing_key(field, secret.expose())
    }

    /// The file's text without the white space at its ends.
    pub(super) fn secret_file(&self, field: Field<'_>) -> Option<Secret> {
        let path = self.path(field)?;
        let text = match fs::metadata(&path) {
            Ok(metadata) if metadata.len() > SECRET_BYTES_MAX => {
                Err(std::io::ErrorKind::FileTooLarge.into())
            }
            Ok(_) => fs::read_to_string(&path),
            Err(error) => Err(error),
        };
        match text {
            Ok(text) if !text.trim().is_empty() => Some(Secret::new(text.trim())),
            Ok(_) => {
                field.error(Code::MISSING_FIELD, format!("the file `{path}` is empty"), "");
                None
            }
            Err(error) => {
                field.error(Code::UNREADABLE, format!("cannot read `{path}`: {error}"), "");
                None
            }
        }
    }
}

/// Whether a token can be sent in a header and cannot be guessed.
fn strong(field: Field<'_>, secret: &Secret) -> bool {
    let visible = secret.expose().bytes().all(|byte| byte.is_ascii_graphic());
    let strong = secret.expose().len() >= TOKEN_CHARS_MIN && visible;
    if !strong {
        let hint = format!(
            "write at least {TOKEN_CHARS_MIN} visible ASCII characters; make one with `openssl rand -hex 32`"
        );
        field.error(Code::OUT_OF_RANGE, "the token is too short or has other characters", hint);
    }
    strong
}

/// 64 hexadecimal digits.
fn sha256(field: Field<'_>) -> Option<[u8; 32]> {
    // Digits alone would be a number.
    let digits = field.node().text().unwrap_or_default().as_bytes();
    let (pairs, rest) = digits.as_chunks::<2>();
    let mut hash = [0; 32];
    let fits = pairs.len() == hash.len() && rest.is_empty();
    let bytes = pairs.iter().map(|pair| {
        let [high, low] = pair.map(|digit| char::from(digit).to_digit(16));
        u8::try_from(high? * 16 + low?).ok()
    });
    for (byte, value) in hash.iter_mut().zip(bytes) {
        match value.filter(|_| fits) {
            Some(value) => *byte = value,
            None => return not_a_hash(field),
        }
    }
    if fits { Some(hash) } else { not_a_hash(field) }
}

fn not_a_hash(field: Field<'_>) -> Option<[u8; 32]> {
    let hint = "write the 64 hexadecimal digits that `printf %s \"$TOKEN\" | sha256sum` prints";
    field.error(Code::NOT_ALLOWED, format!("{} is no SHA-256", field.quoted()), hint);
    None
}

fn signing_key(field: Field<'_>, text: &str) -> Option<SigningKey> {
    let key = SigningKey::parse(text);
    if let Err(error) = &key {
        field.error(
            Code::NOT_ALLOWED,
            format!("{} holds no signing key", field.quoted()),
            error.to_string(),
        );
    }
    key.ok()
}

/// `ADDRESS:PORT`.
pub(super) fn parse_address(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| {
        format!(
            "`{}` is not an address; write it like `127.0.0.1:7700` or `[::1]:7700`",
            shorten(text)
        )
    })
}

fn address(field: Field<'_>) -> Option<SocketAddr> {
    let text = field.text_up_to(100)?;
    match parse_address(text) {
        Ok(address) => Some(address),
        Err(message) => {
            let (message, hint) = message.split_once("; ").unwrap_or((&message, ""));
            field.error(Code::ADDRESS, message, hint);
            None
        }
    }
}

fn address_or_off(field: Field<'_>) -> Option<Option<SocketAddr>> {
    if field.node().text() == Some("off") { Some(None) } else { address(field).map(Some) }
}

fn external_url(field: Field<'_>) -> Option<Url> {
    let url = field.http_url()?;
    if url.query().is_some() || url.fragment().is_some() || !url.username().is_empty() {
        let hint = "write scheme, host and base path alone";
        field.error(Code::URL, "`external_url` has a user, a query or a fragment", hint);
        return None;
    }
    Some(url)
}

fn server(map: Map<'_>, config: &mut FileConfig) {
    if let Some(hosts) = map.optional("allowed_hosts").and_then(Field::list) {
        config.allowed_hosts = hosts.into_iter().filter_map(host).collect();
    }
    let times = &mut config.timeouts;
    duration(map, "first_byte_timeout", 3600, &mut times.first_byte);
    duration(map, "header_timeout", 3600, &mut times.header);
    duration(map, "idle_timeout", 86_400, &mut times.idle);
    duration(map, "write_timeout", 3600, &mut times.write_stall);
    duration(map, "body_grace", 3600, &mut times.body_grace);
    duration(map, "drain_timeout", 3600, &mut times.drain);
    duration(map, "decode_wait", 3600, &mut times.decode_wait);
    number(map, "min_body_rate", 0, 1 << 30, &mut times.body_bytes_per_s_min);
    let caps = &mut config.connections;
    number(map, "max_connections", 8, 1 << 20, &mut caps.connections_max);
    number(map, "reserved_connections", 0, 1 << 16, &mut caps.reserved);
    number(map, "max_streams", 1, 1 << 16, &mut caps.streams_max);
    number(map, "max_header_bytes", 8192, 1 << 20, &mut caps.header_bytes_max);
    number(map, "max_headers", 10, 1000, &mut caps.headers_max);
    number(map, "max_buffered_bytes", 1 << 20, 1 << 34, &mut caps.buffered_bytes_max);
    number(map, "max_decoders", 1, 1024, &mut caps.decoders_max);
    if caps.reserved >= caps.connections_max
        && let Some(field) =
            map.optional("reserved_connections").or_else(|| map.optional("max_connections"))
    {
        let message =
            format!("{} connections are reserved of {}", caps.reserved, caps.connections_max);
        field.error(Code::OUT_OF_RANGE, message, "fewer must be reserved than there are");
    }
}

fn host(field: Field<'_>) -> Option<String> {
    let text = field.text_up_to(253)?;
    if text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte)) {
        return Some(text.to_ascii_lowercase());
    }
    let message = format!("`{}` is not a host's name", shorten(text));
    field.error(Code::NAME, message, "write the name alone, without a scheme or port");
    None
}

fn retention(map: Map<'_>, retention: &mut Retention) {
    kept(map, "metrics", &mut retention.metrics);
    number(map, "metrics_bytes", 0, 1 << 50, &mut retention.metrics_bytes);
    let windows = Duration::ZERO..=Duration::from_secs(10 * 365 * 86_400);
    let window = map.optional("out_of_order_window");
    retention.out_of_order_window = window.and_then(|field| field.duration_within(windows));
    kept(map, "logs_and_spans", &mut retention.logs_and_spans);
}

/// How OpenTelemetry's metrics become series.
fn otlp(map: Map<'_>, otlp: &mut Translation) {
    if let Some(field) = map.optional("translation_strategy") {
        let choices = NameStrategy::ALL.map(|strategy| (strategy.as_str(), strategy));
        otlp.names = field.choice(&choices).unwrap_or_default();
    }
    if let Some(field) = map.optional("exponential_histograms") {
        let all = [Exponentials::Native, Exponentials::Classic, Exponentials::Both];
        otlp.exponentials = field.choice(&all.map(|one| (one.as_str(), one))).unwrap_or_default();
    }
    let flags = [
        ("convert_histograms_to_nhcb", &mut otlp.convert_histograms_to_nhcb),
        ("promote_scope_metadata", &mut otlp.promote_scope_metadata),
        ("zero_samples", &mut otlp.zero_samples),
    ];
    for (name, target) in flags {
        *target = map.optional(name).and_then(Field::bool).unwrap_or(*target);
    }
    let attributes = map.optional("promote_resource_attributes").and_then(Field::list);
    otlp.promote_resource_attributes = attributes
        .into_iter()
        .flatten()
        .filter_map(|item| item.text_up_to(200).map(Into::into))
        .collect();
}

/// An hour to ten years, or zero for ever.
fn kept(map: Map<'_>, name: &str, target: &mut Duration) {
    let allowed = Duration::from_secs(3600)..=Duration::from_secs(10 * 365 * 86_400);
    let Some(field) = map.optional(name) else { return };
    match field.duration() {
        Some(Duration::ZERO) => *target = Duration::ZERO,
        Some(_) => *target = field.duration_within(allowed).unwrap_or(*target),
        None => {}
    }
}

fn limits(map: Map<'_>, limits: &mut Limits) {
    number(map, "max_active_series", 1, 1 << 32, &mut limits.active_series_max);
    number(
        map,
        "max_active_series_per_service",
        1,
        1 << 32,
        &mut limits.active_series_per_service_max,
    );
    number(map, "max_labels", 1, 1000, &mut limits.labels_max);
    number(map, "max_label_value_bytes", 16, 1 << 20, &mut limits.label_value_bytes_max);
    number(map, "max_log_bytes", 16, 8 << 20, &mut limits.log_bytes_max);
    number(map, "max_attributes", 1, 10_000, &mut limits.attributes_max);
    number(map, "max_attribute_value_bytes", 16, 8 << 20, &mut limits.attribute_value_bytes_max);
    number(map, "max_body_bytes", 1024, 1 << 30, &mut limits.body_bytes_max);
    number(map, "max_inflation_ratio", 1, 100_000, &mut limits.inflation_ratio_max);
    number(map, "max_future_seconds", 0, 86_400, &mut limits.future_seconds_max);
}

fn query(map: Map<'_>, query: &mut QueryLimits) {
    duration(map, "timeout", 3600, &mut query.timeout);
    number(map, "max_samples", 1000, 1 << 40, &mut query.samples_max);
    number(map, "max_series", 1, 1 << 40, &mut query.series_max);
    number(map, "max_points_per_series", 10, 1 << 20, &mut query.points_per_series_max);
    number(map, "max_memory_bytes", 1 << 20, 1 << 44, &mut query.memory_max_bytes);
    number(map, "max_scan_bytes", 1 << 20, 1 << 50, &mut query.scan_max_bytes);
    for item in map.optional("features").and_then(Field::list).unwrap_or_default() {
        let choices: [(&str, usize); FEATURES.len()] = std::array::from_fn(|at| (FEATURES[at], at));
        if let Some(at) = item.choice(&choices) {
            query.features[at] = true;
        }
    }
    duration(map, "lookback_delta", 86_400, &mut query.lookback_delta);
}

fn scrape(map: Map<'_>, scrape: &mut app::scrape::Options) {
    number(map, "max_targets", 1, 1 << 20, &mut scrape.targets_max);
    number(map, "max_concurrent", 1, 1 << 16, &mut scrape.concurrent_max);
    number(map, "max_body_bytes", 1024, 1 << 34, &mut scrape.body_bytes_max);
    number(map, "max_buffered_bytes", 1 << 20, 1 << 36, &mut scrape.buffered_bytes_max);
}

/// A whole number into `target`, of whatever width.
pub(super) fn number<T: TryFrom<i64>>(
    map: Map<'_>,
    name: &str,
    min: i64,
    max: i64,
    target: &mut T,
) {
    let value = map.optional(name).and_then(|field| field.integer(min..=max));
    if let Some(value) = value.and_then(|value| T::try_from(value).ok()) {
        *target = value;
    }
}

/// A duration of 100 ms to `max` seconds into `target`.
pub(super) fn duration(map: Map<'_>, name: &str, max: u64, target: &mut Duration) {
    let allowed = Duration::from_millis(100)..=Duration::from_secs(max);
    if let Some(value) = map.optional(name).and_then(|field| field.duration_within(allowed)) {
        *target = value;
    }
}

/// The folder that a file lies in, from which its relative paths start.
pub(super) fn folder_of(file: &Utf8Path) -> &Path {
    file.parent().map_or(Path::new(""), Utf8Path::as_std_path)
}
