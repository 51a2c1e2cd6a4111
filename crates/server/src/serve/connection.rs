//! One connection: HTTP/1 or HTTP/2 by what it begins with, driven until it ends or must end.

use std::{
    convert::Infallible,
    future::{Future, poll_fn},
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use axum::{Router, body::Body};
use bytes::Bytes;
use http::{Request, Response};
use hyper::body::{Body as HttpBody, Frame, Incoming, SizeHint};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto,
};
use tokio::{
    net::TcpStream,
    time::{Instant, sleep_until},
};
use tower::ServiceExt;

use super::{
    Drain, Peer,
    activity::{Activity, InFlight},
    stream::Watched,
};
use crate::ServerConfig;

/// What one connection needs.
pub(super) struct Serving {
    pub(super) router: Router,
    pub(super) config: Arc<ServerConfig>,
    pub(super) peer: Peer,
    pub(super) drain: Drain,
}

/// How long an HTTP/2 peer may take to answer our ping, and how often we ask.
const PING: Duration = Duration::from_secs(20);
/// After we said that the connection ends, how long the peer has to take it in.
const FAREWELL: Duration = Duration::from_secs(1);
/// How often a connection without a deadline is looked at.
const LOOK: Duration = Duration::from_secs(5);

impl Serving {
    /// Serves the connection; the reason when it was us who ended it.
    pub(super) async fn run(self, stream: TcpStream) -> Option<&'static str> {
        let activity = Activity::new(Instant::now());
        let builder = self.builder();
        let io = TokioIo::new(Watched::new(stream, activity.clone()));
        let service = hyper::service::service_fn(|request| self.answer(request, &activity));
        let mut connection = pin!(builder.serve_connection(io, service));
        let mut drain = pin!(self.drain.started());
        let mut alarm = pin!(sleep_until(Instant::now()));
        let mut farewell: Option<Instant> = None;
        let mut draining = false;
        poll_fn(|cx| {
            if !draining && drain.as_mut().poll(cx).is_ready() {
                draining = true;
                connection.as_mut().graceful_shutdown();
            }
            loop {
                if let Poll::Ready(ended) = connection.as_mut().poll(cx) {
                    if let Err(error) = ended {
                        tracing::debug!(%error, peer = %self.peer.address, "a connection broke");
                    }
                    return Poll::Ready(None);
                }
                let now = Instant::now();
                let deadline = activity.deadline(&self.config.timeouts);
                let (at, why) = match (farewell, deadline) {
                    (Some(at), Some((_, why))) => (at, why),
                    (None, Some(deadline)) => deadline,
                    (_, None) => (now + LOOK, ""),
                };
                if at <= now {
                    if farewell.is_some() || why != "idle" {
                        return Poll::Ready(Some(why));
                    }
                    // An idle HTTP/2 peer is told first, so that it does not send a request into a closed door.
                    farewell = Some(now + FAREWELL);
                    connection.as_mut().graceful_shutdown();
                    continue;
                }
                alarm.as_mut().reset(at);
                if alarm.as_mut().poll(cx).is_pending() {
                    return Poll::Pending;
                }
            }
        })
        .await
    }

    fn builder(&self) -> auto::Builder<TokioExecutor> {
        let limits = &self.config.connections;
        let header_bytes_max = usize::try_from(limits.header_bytes_max).unwrap_or(usize::MAX);
        let mut builder = auto::Builder::new(TokioExecutor::new());
        builder
            .http1()
            .timer(TokioTimer::new())
            // The activity watches the headers, for both versions of HTTP, and says why it closed.
            .header_read_timeout(None)
            .keep_alive(!self.peer.reserved)
            .max_headers(limits.headers_max)
            // hyper asks for at least 8 KiB.
            .max_buf_size(header_bytes_max.max(8 << 10));
        builder
            .http2()
            .timer(TokioTimer::new())
            .max_concurrent_streams(limits.streams_max)
            .max_header_list_size(limits.header_bytes_max)
            .max_pending_accept_reset_streams(20)
            .keep_alive_interval(PING)
            .keep_alive_timeout(PING);
        builder
    }

    fn answer(
        &self,
        request: Request<Incoming>,
        activity: &Activity,
    ) -> impl Future<Output = Result<Response<Tracked>, Infallible>> + Send + use<> {
        let in_flight = activity.begin();
        let body = |body| Received { ended: false, body, activity: activity.clone() };
        let mut request = request.map(|incoming| Body::new(body(incoming)));
        request.extensions_mut().insert(self.peer);
        request.extensions_mut().insert(self.drain.clone());
        let router = self.router.clone();
        async move {
            let response = router.oneshot(request).await?;
            Ok(response.map(|body| Tracked { body, _in_flight: in_flight }))
        }
    }
}

/// A request's body, which tells when it is given up before its end.
struct Received {
    body: Incoming,
    ended: bool,
    activity: Activity,
}

impl HttpBody for Received {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let frame = Pin::new(&mut self.body).poll_frame(cx);
        self.ended |= matches!(frame, Poll::Ready(None));
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Received {
    fn drop(&mut self) {
        if !(self.ended || self.body.is_end_stream()) {
            self.activity.left_unread();
        }
    }
}

/// An answer's body, which keeps its request in flight until it ends.
struct Tracked {
    body: Body,
    _in_flight: InFlight,
}

impl HttpBody for Tracked {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
