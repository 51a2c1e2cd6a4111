//! The accept loop: sockets, their caps and their end.
//!
//! A peer that sends nothing, sends slowly, idles or does not read is cut off ([`crate::Timeouts`]); above the cap it is
//! closed at once. The last few slots of each listener are reserved: a connection there serves one request, and neither
//! telemetry nor an event stream, so that `/livez` and a person's page get through when the other slots are taken.
//! Telemetry at its own ports has caps of its own and cannot use up the main listener's.

mod activity;
mod connection;
mod stream;

use std::{
    future::Future,
    io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::Router;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinSet,
    time::{Instant, sleep},
};

use crate::{Metrics, ServerConfig, router::Listeners};

/// Binds listeners.
#[derive(Debug)]
pub struct Server;

/// Why the listeners cannot be bound.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    #[error("cannot listen on `{address}`")]
    Listen {
        address: SocketAddr,
        #[source]
        source: io::Error,
    },
    #[error(
        "`{address}` is reachable from other machines and no token is set; set `{setting}` or pass `--insecure-listen {address}`"
    )]
    NeedsToken { address: SocketAddr, setting: &'static str },
}

/// Listeners that are bound and do not accept yet.
#[derive(Debug)]
pub struct Bound {
    config: ServerConfig,
    main: TcpListener,
    otlp_grpc: Option<TcpListener>,
    otlp_http: Option<TcpListener>,
    addresses: Addresses,
    drain: Drain,
    start: watch::Sender<bool>,
}

/// Where the server listens, with the ports that were picked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Addresses {
    pub main: SocketAddr,
    pub otlp_grpc: Option<SocketAddr>,
    pub otlp_http: Option<SocketAddr>,
}

/// Says when the server begins to stop; event streams end then. Also in each request's extensions.
#[derive(Clone, Debug)]
pub struct Drain(watch::Receiver<bool>);

/// Who is at the other end; in each request's extensions.
#[derive(Clone, Copy, Debug)]
pub struct Peer {
    pub address: SocketAddr,
    /// The connection is in a reserved slot.
    pub reserved: bool,
}

impl Drain {
    /// Whether the server is stopping.
    pub fn has_started(&self) -> bool {
        *self.0.borrow()
    }

    /// Returns when the server begins to stop.
    pub async fn started(&self) {
        let mut receiver = self.0.clone();
        // The sender lives as long as the server; when it is gone, everything stops.
        if receiver.wait_for(|started| *started).await.is_err() {
            tracing::debug!("the server is gone");
        }
    }
}

impl Server {
    /// Binds all listeners of the configuration.
    ///
    /// # Errors
    /// When an address is taken, or leaves loopback without a token.
    pub async fn bind(config: ServerConfig) -> Result<Bound, BindError> {
        check_tokens(&config)?;
        let main = listen(config.listen).await?;
        let otlp_grpc = listen_if(config.otlp_grpc_listen).await?;
        let otlp_http = listen_if(config.otlp_http_listen).await?;
        let address =
            |listener: &TcpListener, asked: SocketAddr| listener.local_addr().unwrap_or(asked);
        let addresses = Addresses {
            main: address(&main, config.listen),
            otlp_grpc: otlp_grpc.as_ref().map(|listener| address(listener, config.listen)),
            otlp_http: otlp_http.as_ref().map(|listener| address(listener, config.listen)),
        };
        let (start, drain) = watch::channel(false);
        Ok(Bound { config, main, otlp_grpc, otlp_http, addresses, drain: Drain(drain), start })
    }
}

fn check_tokens(config: &ServerConfig) -> Result<(), BindError> {
    let ingest = !config.ingest_tokens.is_empty() || !config.api_tokens.is_empty();
    let listeners = [
        (Some(config.listen), !config.api_tokens.is_empty(), "api.tokens"),
        (config.otlp_grpc_listen, ingest, "ingest.tokens"),
        (config.otlp_http_listen, ingest, "ingest.tokens"),
    ];
    for (address, has_token, setting) in listeners {
        if let Some(address) = address
            && !(has_token
                || address.ip().is_loopback()
                || config.insecure_listen.contains(&address))
        {
            return Err(BindError::NeedsToken { address, setting });
        }
    }
    Ok(())
}

async fn listen(address: SocketAddr) -> Result<TcpListener, BindError> {
    TcpListener::bind(address).await.map_err(|source| BindError::Listen { address, source })
}

async fn listen_if(address: Option<SocketAddr>) -> Result<Option<TcpListener>, BindError> {
    match address {
        Some(address) => listen(address).await.map(Some),
        None => Ok(None),
    }
}

