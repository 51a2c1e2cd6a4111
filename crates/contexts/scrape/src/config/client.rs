//! How requests are made: `basic_auth`, `authorization`, `tls_config`, `proxy_url`, `http_headers`, …

use super::{Material, Secret};

/// What Prometheus calls `http_config`.
#[derive(Clone, Debug, PartialEq)]
pub struct HttpClient {
    pub auth: Auth,
    pub tls: Tls,
    pub proxy: Proxy,
    pub follow_redirects: bool,
    pub headers: Headers,
}

impl Default for HttpClient {
    fn default() -> Self {
        Self {
            auth: Auth::default(),
            tls: Tls::default(),
            proxy: Proxy::default(),
            follow_redirects: true,
            headers: Headers::default(),
        }
    }
}

/// Who asks.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Auth {
    #[default]
    None,
    /// HTTP Basic; what is absent is empty.
    Basic { username: Option<Material>, password: Option<Material> },
    /// `Authorization: KIND CREDENTIALS`; `bearer_token` is one of kind `Bearer`.
    Authorization { kind: Box<str>, credentials: Option<Material> },
}

/// Further headers, in the order of the file; each value is a header of its own.
pub type Headers = Vec<(Box<str>, Vec<Material>)>;

/// `tls_config`
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tls {
    /// Trusted instead of the system's certificates, PEM.
    pub ca: Option<Material>,
    /// Our own certificate, PEM.
    pub cert: Option<Material>,
    /// Its key, PEM.
    pub key: Option<Material>,
    /// What the target's certificate must name, instead of the target's host.
    pub server_name: Option<Box<str>>,
    /// Any certificate is taken.
    pub insecure: bool,
    pub min: Option<TlsVersion>,
    pub max: Option<TlsVersion>,
}

/// A version of TLS that is spoken; 1.0 and 1.1 are not (RFC 8996).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TlsVersion {
    V12,
    V13,
}

/// Through whom requests go.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Proxy {
    /// Straight to the target.
    #[default]
    None,
    /// As `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY` say.
    Environment { headers: Headers },
    Url {
        /// May hold a password.
        url: Secret,
        /// Hosts that are reached without it, separated by commas.
        except: Box<str>,
        /// Sent when a tunnel is opened.
        headers: Headers,
    },
}
