//! A server in this process, and a client that says exactly which bytes it sends.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use futures_util::future::BoxFuture;
use ingest::Ingested;
use model::{Limits, SystemClock};
use server::{
    Bound, Metrics, Parts, Receipt, Refusal, Server, ServerConfig, TelemetrySink, Timeouts,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::oneshot,
    task::JoinHandle,
    time::timeout,
};

/// No test waits longer than this for anything.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// Keeps batches, or answers as it was told.
#[derive(Debug, Default)]
pub(crate) struct Collecting {
    pub(crate) taken: Mutex<Vec<Ingested>>,
    pub(crate) answer: Mutex<Option<Result<Receipt, Refusal>>>,
}

impl TelemetrySink for Collecting {
    fn accept(&self, ingested: Ingested) -> BoxFuture<'_, Result<Receipt, Refusal>> {
        let answer = self.answer.lock().unwrap().clone().unwrap_or_else(|| Ok(Receipt::default()));
        if answer.is_ok() {
            self.taken.lock().unwrap().push(ingested);
        }
        Box::pin(async { answer })
    }
}

pub(crate) struct Rig {
    pub(crate) main: SocketAddr,
    pub(crate) grpc: SocketAddr,
    pub(crate) http: SocketAddr,
    pub(crate) sink: Arc<Collecting>,
    pub(crate) metrics: Metrics,
    stop: Option<oneshot::Sender<()>>,
    serving: JoinHandle<()>,
}

/// All ports free, timeouts as in production.
pub(crate) fn config() -> ServerConfig {
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    ServerConfig {
        listen: any,
        otlp_grpc_listen: Some(any),
        otlp_http_listen: Some(any),
        timeouts: Timeouts {
            drain: Duration::from_millis(300),
            // The machines that run this are busy.
            body_grace: Duration::from_secs(60),
            ..Timeouts::default()
        },
        ..ServerConfig::default()
    }
}

impl Rig {
    pub(crate) async fn start(config: ServerConfig, limits: Limits) -> Self {
        Self::start_with(config, limits, axum::Router::new()).await
    }

    pub(crate) async fn start_with(
        config: ServerConfig,
        limits: Limits,
        extra: axum::Router,
    ) -> Self {
        let (sink, metrics) = (Arc::new(Collecting::default()), Metrics::new());
        let bound: Bound = Server::bind(config).await.unwrap();
        let parts = Parts {
            sink: Arc::<Collecting>::clone(&sink),
            clock: Arc::new(SystemClock::new()),
            limits,
            metrics: metrics.clone(),
            ready: Arc::new(|| app::app::Readiness::Ready),
            extra,
        };
        let routers = server::build(parts, bound.config());
        let addresses = bound.addresses().clone();
        let (stop, stopped) = oneshot::channel::<()>();
        let shutdown = async {
            stopped.await.ok();
        };
        let serving = tokio::spawn(bound.serve(routers, metrics.clone(), shutdown));
        Self {
            main: addresses.main,
            grpc: addresses.otlp_grpc.unwrap(),
            http: addresses.otlp_http.unwrap(),
            sink,
            metrics,
            stop: Some(stop),
            serving,
        }
    }

    pub(crate) async fn plain() -> Self {
        Self::start(config(), Limits::default()).await
    }

    pub(crate) fn answer(&self, answer: Result<Receipt, Refusal>) {
        *self.sink.answer.lock().unwrap() = Some(answer);
    }

    pub(crate) fn take(&self) -> Vec<Ingested> {
        std::mem::take(&mut *self.sink.taken.lock().unwrap())
    }

    /// Begins to stop; the handle ends when the server has.
    pub(crate) fn stop(&mut self) -> &mut JoinHandle<()> {
        self.stop.take().unwrap().send(()).unwrap();
        &mut self.serving
    }
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn header(&self, name: &str) -> Option<String> {
        self.head.lines().find_map(|line| {
            let (found, value) = line.split_once(": ")?;
            found.eq_ignore_ascii_case(name).then(|| value.to_owned())
        })
    }
}

/// Sends one request on a connection of its own and reads the answer to its end.
pub(crate) async fn send(
    to: SocketAddr,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> Answer {
    let mut head = format!(
        "{method} {path} HTTP/1.1\r\nconnection: close\r\ncontent-length: {}\r\n",
        body.len()
    );
    if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("host")) {
        head += &format!("host: {to}\r\n");
    }
    for (name, value) in headers {
        head += &format!("{name}: {value}\r\n");
    }
    head += "\r\n";
    let mut stream = TcpStream::connect(to).await.unwrap();
    let (mut read, mut write) = stream.split();
    let mut answer = Vec::new();
    let sending = async {
        // The server may answer, and close, before it has read everything.
        if write.write_all(head.as_bytes()).await.is_ok() {
            write.write_all(body).await.ok();
        }
    };
    let (_, read) =
        timeout(PATIENCE, async { tokio::join!(sending, read.read_to_end(&mut answer)) })
            .await
            .unwrap();
    read.ok();
    parse(&answer)
}

pub(crate) fn parse(answer: &[u8]) -> Answer {
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n").unwrap_or(answer.len());
    let head = String::from_utf8_lossy(&answer[..end]).into_owned();
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
    let body = answer.get(end + 4..).unwrap_or_default();
    let chunked = head.to_ascii_lowercase().contains("transfer-encoding: chunked");
    let body = if chunked { unchunk(body) } else { body.to_vec() };
    Answer { status, head, body }
}

fn unchunk(mut rest: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    while let Some(end) = rest.windows(2).position(|two| two == b"\r\n") {
        let size = usize::from_str_radix(&String::from_utf8_lossy(&rest[..end]), 16).unwrap_or(0);
        let Some(chunk) = rest.get(end + 2..end + 2 + size).filter(|_| size > 0) else {
            break;
        };
        out.extend_from_slice(chunk);
        rest = rest.get(end + 4 + size..).unwrap_or_default();
    }
    out
}

pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    use std::io::Write;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

pub(crate) fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 1).unwrap()
}

pub(crate) fn snappy(bytes: &[u8]) -> Vec<u8> {
    snap::raw::Encoder::new().compress_vec(bytes).unwrap()
}
