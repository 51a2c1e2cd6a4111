//! A Prometheus-compatible cluster that is asked in place of the own store.

use std::{collections::BTreeMap, sync::Arc};

use model::{Labels, Matcher, Metadata, SeriesExemplars};
use reqwest::{Client, StatusCode};
use serde::de::DeserializeOwned;

use super::{
    answer::{self, Envelope},
    endpoint::{Endpoint, EndpointError},
    source::RemoteSource,
};
use crate::{
    control::chain,
    query::{Found, MatrixSeries, QueryLimits, Value},
};

/// What the cluster may do to us.
#[derive(Clone, Debug)]
pub struct RemoteOptions {
    /// The address before `/api/v1/…`.
    pub endpoint: Endpoint,
    /// The longest answer, in bytes: `remote_query.max_response_bytes`.
    pub response_bytes_max: usize,
}

/// Why the cluster gave no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AskError {
    #[error("the remote `{remote}` cannot be asked: {text}")]
    Unreachable { remote: Box<str>, text: String },
    #[error("the remote `{remote}` did not answer in time (remote_query.timeout)")]
    Timeout { remote: Box<str> },
    /// It said no, as Prometheus says it.
    #[error("the remote `{remote}` says: {text}")]
    Refused { remote: Box<str>, kind: Box<str>, text: String },
    #[error("the remote `{remote}` answered with status {status}")]
    Status { remote: Box<str>, status: u16 },
    #[error(
        "the answer of the remote `{remote}` is longer than {max} bytes (remote_query.max_response_bytes): ask for less"
    )]
    TooLong { remote: Box<str>, max: usize },
    #[error("the answer of the remote `{remote}` cannot be read: {text}")]
    Unreadable { remote: Box<str>, text: String },
    #[error("query was canceled in expression evaluation")]
    Cancelled,
}

/// The cluster, with open connections.
#[derive(Debug)]
pub struct Remote {
    options: RemoteOptions,
    http: Client,
}

impl Remote {
    /// # Errors
    /// When its certificates cannot be used.
    pub fn new(options: RemoteOptions) -> Result<Self, EndpointError> {
        let http = options.endpoint.client()?;
        Ok(Self { options, http })
    }

    /// Host and port, or the name it was given.
    pub fn name(&self) -> &str {
        &self.options.endpoint.name
    }

