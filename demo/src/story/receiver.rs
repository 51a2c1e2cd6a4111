//! Who is on call in a story: a webhook receiver that takes pages only when they are signed.
//!
//! Pages are Alertmanager's webhook body, version 4; signatures are Standard Webhooks: `webhook-signature` holds
//! `v1,` and the Base64 of HMAC-SHA256 over `id.timestamp.body` with the key behind `whsec_`.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, SystemTime},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use hmac::{Hmac, KeyInit, Mac};
use http::{HeaderMap, Request, Response, StatusCode};
use serde_json::{Value, json};
use sha2::Sha256;
use tokio::task::JoinHandle;

use crate::net::{self, Handler};

/// How far a signed time may lie from now.
const TOLERANCE: Duration = Duration::from_secs(300);
/// Pages that are kept; the first ones, which are those that a story waits for.
const PAGES_MAX: usize = 1_000;

/// A page that was received and whose signature is right.
#[derive(Clone, Debug, PartialEq)]
pub struct Page {
    pub received_at: SystemTime,
    /// `webhook-id`: the same in every attempt.
    pub id: String,
    /// Alertmanager's webhook body.
    pub body: Value,
}

impl Page {
    pub(super) fn is_firing(&self) -> bool {
        self.body.get("status").and_then(Value::as_str) == Some("firing")
    }

    /// Whether one of its alerts is about one of `services`.
    pub(super) fn is_about(&self, services: &[&str]) -> bool {
        let alerts = self
            .body
            .get("alerts")
            .and_then(Value::as_array)
            .map_or(&[] as &[Value], Vec::as_slice);
        let service = |alert: &Value| {
            alert.pointer("/labels/service").and_then(Value::as_str).map(ToOwned::to_owned)
        };
        alerts.iter().filter_map(service).any(|name| services.contains(&name.as_str()))
    }
}

/// Why a page is not believed.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum VerifyError {
    #[error("the key is not written as `whsec_` and Base64")]
    Key,
    #[error("header `{name}` is missing or cannot be read")]
    Header { name: &'static str },
    #[error("the time `{timestamp}` lies more than 5 minutes from now")]
    Time { timestamp: i64 },
    #[error("no signature is right")]
    Signature,
}

/// Checks a Standard Webhooks signature at the time `now`; hands out the message's id.
///
/// # Errors
/// What is missing or wrong.
pub fn verify(
    key: &str,
    headers: &HeaderMap,
    body: &[u8],
    now: SystemTime,
) -> Result<String, VerifyError> {
    let secret = key
        .strip_prefix("whsec_")
        .and_then(|text| STANDARD.decode(text).ok())
        .ok_or(VerifyError::Key)?;
    let id = header(headers, "webhook-id")?;
    let timestamp: i64 = header(headers, "webhook-timestamp")?
        .parse()
        .map_err(|_| VerifyError::Header { name: "webhook-timestamp" })?;
    let now = now.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs());
    if timestamp.abs_diff(i64::try_from(now).unwrap_or(i64::MAX)) > TOLERANCE.as_secs() {
        return Err(VerifyError::Time { timestamp });
    }
    let mut mac = Hmac::<Sha256>::new_from_slice(&secret).map_err(|_| VerifyError::Key)?;
    mac.update(format!("{id}.{timestamp}.").as_bytes());
    mac.update(body);
    let signatures = header(headers, "webhook-signature")?
        .split(' ')
        .filter_map(|text| text.strip_prefix("v1,"));
    let right = signatures
        .filter_map(|text| STANDARD.decode(text).ok())
        .any(|signature| mac.clone().verify_slice(&signature).is_ok());
    if right { Ok(id.to_owned()) } else { Err(VerifyError::Signature) }
}

fn header<'a>(headers: &'a HeaderMap, name: &'static str) -> Result<&'a str, VerifyError> {
    headers.get(name).and_then(|value| value.to_str().ok()).ok_or(VerifyError::Header { name })
}

/// A running receiver; it stops when it is dropped.
#[derive(Debug)]
pub struct Receiver {
    url: String,
    inbox: Arc<Inbox>,
    task: JoinHandle<()>,
}

