//! Where another server is, who we are there, and whose certificate it has.

use std::{fmt, time::Duration};

use reqwest::{Certificate, Client, RequestBuilder, redirect::Policy};
use url::Url;

/// Text that must not be seen: neither `Debug` nor an error shows it.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretText(Box<str>);

impl SecretText {
    pub fn new(text: impl Into<Box<str>>) -> Self {
        Self(text.into())
    }
}

impl fmt::Debug for SecretText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretText(..)")
    }
}

/// How we say who we are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Auth {
    #[default]
    None,
    Basic {
        username: String,
        password: SecretText,
    },
    Bearer(SecretText),
}

/// A server as it is configured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// For a queue, a log line or a metric: the name given, or host and port.
    pub name: Box<str>,
    pub url: Url,
    pub auth: Auth,
    /// Sent with each request, such as `X-Scope-OrgID`.
    pub headers: Vec<(String, SecretText)>,
    /// Certificates, as PEM, that are trusted in place of the system's.
    pub ca_pem: Option<Vec<u8>>,
    /// Of one request.
    pub timeout: Duration,
}

/// Why a client for an endpoint cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum EndpointError {
    #[error("the certificates for `{name}` are not PEM")]
    Certificates {
        name: Box<str>,
        #[source]
        source: reqwest::Error,
    },
    #[error("cannot set up HTTP for `{name}`")]
    Client {
        name: Box<str>,
        #[source]
        source: reqwest::Error,
    },
}

impl Endpoint {
    /// Host and port of a URL, which hold no secret.
    pub fn name_of(url: &Url) -> Box<str> {
        let host = url.host_str().unwrap_or_default();
        let port = url.port_or_known_default().map(|port| format!(":{port}")).unwrap_or_default();
        format!("{host}{port}").into()
    }

    /// # Errors
    /// When its certificates cannot be read, or the system gives no TLS.
    pub(super) fn client(&self) -> Result<Client, EndpointError> {
        let mut client = Client::builder()
            .redirect(Policy::none())
            .timeout(self.timeout)
            .user_agent(concat!("evenkeel/", env!("CARGO_PKG_VERSION")))
            .no_proxy();
        if let Some(pem) = &self.ca_pem {
            let certificates = Certificate::from_pem_bundle(pem).map_err(|source| {
                EndpointError::Certificates { name: self.name.clone(), source }
            })?;
            client = client.tls_certs_only(certificates);
        }
        client.build().map_err(|source| EndpointError::Client { name: self.name.clone(), source })
    }

    /// The request with who we are.
    pub(super) fn sign(&self, mut request: RequestBuilder) -> RequestBuilder {
        for (name, value) in &self.headers {
            request = request.header(name.as_str(), &*value.0);
        }
        match &self.auth {
            Auth::None => request,
            Auth::Basic { username, password } => request.basic_auth(username, Some(&password.0)),
            Auth::Bearer(token) => request.bearer_auth(&token.0),
        }
    }
}
