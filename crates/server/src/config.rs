//! What the server can be told.

use std::{fmt, net::SocketAddr, sync::Arc, time::Duration};

use ingest::Translation;
use sha2::{Digest, Sha256};
use url::Url;

/// A bearer token and the name under which its holder acts. Only its SHA-256 is kept.
#[derive(Clone, PartialEq, Eq)]
pub struct Token {
    /// Such as `ci`; the actor in facts.
    pub name: String,
    /// Of the text after `Bearer `.
    sha256: [u8; 32],
}

impl Token {
    pub fn new(name: impl Into<String>, secret: &str) -> Self {
        Self::from_sha256(name, Sha256::digest(secret.as_bytes()).into())
    }

    /// For a configuration that must not hold the token itself.
    pub fn from_sha256(name: impl Into<String>, sha256: [u8; 32]) -> Self {
        Self { name: name.into(), sha256 }
    }

    pub(crate) fn sha256(&self) -> [u8; 32] {
        self.sha256
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Token").field("name", &self.name).finish_non_exhaustive()
    }
}

/// Listeners, tokens and timeouts. Port 0 picks a free port, which [`crate::Bound::addresses`] reports.
#[derive(Clone, Debug)]
pub struct ServerConfig {
    /// Everything over HTTP: UI, API, Prometheus' API, OTLP/HTTP, remote write.
    pub listen: SocketAddr,
    /// OTLP over gRPC.
    pub otlp_grpc_listen: Option<SocketAddr>,
    /// OTLP over HTTP at its usual port, and nothing else.
    pub otlp_http_listen: Option<SocketAddr>,
    /// Where people reach us; may be `https` and behind a proxy.
    pub external_url: Option<Url>,
    /// Further names that a request's `Host` may have: `server.allowed_hosts`.
    pub allowed_hosts: Vec<String>,
    /// `api.tokens`: pages, API, and telemetry as well.
    pub api_tokens: Vec<Token>,
    /// `ingest.tokens`: telemetry alone.
    pub ingest_tokens: Vec<Token>,
    /// Listeners that may leave loopback without a token: `--insecure-listen`.
    pub insecure_listen: Vec<SocketAddr>,
    /// Path prefixes that check their own signatures, such as `/p/ack/`; no token is asked for.
    pub public_prefixes: Vec<String>,
    pub timeouts: Timeouts,
    pub connections: ConnectionLimits,
    /// How OpenTelemetry's metrics become series: `otlp.*`.
    pub otlp: Translation,
}

impl ServerConfig {
    /// The path of the external URL without a slash at its end: empty, or such as `/even`.
    pub fn base_path(&self) -> Arc<str> {
        self.external_url.as_ref().map_or("", |url| url.path().trim_end_matches('/')).into()
    }
}

impl Default for ServerConfig {
    fn default() -> Self {
        let loopback = |port| SocketAddr::from(([127, 0, 0, 1], port));
        Self {
            listen: loopback(7700),
            otlp_grpc_listen: Some(loopback(4317)),
            otlp_http_listen: Some(loopback(4318)),
            external_url: None,
            allowed_hosts: Vec::new(),
            api_tokens: Vec::new(),
            ingest_tokens: Vec::new(),
            insecure_listen: Vec::new(),
            public_prefixes: Vec::new(),
            timeouts: Timeouts::default(),
            connections: ConnectionLimits::default(),
            otlp: Translation::default(),
        }
    }
}

/// How long a peer may keep us waiting. An answer may take as long as it likes (server-sent events).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// From the connection to its first byte: `server.first_byte_timeout`.
    pub first_byte: Duration,
    /// From a request's first byte to the end of its headers: `server.header_timeout`.
    pub header: Duration,
    /// Without any request: `server.idle_timeout`.
    pub idle: Duration,
    /// The peer takes nothing of what we send: `server.write_timeout`.
    pub write_stall: Duration,
    /// A body may be slower than `body_bytes_per_s_min` for this long: `server.body_grace`.
    pub body_grace: Duration,
    /// `server.min_body_rate`, in bytes per second.
    pub body_bytes_per_s_min: u64,
    /// From the signal to stop until what still runs is cut off: `server.drain_timeout`.
    pub drain: Duration,
    /// How long a body may wait for its turn to be inflated: `server.decode_wait`.
    pub decode_wait: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            first_byte: Duration::from_secs(10),
            header: Duration::from_secs(10),
            idle: Duration::from_secs(60),
            write_stall: Duration::from_secs(30),
            body_grace: Duration::from_secs(5),
            body_bytes_per_s_min: 1024,
            drain: Duration::from_secs(10),
            decode_wait: Duration::from_secs(10),
        }
    }
}

/// How many connections, streams and headers each listener takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectionLimits {
    /// Open connections per listener; further ones are closed at once: `server.max_connections`.
    pub connections_max: usize,
    /// The last of them serve one request each, and neither telemetry nor event streams, so that health checks and people
    /// still get through: `server.reserved_connections`.
    pub reserved: usize,
    /// HTTP/2 streams per connection: `server.max_streams`.
    pub streams_max: u32,
    /// All headers of a request: `server.max_header_bytes`.
    pub header_bytes_max: u32,
    /// Headers of a request: `server.max_headers`.
    pub headers_max: usize,
    /// Bytes of unfinished bodies in memory, of all listeners together: `server.max_buffered_bytes`.
    pub buffered_bytes_max: usize,
    /// Bodies that are inflated and decoded at the same time: `server.max_decoders`.
    pub decoders_max: usize,
}

impl Default for ConnectionLimits {
    fn default() -> Self {
        Self {
            connections_max: 1024,
            reserved: 32,
            streams_max: 128,
            header_bytes_max: 64 << 10,
            headers_max: 100,
            buffered_bytes_max: 48 << 20,
            decoders_max: 2,
        }
    }
}
