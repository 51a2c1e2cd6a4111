//! HTTP on both sides: one pooled client and one small server, without TLS, for loopback and clusters' inner networks.

use std::{convert::Infallible, future::Future, net::SocketAddr, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{HeaderValue, Request, Response, StatusCode, header::CONTENT_TYPE};
use http_body_util::{BodyExt, Full, Limited};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::{
    client::legacy::{Client as PooledClient, connect::HttpConnector},
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
};
use serde::{Serialize, de::DeserializeOwned};
use tokio::{net::TcpListener, sync::Semaphore};

/// The largest body that either side reads.
pub(crate) const BODY_BYTES_MAX: usize = 8 * 1024 * 1024;
/// The most connections that one process serves at a time; more wait in the kernel's queue.
const CONNECTIONS_MAX: usize = 512;
/// How long a stopping server lets requests in flight finish.
const DRAIN_MAX: Duration = Duration::from_secs(3);
/// A loopback connect that takes longer is refused in all but name.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// Shorter than the server's patience, so that no request meets a connection that is just being closed.
const IDLE_MAX: Duration = Duration::from_secs(20);
/// How long the server waits for the next request on a connection.
const HEADER_READ_TIMEOUT: Duration = Duration::from_secs(60);
/// Idle connections kept for one address.
const IDLE_PER_HOST_MAX: usize = 16;

/// Why a request got no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SendError {
    /// Nothing was sent: another instance may be asked.
    #[error("cannot connect to `{authority}`")]
    Connect {
        authority: String,
        #[source]
        source: hyper_util::client::legacy::Error,
    },
    #[error("`{authority}` did not answer within {timeout:?}")]
    Timeout { authority: String, timeout: Duration },
    #[error("request to `{authority}` failed")]
    Exchange {
        authority: String,
        #[source]
        source: hyper_util::client::legacy::Error,
    },
    #[error("cannot read the answer of `{authority}`")]
    Body {
        authority: String,
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// A pooled HTTP/1.1 client; cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    pool: PooledClient<HttpConnector, Full<Bytes>>,
    timeout: Duration,
}

impl Client {
    /// `timeout` covers a whole exchange, from connecting to the last byte.
    pub(crate) fn new(timeout: Duration) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        connector.set_connect_timeout(Some(CONNECT_TIMEOUT));
        let pool = PooledClient::builder(TokioExecutor::new())
            .pool_max_idle_per_host(IDLE_PER_HOST_MAX)
            .pool_idle_timeout(IDLE_MAX)
            .pool_timer(TokioTimer::new())
            .build(connector);
        Self { pool, timeout }
    }

    /// Sends, and reads the whole answer.
    pub(crate) async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, SendError> {
        let authority = request.uri().authority().map_or_else(String::new, ToString::to_string);
        let request = request.map(Full::new);
        match tokio::time::timeout(self.timeout, self.exchange(&authority, request)).await {
            Ok(answer) => answer,
            Err(_) => Err(SendError::Timeout { authority, timeout: self.timeout }),
        }
    }

    async fn exchange(
        &self,
        authority: &str,
        request: Request<Full<Bytes>>,
    ) -> Result<Response<Bytes>, SendError> {
        let authority = || authority.to_owned();
        let response =
            self.pool.request(request).await.map_err(|source| match source.is_connect() {
                true => SendError::Connect { authority: authority(), source },
                false => SendError::Exchange { authority: authority(), source },
            })?;
        let (parts, body) = response.into_parts();
        let body = Limited::new(body, BODY_BYTES_MAX)
            .collect()
            .await
            .map_err(|source| SendError::Body { authority: authority(), source })?;
        Ok(Response::from_parts(parts, body.to_bytes()))
    }

    /// `GET`s JSON; an answer that is not 2xx is an error with its text.
    pub(crate) async fn get_json<T: DeserializeOwned>(&self, url: &str) -> anyhow::Result<T> {
        let request = Request::get(url).body(Bytes::new())?;
        parse_json(url, &self.send(request).await?)
    }

    /// `POST`s JSON and reads JSON; an answer that is not 2xx is an error with its text.
    pub(crate) async fn post_json<T: DeserializeOwned>(
        &self,
        url: &str,
        body: &impl Serialize,
    ) -> anyhow::Result<T> {
        parse_json(url, &self.post(url, body).await?)
    }

    /// `POST`s JSON and leaves the judgement of the answer to the caller.
    pub(crate) async fn post(
        &self,
        url: &str,
        body: &impl Serialize,
    ) -> anyhow::Result<Response<Bytes>> {
        let request = Request::post(url)
            .header(CONTENT_TYPE, "application/json")
            .body(Bytes::from(serde_json::to_vec(body)?))?;
        Ok(self.send(request).await?)
    }
}

