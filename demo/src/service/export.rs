//! How the OpenTelemetry SDK reaches the network: by the service's own pooled client.
//!
//! The SDK's processors run on threads without a runtime; each export is spawned on the service's one, so that a process needs
//! neither a second client nor a second runtime.

use std::{fmt, future::Future, pin::Pin};

use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use tokio::runtime::Handle;

use crate::net::Client;

pub(super) struct SpawningClient {
    client: Client,
    runtime: Handle,
}

impl SpawningClient {
    /// Must be made on the runtime that it shall use.
    pub(super) fn new(client: Client) -> Self {
        Self { client, runtime: Handle::current() }
    }
}

impl fmt::Debug for SpawningClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SpawningClient")
    }
}

impl HttpClient for SpawningClient {
    fn send_bytes<'life0, 'async_trait>(
        &'life0 self,
        request: Request<Bytes>,
    ) -> Pin<Box<dyn Future<Output = Result<Response<Bytes>, HttpError>> + Send + 'async_trait>>
    where
        'life0: 'async_trait,
        Self: 'async_trait,
    {
        let client = self.client.clone();
        let sent = self.runtime.spawn(async move { client.send(request).await });
        Box::pin(async move { Ok(sent.await??) })
    }
}
