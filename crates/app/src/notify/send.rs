//! Sending one attempt: a signed webhook or an e-mail.
//!
//! A webhook follows no redirect, reads at most 64 KiB of the answer, and gives up after 10 s (RFC 9110 semantics: any 2xx
//! is success). Its id, time and signature are headers as Standard Webhooks names them.

use std::{sync::Arc, time::Duration};

use alert::{
    delivery::Attempt,
    routing::{Email, Integration},
};
use lettre::{
    AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor,
    message::Mailbox,
    transport::smtp::{
        authentication::Credentials,
        client::{Tls, TlsParameters},
        extension::ClientId,
    },
};
use model::Timestamp;
use reqwest::{header, redirect::Policy};

use super::{lookup::Lookup, signature::SigningKey};
use crate::control::chain;

const TIMEOUT: Duration = Duration::from_secs(10);
const ANSWER_BYTES_MAX: usize = 64 << 10;

/// What became of an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sent {
    Taken {
        status: Option<u16>,
    },
    /// Or nobody knows: an answer that was lost.
    Refused {
        status: Option<u16>,
        error: String,
    },
}

/// One webhook's message.
pub(crate) struct Post<'a> {
    pub(crate) url: &'a str,
    /// The same in every attempt.
    pub(crate) id: &'a str,
    pub(crate) body: &'a [u8],
    /// Without one it goes unsigned.
    pub(crate) key: Option<&'a SigningKey>,
    pub(crate) timeout: Duration,
}

/// Sends over HTTP and SMTP.
#[derive(Clone, Debug)]
pub struct Sender {
    http: reqwest::Client,
    /// Signs webhooks; without one they go unsigned.
    key: Option<Arc<SigningKey>>,
}

impl Sender {
    /// # Errors
    /// When the system's certificates cannot be used.
    pub fn new(key: Option<SigningKey>) -> Result<Self, reqwest::Error> {
        let http = reqwest::Client::builder()
            .redirect(Policy::none())
            .timeout(TIMEOUT)
            .user_agent(concat!("evenkeel/", env!("CARGO_PKG_VERSION")))
            .no_proxy()
            .dns_resolver(Lookup::default())
            .build()?;
        Ok(Self { http, key: key.map(Arc::new) })
    }

    pub async fn send(&self, to: &Integration, attempt: &Attempt, now: Timestamp) -> Sent {
        match to {
            Integration::Webhook(webhook) => {
                let id = attempt.notification.to_string();
                let timeout = webhook.timeout.unwrap_or(TIMEOUT).min(TIMEOUT);
                self.post(
                    Post {
                        url: &webhook.url,
                        id: &id,
                        body: attempt.payload.as_bytes(),
                        key: self.key.as_deref(),
                        timeout,
                    },
                    now,
                )
                .await
            }
            Integration::Email(email) => match mail(email, attempt).await {
                Ok(status) => Sent::Taken { status },
                Err(error) => Sent::Refused { status: None, error },
            },
        }
    }

    /// A POST of JSON as Standard Webhooks have it; also how an act's webhook is called.
    pub(crate) async fn post(&self, post: Post<'_>, now: Timestamp) -> Sent {
        let Post { url, id, body, key, timeout } = post;
        let mut request = self
            .http
            .post(url)
            .timeout(timeout)
            .header(header::CONTENT_TYPE, "application/json")
            .header("webhook-id", id)
            .header("webhook-timestamp", now.as_secs());
        if let Some(key) = key {
            request = request.header(
                "webhook-signature",
                key.sign(id, Timestamp::from_secs(now.as_secs()), body),
            );
        }
        let answer = match request.body(body.to_vec()).send().await {
            Ok(answer) => answer,
            // The address may hold a secret: it stays out of the text.
            Err(error) => {
                return Sent::Refused { status: None, error: chain(&error.without_url()) };
            }
        };
        let status = answer.status();
        let text = read(answer).await;
        if status.is_success() {
            return Sent::Taken { status: Some(status.as_u16()) };
        }
        let mut error = format!("the receiver answers {status}");
        if status.is_redirection() {
            error += "; redirects are not followed";
        } else if !text.is_empty() {
            error += &format!(": {text}");
        }
        Sent::Refused { status: Some(status.as_u16()), error }
    }
}

/// The beginning of an answer, for people.
async fn read(mut answer: reqwest::Response) -> String {
    let mut body = Vec::new();
    while let Ok(Some(chunk)) = answer.chunk().await {
        body.extend_from_slice(&chunk);
        if body.len() >= ANSWER_BYTES_MAX {
            break;
        }
    }
    String::from_utf8_lossy(&body).chars().take(500).collect()
}

async fn mail(email: &Email, attempt: &Attempt) -> Result<Option<u16>, String> {
    let message = message(email, attempt)?;
    let transport = transport(email)?;
    let answer = tokio::time::timeout(TIMEOUT, transport.send(message))
        .await
        .map_err(|_| format!("no answer within {} s", TIMEOUT.as_secs()))?
        .map_err(|error| chain(&error))?;
    Ok(answer.code().to_string().parse().ok())
}

fn message(email: &Email, attempt: &Attempt) -> Result<Message, String> {
    let mailbox = |text: &str| -> Result<Mailbox, String> {
        text.trim().parse().map_err(|error| format!("`{text}` is not an address: {error}"))
    };
    let mut builder = Message::builder()
        .from(mailbox(&email.from)?)
        .subject(&*attempt.subject)
        // The same in every attempt, so that a mail that arrives twice shows once.
        .message_id(Some(format!("<{}@evenkeel>", attempt.notification)));
    for to in email.to.split(',') {
        builder = builder.to(mailbox(to)?);
    }
    builder.body(attempt.payload.to_string()).map_err(|error| chain(&error))
}

fn transport(email: &Email) -> Result<AsyncSmtpTransport<Tokio1Executor>, String> {
    let (host, port) = email
        .smarthost
        .rsplit_once(':')
        .and_then(|(host, port)| Some((host, port.parse::<u16>().ok()?)))
        .ok_or_else(|| format!("`{}` is not `host:port`", email.smarthost))?;
    let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(host)
        .port(port)
        .timeout(Some(TIMEOUT));
    let tls = || TlsParameters::new(host.to_owned()).map_err(|error| chain(&error));
    // Port 465 speaks TLS from the first byte; elsewhere STARTTLS, which may be asked for or taken when offered.
    builder = builder.tls(match (port, email.require_tls) {
        (465, _) => Tls::Wrapper(tls()?),
        (_, true) => Tls::Required(tls()?),
        (_, false) => Tls::Opportunistic(tls()?),
    });
    if let Some(hello) = &email.hello {
        builder = builder.hello_name(ClientId::Domain(hello.to_string()));
    }
    if let Some(auth) = &email.auth {
        let password = std::fs::read_to_string(&*auth.password_file)
            .map_err(|error| format!("cannot read `{}`: {error}", auth.password_file))?;
        builder = builder.credentials(Credentials::new(
            auth.username.to_string(),
            password.trim_end().to_owned(),
        ));
    }
    Ok(builder.build())
}

#[cfg(test)]
mod tests;