fn parse_json<T: DeserializeOwned>(url: &str, response: &Response<Bytes>) -> anyhow::Result<T> {
    let status = response.status();
    if !status.is_success() {
        anyhow::bail!("`{url}` answered {status}: {}", excerpt(response.body()));
    }
    let bytes: &[u8] = if response.body().is_empty() { b"null" } else { response.body() };
    serde_json::from_slice(bytes).map_err(|source| {
        anyhow::anyhow!("`{url}` answered what cannot be read: {source}: {}", excerpt(bytes))
    })
}

/// The first characters of a body, for an error message.
pub(crate) fn excerpt(body: &[u8]) -> String {
    String::from_utf8_lossy(body).chars().take(300).collect()
}

/// A JSON answer.
pub(crate) fn json(status: StatusCode, body: &impl Serialize) -> Response<Bytes> {
    let text = serde_json::to_vec(body).unwrap_or_else(|_| b"null".to_vec());
    let mut response = Response::new(Bytes::from(text));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// What answers requests; the body has been read already.
pub(crate) trait Handler: Send + Sync + 'static {
    fn handle(
        self: Arc<Self>,
        request: Request<Bytes>,
    ) -> impl Future<Output = Response<Bytes>> + Send;
}

/// Serves until `stop` is done, then lets what is in flight finish within [`DRAIN_MAX`].
pub(crate) async fn serve<H: Handler>(
    listener: TcpListener,
    handler: Arc<H>,
    stop: impl Future<Output = ()>,
) {
    let drain = GracefulShutdown::new();
    let slots = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    tokio::pin!(stop);
    loop {
        let accepted = tokio::select! {
            () = &mut stop => break,
            accepted = accept(&listener, &slots) => accepted,
        };
        let Some((stream, slot)) = accepted else { continue };
        let handler = Arc::clone(&handler);
        let service = service_fn(move |request| answer(Arc::clone(&handler), request));
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEADER_READ_TIMEOUT)
            .serve_connection(TokioIo::new(stream), service);
        let connection = drain.watch(connection);
        tokio::spawn(async move {
            // A client that goes away mid-request is no fault of the server.
            connection.await.ok();
            drop(slot);
        });
    }
    drop(listener);
    // What is still open after this long is cut.
    tokio::time::timeout(DRAIN_MAX, drain.shutdown()).await.ok();
}

async fn accept(
    listener: &TcpListener,
    slots: &Arc<Semaphore>,
) -> Option<(tokio::net::TcpStream, tokio::sync::OwnedSemaphorePermit)> {
    let slot = Arc::clone(slots).acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((stream, _)) => {
            // Without it small answers wait for delayed acknowledgements; a failure only costs time.
            stream.set_nodelay(true).ok();
            Some((stream, slot))
        }
        Err(_) => {
            // Out of descriptors: others must close first, spinning does not help.
            tokio::time::sleep(Duration::from_millis(50)).await;
            None
        }
    }
}

async fn answer<H: Handler>(
    handler: Arc<H>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (parts, body) = request.into_parts();
    let response = match Limited::new(body, BODY_BYTES_MAX).collect().await {
        Ok(body) => handler.handle(Request::from_parts(parts, body.to_bytes())).await,
        Err(_) => json(
            StatusCode::PAYLOAD_TOO_LARGE,
            &serde_json::json!({"error": "the body cannot be read"}),
        ),
    };
    Ok(response.map(Full::new))
}

/// Binds, and says which address it became (port 0 picks a free one).
pub(crate) async fn bind(address: SocketAddr) -> anyhow::Result<(TcpListener, SocketAddr)> {
    let listener = TcpListener::bind(address)
        .await
        .map_err(|source| anyhow::anyhow!("cannot listen on `{address}`: {source}"))?;
    let bound = listener.local_addr()?;
    Ok((listener, bound))
}
