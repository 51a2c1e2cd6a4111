//! One GET: redirects that carry no credentials away, gzip, a bounded body.

mod client;
mod inflate;

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use base64::Engine as _;
use reqwest::{
    Response, StatusCode,
    header::{self, HeaderMap, HeaderName, HeaderValue},
};
use scrape::config::{Auth, HttpClient, Material};
use url::Url;

pub(crate) use client::Clients;

use inflate::Inflate;

/// Redirects that are followed, one after the other.
const REDIRECTS_MAX: usize = 10;
/// Bytes of a file that holds a secret or a certificate.
const SECRET_BYTES_MAX: u64 = 1 << 20;
pub(crate) const USER_AGENT: &str = concat!("evenkeel/", env!("CARGO_PKG_VERSION"));

/// An answer with status 200.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) content_type: Option<String>,
    pub(crate) body: Held,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FetchError {
    #[error("cannot set up the client: {0}")]
    Client(String),
    #[error("cannot read `{path}`")]
    Secret {
        path: Box<str>,
        #[source]
        source: std::io::Error,
    },
    #[error("{what} holds characters that no header may have")]
    Header { what: &'static str },
    #[error("the URL cannot be used")]
    Url(#[source] url::ParseError),
    #[error(transparent)]
    Request(reqwest::Error),
    #[error("server returned HTTP status {0}")]
    Status(StatusCode),
    #[error("stopped after {REDIRECTS_MAX} redirects")]
    Redirects,
    #[error("a redirect leads to no http or https URL")]
    RedirectUrl,
    #[error("body size limit exceeded: more than {limit} bytes (`{setting}`)")]
    BodyLimit { limit: u64, setting: &'static str },
    #[error("bodies of scrapes hold {max} bytes already; there is no memory for another")]
    Memory { max: usize },
    #[error("the answer is encoded as `{0}`; gzip is understood")]
    Encoding(Box<str>),
    #[error("the answer is no gzip")]
    Gzip(#[source] std::io::Error),
    /// The target is not asked: a limit of its job.
    #[error("{0}")]
    Forced(Arc<str>),
    #[error("context deadline exceeded: no answer within {} s", .0.as_secs_f64())]
    Timeout(Duration),
}

/// How much an answer may hold.
#[derive(Clone, Debug)]
pub(crate) struct Room {
    /// Inflated; `body_size_limit` or the server's own limit.
    pub(crate) limit: u64,
    /// The setting that says so.
    pub(crate) setting: &'static str,
    pub(crate) budget: Arc<Budget>,
}

/// Memory that all bodies share.
#[derive(Debug)]
pub(crate) struct Budget {
    used: AtomicUsize,
    max: usize,
}

impl Budget {
    pub(crate) fn new(max: usize) -> Arc<Self> {
        Arc::new(Self { used: AtomicUsize::new(0), max })
    }

    fn take(&self, bytes: usize) -> Result<(), FetchError> {
        let before = self.used.fetch_add(bytes, Ordering::Relaxed);
        if before.saturating_add(bytes) <= self.max {
            return Ok(());
        }
        self.used.fetch_sub(bytes, Ordering::Relaxed);
        Err(FetchError::Memory { max: self.max })
    }
}

/// A body, which gives its memory back to the budget when it is dropped.
#[derive(Debug)]
pub(crate) struct Held {
    bytes: Vec<u8>,
    taken: usize,
    room: Room,
}

impl Held {
    pub(crate) fn new(room: Room) -> Self {
        Self { bytes: Vec::new(), taken: 0, room }
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    fn push(&mut self, bytes: &[u8]) -> Result<(), FetchError> {
        let have = self.bytes.len().saturating_add(bytes.len());
        if have as u64 > self.room.limit {
            let Room { limit, setting, .. } = self.room;
            return Err(FetchError::BodyLimit { limit, setting });
        }
        if have > self.taken {
            self.room.budget.take(have - self.taken)?;
            self.taken = have;
        }
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.room.budget.used.fetch_sub(self.taken, Ordering::Relaxed);
    }
}

/// Asks for `url` with `headers` and what the client's configuration adds.
///
/// # Errors
/// See [`FetchError`]. No error shows the URL's query or a secret.
pub(crate) async fn get(
    clients: &Clients,
    url: &str,
    headers: &HeaderMap,
    room: Room,
) -> Result<Answer, FetchError> {
    let config = clients.config();
    let first = Url::parse(url).map_err(FetchError::Url)?;
    let secrets = secrets(config).await?;
    let mut url = first.clone();
    for _ in 0..=REDIRECTS_MAX {
        let mut headers = headers.clone();
        // What tells who asks is for the target alone, not for whom it points at.
        if url.origin() == first.origin() {
            headers.extend(secrets.clone());
        }
        let response = clients.send(&url, headers).await?;
        let status = response.status();
        if !(status.is_redirection() && config.follow_redirects) {
            if status != StatusCode::OK {
                return Err(FetchError::Status(status));
            }
            return read(response, room).await;
        }
        let location = response.headers().get(header::LOCATION).and_then(|to| to.to_str().ok());
        let Some(location) = location else { return Err(FetchError::Status(status)) };
        url = url.join(location).map_err(FetchError::Url)?;
        if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
            return Err(FetchError::RedirectUrl);
        }
    }
    Err(FetchError::Redirects)
}

/// The headers that only the target may see.
async fn secrets(config: &HttpClient) -> Result<HeaderMap, FetchError> {
    let mut headers = HeaderMap::new();
    let authorization = match &config.auth {
        Auth::None => None,
        Auth::Basic { username, password } => {
            let (username, password) = (optional(username).await?, optional(password).await?);
            let pair = format!("{username}:{password}");
            Some(format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(pair)))
        }
        Auth::Authorization { kind, credentials } => {
            Some(format!("{kind} {}", optional(credentials).await?))
        }
    };
    if let Some(text) = authorization {
        headers.insert(header::AUTHORIZATION, secret(&text, "the authorization")?);
    }
    for (name, values) in &config.headers {
        let name = HeaderName::from_bytes(name.as_bytes())
            .map_err(|_| FetchError::Header { what: "the name of a header" })?;
        for value in values {
            let text = material(value).await?;
            headers.append(name.clone(), secret(&text, "the value of a header")?);
        }
    }
    Ok(headers)
}

fn secret(text: &str, what: &'static str) -> Result<HeaderValue, FetchError> {
    let mut value = HeaderValue::from_str(text).map_err(|_| FetchError::Header { what })?;
    value.set_sensitive(true);
    Ok(value)
}

async fn optional(material: &Option<Material>) -> Result<String, FetchError> {
    match material {
        Some(found) => self::material(found).await,
        None => Ok(String::new()),
    }
}

/// The text, or what the file holds now, without the white space at its ends.
pub(crate) async fn material(material: &Material) -> Result<String, FetchError> {
    match material {
        Material::Inline(secret) => Ok(secret.expose().to_owned()),
        Material::File(path) => {
            let error = |source| FetchError::Secret { path: path.clone(), source };
            let size = tokio::fs::metadata(&**path).await.map_err(error)?.len();
            if size > SECRET_BYTES_MAX {
                return Err(error(std::io::ErrorKind::FileTooLarge.into()));
            }
            let text = tokio::fs::read_to_string(&**path).await.map_err(error)?;
            Ok(text.trim().to_owned())
        }
    }
}

async fn read(mut response: Response, room: Room) -> Result<Answer, FetchError> {
    let text = |name| {
        response.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
    };
    let content_type = text(header::CONTENT_TYPE);
    let encoding = text(header::CONTENT_ENCODING).unwrap_or_default().trim().to_ascii_lowercase();
    let mut inflate = match encoding.as_str() {
        "" | "identity" => Inflate::plain(room),
        "gzip" | "x-gzip" => Inflate::gzip(room),
        _ => return Err(FetchError::Encoding(encoding.chars().take(50).collect())),
    };
    while let Some(chunk) = response.chunk().await.map_err(without_url)? {
        inflate.push(&chunk)?;
    }
    Ok(Answer { content_type, body: inflate.finish()? })
}

/// A URL may hold a secret in its query.
fn without_url(error: reqwest::Error) -> FetchError {
    FetchError::Request(error.without_url())
}
