//! Speaks to a running server: addresses, the token, and what an answer means for the exit code.

use std::time::Duration;

use reqwest::{Method, Response, StatusCode, header};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use server::wire::api::Problem;
use url::Url;

use crate::exit::{Exit, Failure};

/// The most that an answer may have, in bytes.
const ANSWER_BYTES_MAX: usize = 64 << 20;

#[derive(Debug)]
pub(crate) struct Client {
    http: reqwest::Client,
    base: Url,
}

impl Client {
    /// # Errors
    /// When the address is no `http` or `https` URL, or the token has characters that no header may carry.
    pub(crate) fn new(
        server: &str,
        token: Option<&str>,
        timeout: Duration,
    ) -> Result<Self, Failure> {
        let bad = |why: &str| {
            Failure::text(
                Exit::Usage,
                format!(
                    "`{server}` is not a server's address: {why}; write `http://127.0.0.1:7700`"
                ),
            )
        };
        let mut base = Url::parse(server).map_err(|error| bad(&error.to_string()))?;
        if !matches!(base.scheme(), "http" | "https") {
            return Err(bad("only http and https are spoken"));
        }
        if !base.path().ends_with('/') {
            base.set_path(&format!("{}/", base.path()));
        }
        let mut headers = header::HeaderMap::new();
        headers.insert("evenkeel-via", header::HeaderValue::from_static("cli"));
        if let Some(token) = token {
            let mut value =
                header::HeaderValue::try_from(format!("Bearer {token}")).map_err(|_| {
                    Failure::text(Exit::Usage, "the token has characters that no token has")
                })?;
            value.set_sensitive(true);
            headers.insert(header::AUTHORIZATION, value);
        }
        let http = reqwest::Client::builder()
            .default_headers(headers)
            .timeout(timeout)
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|error| Failure::new(Exit::FailStop, error))?;
        Ok(Self { http, base })
    }

    pub(crate) async fn get<T: DeserializeOwned>(
        &self,
        path: &str,
        query: &[(&str, String)],
    ) -> Result<T, Failure> {
        let mut url = self.url(path)?;
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        self.answer(self.http.request(Method::GET, url)).await
    }

    pub(crate) async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> Result<T, Failure> {
        self.answer(self.http.request(Method::POST, self.url(path)?).json(body)).await
    }

    fn url(&self, path: &str) -> Result<Url, Failure> {
        self.base.join(path).map_err(|error| Failure::new(Exit::Usage, error))
    }

    /// An answer that is plain text.
    pub(crate) async fn get_text(&self, path: &str) -> Result<String, Failure> {
        let body = self.body(self.http.request(Method::GET, self.url(path)?)).await?;
        Ok(String::from_utf8_lossy(&body).into_owned())
    }

    async fn answer<T: DeserializeOwned>(
        &self,
        request: reqwest::RequestBuilder,
    ) -> Result<T, Failure> {
        let body = self.body(request).await?;
        serde_json::from_slice(&body).map_err(|error| {
            Failure::new(
                Exit::Failed,
                anyhow::Error::new(error).context(format!(
                    "{} answers with something else than Evenkeel does",
                    self.base
                )),
            )
        })
    }

    async fn body(&self, request: reqwest::RequestBuilder) -> Result<Vec<u8>, Failure> {
        let unreachable = |error: reqwest::Error| {
            Failure::new(
                Exit::Unreachable,
                anyhow::Error::new(error.without_url()).context(format!(
                    "cannot reach {}; is `evenkeel serve` running? (--server, EVENKEEL_SERVER)",
                    self.base
                )),
            )
        };
        let answer = request.send().await.map_err(unreachable)?;
        let status = answer.status();
        let body = read(answer).await.map_err(unreachable)?;
        if !status.is_success() {
            return Err(refused(status, &body));
        }
        Ok(body)
    }
}

async fn read(mut answer: Response) -> Result<Vec<u8>, reqwest::Error> {
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await? {
        body.extend_from_slice(&chunk);
        if body.len() > ANSWER_BYTES_MAX {
            break;
        }
    }
    Ok(body)
}

/// How Prometheus' API says what is wrong.
#[derive(Debug, Deserialize)]
struct Refused {
    #[serde(rename = "errorType")]
    kind: String,
    error: String,
}

/// A problem's detail, or Prometheus' error, or the status where the answer is neither.
fn refused(status: StatusCode, body: &[u8]) -> Failure {
    let exit = match status.as_u16() {
        // What was asked for cannot be meant: as a flag that clap refuses.
        400 | 422 => Exit::Usage,
        401 | 403 => Exit::Auth,
        404 => Exit::NotFound,
        409 | 412 => Exit::Conflict,
        _ => Exit::Failed,
    };
    match serde_json::from_slice::<Problem>(body) {
        Ok(problem) => Failure::text(exit, format!("{}: {}", problem.title, problem.detail)),
        Err(_) => match serde_json::from_slice::<Refused>(body) {
            Ok(refused) => Failure::text(exit, format!("{}: {}", refused.kind, refused.error)),
            Err(_) => Failure::text(exit, format!("the server answers {status}")),
        },
    }
}

/// One part of a path, such as a name that a person chose.
pub(crate) fn segment(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>().replace('+', "%20")
}