#[derive(Debug)]
struct Inbox {
    key: String,
    pages: Mutex<Vec<Page>>,
    refused: Mutex<Vec<String>>,
}

impl Receiver {
    /// Listens on a free port of loopback. `key` is the one that pages are signed with, `whsec_…`.
    ///
    /// # Errors
    /// No port is free.
    pub async fn start(key: &str) -> anyhow::Result<Self> {
        let (listener, address) = net::bind(([127, 0, 0, 1], 0).into()).await?;
        let inbox = Arc::new(Inbox {
            key: key.to_owned(),
            pages: Mutex::default(),
            refused: Mutex::default(),
        });
        let task = tokio::spawn(net::serve(listener, Arc::clone(&inbox), std::future::pending()));
        Ok(Self { url: format!("http://{address}/page"), inbox, task })
    }

    /// Where pages go: the `url` of a webhook in `routing.yaml`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// All pages so far, oldest first.
    pub fn pages(&self) -> Vec<Page> {
        self.inbox.pages.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Why pages were not believed, oldest first.
    pub fn refused(&self) -> Vec<String> {
        self.inbox.refused.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Handler for Inbox {
    async fn handle(self: Arc<Self>, request: Request<Bytes>) -> Response<Bytes> {
        let received_at = SystemTime::now();
        let verified = verify(&self.key, request.headers(), request.body(), received_at);
        let read = verified.map_err(anyhow::Error::from).and_then(|id| {
            let body = serde_json::from_slice(request.body())?;
            Ok(Page { received_at, id, body })
        });
        match read {
            Ok(page) => {
                push(&self.pages, page);
                net::json(StatusCode::OK, &json!({}))
            }
            Err(error) => {
                push(&self.refused, error.to_string());
                net::json(StatusCode::UNAUTHORIZED, &json!({"error": error.to_string()}))
            }
        }
    }
}

fn push<T>(list: &Mutex<Vec<T>>, item: T) {
    let mut list = list.lock().unwrap_or_else(PoisonError::into_inner);
    if list.len() < PAGES_MAX {
        list.push(item);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example key of the Standard Webhooks specification; the signature was made by its reference implementation.
    const KEY: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const BODY: &[u8] = br#"{"test": 2432232314}"#;
    const SIGNED_AT: u64 = 1_614_265_330;

    fn check(signature: &str, age_seconds: u64) -> Result<String, VerifyError> {
        let mut headers = HeaderMap::new();
        headers.insert("webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek".parse().unwrap());
        headers.insert("webhook-timestamp", SIGNED_AT.to_string().parse().unwrap());
        headers.insert("webhook-signature", signature.parse().unwrap());
        verify(
            KEY,
            &headers,
            BODY,
            SystemTime::UNIX_EPOCH + Duration::from_secs(SIGNED_AT + age_seconds),
        )
    }

    const RIGHT: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";

    #[test]
    fn the_specification_s_example_verifies() {
        assert_eq!(check(RIGHT, 1).unwrap(), "msg_p5jXN8AQM9LWM0D4loKWxJek");
        assert!(check(&format!("v1,AAAA {RIGHT}"), 1).is_ok(), "one of several is enough");
    }

    #[test]
    fn what_is_wrong_or_old_is_refused() {
        assert_eq!(check("v1,AAAA", 1), Err(VerifyError::Signature));
        assert_eq!(check(RIGHT, 301), Err(VerifyError::Time { timestamp: 1_614_265_330 }));
        let missing = verify(KEY, &HeaderMap::new(), BODY, SystemTime::UNIX_EPOCH);
        assert_eq!(missing, Err(VerifyError::Header { name: "webhook-id" }));
        assert_eq!(
            verify("secret", &HeaderMap::new(), BODY, SystemTime::UNIX_EPOCH),
            Err(VerifyError::Key)
        );
    }

    #[test]
    fn a_page_says_whom_it_is_about() {
        let body = json!({"status": "firing", "alerts": [{"labels": {"service": "checkout"}}]});
        let page = Page { received_at: SystemTime::UNIX_EPOCH, id: "ntf_1".into(), body };
        assert!(page.is_firing() && page.is_about(&["payment", "checkout"]));
        assert!(!page.is_about(&["web"]));
    }
}