impl Bound {
    /// Where the server listens.
    pub fn addresses(&self) -> &Addresses {
        &self.addresses
    }

    /// The configuration with which it was bound.
    pub fn config(&self) -> &ServerConfig {
        &self.config
    }

    /// For event streams, which end when the server stops.
    pub fn drain(&self) -> Drain {
        self.drain.clone()
    }

    /// Serves until `shutdown`, then lets running requests end, for `timeouts.drain` at most.
    pub async fn serve(
        self,
        routers: Listeners,
        metrics: Metrics,
        shutdown: impl Future<Output = ()>,
    ) {
        let Self { config, main, otlp_grpc, otlp_http, drain, start, .. } = self;
        let config = Arc::new(config);
        let mut loops = JoinSet::new();
        let parts = [
            ("main", Some(main), routers.main),
            ("otlp_grpc", otlp_grpc, routers.otlp_grpc),
            ("otlp_http", otlp_http, routers.otlp_http),
        ];
        for (name, listener, router) in parts {
            if let Some(listener) = listener {
                let (config, drain, metrics) =
                    (Arc::clone(&config), drain.clone(), metrics.clone());
                loops.spawn(Accepting { name, listener, router, config, drain, metrics }.run());
            }
        }
        shutdown.await;
        start.send_replace(true);
        while loops.join_next().await.is_some() {}
    }
}

/// One listener at work.
struct Accepting {
    name: &'static str,
    listener: TcpListener,
    router: Router,
    config: Arc<ServerConfig>,
    drain: Drain,
    metrics: Metrics,
}

impl Accepting {
    /// How long to pause when the system has no socket to give.
    const PAUSE: Duration = Duration::from_millis(100);

    async fn run(self) {
        let mut connections = JoinSet::new();
        let open = Arc::new(AtomicUsize::new(0));
        loop {
            tokio::select! {
                accepted = self.listener.accept() => match accepted {
                    Ok((stream, address)) => self.take(stream, address, &open, &mut connections),
                    Err(error) => {
                        tracing::warn!(listener = self.name, %error, "cannot accept a connection");
                        sleep(Self::PAUSE).await;
                    }
                },
                Some(_) = connections.join_next() => {}
                () = self.drain.started() => break,
            }
        }
        let Self { listener, config, .. } = self;
        drop(listener);
        let deadline = Instant::now() + config.timeouts.drain;
        let all = async { while connections.join_next().await.is_some() {} };
        if tokio::time::timeout_at(deadline, all).await.is_err() {
            connections.shutdown().await;
        }
    }

    fn take(
        &self,
        stream: TcpStream,
        address: SocketAddr,
        open: &Arc<AtomicUsize>,
        connections: &mut JoinSet<()>,
    ) {
        let limits = &self.config.connections;
        let before = open.load(Ordering::Relaxed);
        if before >= limits.connections_max {
            self.metrics.connections_closed.add(&self.why("cap"), 1);
            return;
        }
        let reserved = before >= limits.connections_max.saturating_sub(limits.reserved);
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "cannot disable Nagle's algorithm");
        }
        let slot = OpenSlot::new(Arc::clone(open), self.metrics.clone(), self.name);
        let serving = connection::Serving {
            router: self.router.clone(),
            config: Arc::clone(&self.config),
            peer: Peer { address, reserved },
            drain: self.drain.clone(),
        };
        connections.spawn(async move {
            if let Some(why) = serving.run(stream).await {
                let labels = [("listener", slot.name.to_owned()), ("why", why.to_owned())];
                slot.metrics.connections_closed.add(&labels, 1);
            }
            drop(slot);
        });
    }

    fn why(&self, why: &str) -> [(&'static str, String); 2] {
        [("listener", self.name.to_owned()), ("why", why.to_owned())]
    }
}

/// Counts a connection for as long as it is open, however it ends.
struct OpenSlot {
    open: Arc<AtomicUsize>,
    metrics: Metrics,
    name: &'static str,
}

impl OpenSlot {
    fn new(open: Arc<AtomicUsize>, metrics: Metrics, name: &'static str) -> Self {
        open.fetch_add(1, Ordering::Relaxed);
        metrics.connections.add(&[("listener", name.to_owned())], 1);
        Self { open, metrics, name }
    }
}

impl Drop for OpenSlot {
    fn drop(&mut self) {
        self.open.fetch_sub(1, Ordering::Relaxed);
        self.metrics.connections.add(&[("listener", self.name.to_owned())], -1);
    }
}