    /// A source of one query's series; `cancelled` is asked while it waits.
    pub fn source<'a>(
        &'a self,
        limits: &QueryLimits,
        cancelled: &'a (dyn Fn() -> bool + Sync),
    ) -> RemoteSource<'a> {
        RemoteSource::new(self, *limits, cancelled)
    }

    pub(crate) async fn series(
        &self,
        selectors: &[Vec<Matcher>],
        start_ms: i64,
        end_ms: i64,
        limit: Option<usize>,
    ) -> Result<Found<Vec<Labels>>, AskError> {
        let mut form = span(start_ms, end_ms, limit);
        let all = [Vec::new()];
        let selectors = if selectors.is_empty() { &all[..] } else { selectors };
        form.extend(selectors.iter().map(|one| ("match[]", selector(one))));
        let found: Envelope<Vec<answer::Pairs>> = self.post("series", &form).await?;
        let (found, warnings) = self.data(found)?;
        let mut found: Vec<Labels> = found.into_iter().map(Labels::from).collect();
        found.sort_unstable();
        found.dedup();
        Ok(Found { found, warnings })
    }

    pub(crate) async fn label_names(
        &self,
        selectors: &[Vec<Matcher>],
        start_ms: i64,
        end_ms: i64,
        limit: Option<usize>,
    ) -> Result<Found<Vec<Arc<str>>>, AskError> {
        let mut form = span(start_ms, end_ms, limit);
        form.extend(selectors.iter().map(|one| ("match[]", selector(one))));
        let found: Envelope<Vec<String>> = self.post("labels", &form).await?;
        let (found, warnings) = self.data(found)?;
        Ok(Found { found: sorted(found), warnings })
    }

    pub(crate) async fn label_values(
        &self,
        name: &str,
        selectors: &[Vec<Matcher>],
        start_ms: i64,
        end_ms: i64,
        limit: Option<usize>,
    ) -> Result<Found<Vec<Arc<str>>>, AskError> {
        let mut form = span(start_ms, end_ms, limit);
        form.extend(selectors.iter().map(|one| ("match[]", selector(one))));
        let name = percent_encoding::utf8_percent_encode(name, percent_encoding::NON_ALPHANUMERIC);
        let found: Envelope<Vec<String>> = self.get(&format!("label/{name}/values"), &form).await?;
        let (found, warnings) = self.data(found)?;
        Ok(Found { found: sorted(found), warnings })
    }

    pub(crate) async fn metadata(
        &self,
        metric: Option<&str>,
    ) -> Result<Found<BTreeMap<Box<str>, Vec<Metadata>>>, AskError> {
        let form: Vec<_> = metric.map(|metric| ("metric", metric.to_owned())).into_iter().collect();
        let found: Envelope<BTreeMap<String, Vec<answer::Family>>> =
            self.get("metadata", &form).await?;
        let (found, warnings) = self.data(found)?;
        let of = |(family, all): (String, Vec<answer::Family>)| {
            let all = all.into_iter().map(|one| one.into_metadata(&family)).collect();
            (family.into_boxed_str(), all)
        };
        Ok(Found { found: found.into_iter().map(of).collect(), warnings })
    }

    pub(crate) async fn exemplars(
        &self,
        selectors: &[Vec<Matcher>],
        start_ms: i64,
        end_ms: i64,
    ) -> Result<Vec<SeriesExemplars>, AskError> {
        let mut form = span(start_ms, end_ms, None);
        let text: Vec<String> = selectors.iter().map(|one| selector(one)).collect();
        form.push(("query", text.join(" or ")));
        let found: Envelope<Vec<answer::Exemplars>> = self.post("query_exemplars", &form).await?;
        let (found, _) = self.data(found)?;
        Ok(found.into_iter().map(SeriesExemplars::from).collect())
    }

    /// Raw samples from `start_ms` to `end_ms`, both included.
    pub(crate) async fn samples(
        &self,
        matchers: &[Matcher],
        start_ms: i64,
        end_ms: i64,
    ) -> Result<Vec<MatrixSeries>, AskError> {
        // Ranges are open on the left.
        let range_ms = end_ms.saturating_sub(start_ms).saturating_add(1);
        let form =
            [("query", format!("{}[{range_ms}ms]", selector(matchers))), ("time", seconds(end_ms))];
        let found: Envelope<answer::Data> = self.post("query", &form).await?;
        let (found, _) = self.data(found)?;
        match self.readable(found.into_value())? {
            Value::Matrix(mut series) => {
                series.sort_by(|a, b| a.labels.cmp(&b.labels));
                Ok(series)
            }
            Value::Scalar(_) | Value::String(_) | Value::Vector(_) => {
                Err(self.unreadable("it is no matrix"))
            }
        }
    }

    pub(super) async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        form: &[(&str, String)],
    ) -> Result<T, AskError> {
        let body = encoded(form);
        let request = self
            .http
            .post(self.address(path))
            .body(body)
            .header(reqwest::header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        self.send(request).await
    }

    async fn get<T: DeserializeOwned>(
        &self,
        path: &str,
        form: &[(&str, String)],
    ) -> Result<T, AskError> {
        let mut address = self.address(path);
        address.set_query(Some(&encoded(form)).filter(|query| !query.is_empty()).map(|s| &**s));
        self.send(self.http.get(address)).await
    }

    fn address(&self, path: &str) -> url::Url {
        let mut address = self.options.endpoint.url.clone();
        let before = address.path().trim_end_matches('/').to_owned();
        address.set_path(&format!("{before}/api/v1/{path}"));
        address
    }

    async fn send<T: DeserializeOwned>(
        &self,
        request: reqwest::RequestBuilder,
    ) -> Result<T, AskError> {
        let answer = self.options.endpoint.sign(request).send().await;
        let answer = answer.map_err(|error| self.unreachable(error))?;
        let status = answer.status();
        let bytes = self.read(answer).await?;
        match serde_json::from_slice(&bytes) {
            Ok(read) => Ok(read),
            Err(_) if status != StatusCode::OK => Err(self.status(status)),
            Err(error) => Err(self.unreadable(&error.to_string())),
        }
    }

    /// The body, as far as it is allowed to be long.
    async fn read(&self, mut answer: reqwest::Response) -> Result<Vec<u8>, AskError> {
        let max = self.options.response_bytes_max;
        let mut bytes = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(|error| self.unreachable(error))? {
            if bytes.len() + chunk.len() > max {
                return Err(AskError::TooLong { remote: self.name().into(), max });
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(bytes)
    }

    pub(super) fn data<T>(&self, found: Envelope<T>) -> Result<(T, Vec<String>), AskError> {
        let remote = self.name();
        let said = |text: String| format!("the remote `{remote}`: {text}");
        match found {
            Envelope { status, data: Some(data), warnings, .. } if status == "success" => {
                Ok((data, warnings.into_iter().map(said).collect()))
            }
            Envelope { error: Some(text), error_type, .. } => Err(AskError::Refused {
                remote: remote.into(),
                kind: error_type.unwrap_or_default().into(),
                text,
            }),
            _ => Err(self.unreadable("it has no data")),
        }
    }

    pub(super) fn readable<T>(&self, read: Result<T, String>) -> Result<T, AskError> {
        read.map_err(|text| self.unreadable(&text))
    }

    fn unreadable(&self, text: &str) -> AskError {
        AskError::Unreadable { remote: self.name().into(), text: text.to_owned() }
    }

    fn status(&self, status: StatusCode) -> AskError {
        AskError::Status { remote: self.name().into(), status: status.as_u16() }
    }

    fn unreachable(&self, error: reqwest::Error) -> AskError {
        let remote = self.name().into();
        if error.is_timeout() {
            return AskError::Timeout { remote };
        }
        // The address may hold a secret.
        AskError::Unreachable { remote, text: chain(&error.without_url()) }
    }
}

/// Matchers as a selector in braces.
pub(super) fn selector(matchers: &[Matcher]) -> String {
    if matchers.is_empty() {
        return "{__name__!=\"\"}".to_owned();
    }
    let all: Vec<String> = matchers.iter().map(written).collect();
    format!("{{{}}}", all.join(","))
}

/// A matcher; a name that is no plain one in quotes.
fn written(matcher: &Matcher) -> String {
    let name = matcher.name();
    let plain = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    let text = matcher.to_string();
    match text.strip_prefix(name).filter(|_| !plain) {
        Some(rest) => format!("{}{rest}", model::Quoted(name)),
        None => text,
    }
}

/// Milliseconds as seconds with a fraction.
pub(super) fn seconds(at_ms: i64) -> String {
    let sign = if at_ms < 0 { "-" } else { "" };
    let at = at_ms.unsigned_abs();
    format!("{sign}{}.{:03}", at / 1000, at % 1000)
}

/// Start and end, where they are within what any server has.
fn span(start_ms: i64, end_ms: i64, limit: Option<usize>) -> Vec<(&'static str, String)> {
    // Beyond it servers overflow; without a bound they answer with all.
    const FAR_MS: i64 = 253_402_300_799_000;
    let mut form = Vec::new();
    if start_ms > 0 {
        form.push(("start", seconds(start_ms.min(FAR_MS))));
    } else {
        form.push(("start", "0".to_owned()));
    }
    if end_ms < FAR_MS {
        form.push(("end", seconds(end_ms.max(0))));
    }
    form.extend(limit.map(|limit| ("limit", limit.to_string())));
    form
}

fn sorted(mut found: Vec<String>) -> Vec<Arc<str>> {
    found.sort_unstable();
    found.dedup();
    found.into_iter().map(Arc::from).collect()
}

fn encoded(form: &[(&str, String)]) -> String {
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish()
}

#[cfg(test)]
mod tests {
    use model::MatchOp;

    use super::*;

    #[test]
    fn selectors_are_written_so_that_any_name_survives() {
        let matchers = [
            Matcher::equal("__name__", "http.requests"),
            Matcher::new("service.name", MatchOp::Regex, "a\"b.*").unwrap(),
        ];
        assert_eq!(selector(&matchers), r#"{__name__="http.requests","service.name"=~"a\"b.*"}"#);
        assert_eq!(selector(&[]), "{__name__!=\"\"}");
        assert!(promql::parse(&selector(&matchers)).is_ok());
    }

    #[test]
    fn seconds_keep_their_milliseconds() {
        for (ms, expected) in [(0, "0.000"), (1_234, "1.234"), (-5, "-0.005"), (60_000, "60.000")] {
            assert_eq!(seconds(ms), expected);
        }
    }
}
