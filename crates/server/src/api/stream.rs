//! Facts as server-sent events, from any number on.
//!
//! What was written before comes from the journal, what is written now from the control thread. A reader that falls
//! behind is told so and goes on from the journal: it misses nothing, and memory stays bounded.

use std::{collections::VecDeque, convert::Infallible, sync::Arc, time::Duration};

use app::{
    App,
    control::Committed,
    journal::{Query, Record},
};
use axum::{
    body::Body,
    extract::State,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use futures_util::{Stream, stream};
use http::{HeaderMap, header};
use serde::Deserialize;
use tokio::sync::broadcast::{Receiver, error::RecvError};

use super::{ServerInfo, request::Params, view};
use crate::{Drain, Problem};

/// A comment is sent when nothing happened for this long, so that nobody takes the stream for dead.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// Facts read from the journal at once.
const PAGE: usize = 500;

#[derive(Debug, Deserialize)]
pub(super) struct From {
    after: Option<u64>,
}

pub(super) async fn events(
    State(app): State<Arc<App>>,
    State(info): State<Arc<ServerInfo>>,
    Params(from): Params<From>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let last = headers.get("last-event-id").map(|value| {
        value
            .to_str()
            .ok()
            .and_then(|text| text.parse().ok())
            .ok_or_else(|| Problem::malformed("`Last-Event-ID` is not the number of a fact"))
    });
    // Heard from before it is read, so that no fact falls between.
    let committed = app.control.committed();
    let now = *app.control.seq().borrow();
    let after = last.transpose()?.or(from.after).unwrap_or(now);
    let follower = Follower {
        app,
        drain: info.drain.clone(),
        committed,
        after,
        behind: after < now,
        ready: VecDeque::from([Bytes::from_static(b": open\n\n")]),
    };
    let kind = [(header::CONTENT_TYPE, "text/event-stream")];
    Ok((kind, Body::from_stream(frames(follower))).into_response())
}

/// One who listens.
struct Follower {
    app: Arc<App>,
    drain: Drain,
    committed: Receiver<Committed>,
    /// The last fact that was sent.
    after: u64,
    /// There is more in the journal.
    behind: bool,
    ready: VecDeque<Bytes>,
}

fn frames(follower: Follower) -> impl Stream<Item = Result<Bytes, Infallible>> {
    stream::unfold(follower, |mut follower| async move {
        let frame = follower.next().await?;
        Some((Ok(frame), follower))
    })
}

impl Follower {
    /// `None` at the end: the server stops, or the journal cannot be read.
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            if let Some(frame) = self.ready.pop_front() {
                return Some(frame);
            }
            if self.behind {
                self.catch_up().await?;
                continue;
            }
            tokio::select! {
                () = self.drain.started() => return None,
                () = tokio::time::sleep(HEARTBEAT) => return Some(Bytes::from_static(b": here\n\n")),
                heard = self.committed.recv() => match heard {
                    Ok(records) => self.take(&records),
                    Err(RecvError::Lagged(_)) => {
                        self.behind = true;
                        return Some(Bytes::from_static(b"event: lagging\ndata: {}\n\n"));
                    }
                    Err(RecvError::Closed) => return None,
                },
            }
        }
    }

    async fn catch_up(&mut self) -> Option<()> {
        let (app, after) = (Arc::clone(&self.app), self.after);
        let query = Query { after: Some(after), limit: PAGE, ..Query::default() };
        let page = tokio::task::spawn_blocking(move || app.reader.read(&query)).await.ok()?;
        let page =
            page.inspect_err(|error| tracing::error!(%error, "events were not read")).ok()?;
        self.behind = page.more && !page.records.is_empty();
        self.take(&page.records);
        Some(())
    }

    /// Facts that were sent already are passed over.
    fn take(&mut self, records: &[Record]) {
        for record in records.iter().filter(|record| record.seq > self.after) {
            self.ready.push_back(frame(record));
        }
        self.after = records.last().map_or(self.after, |last| last.seq.max(self.after));
    }
}

fn frame(record: &Record) -> Bytes {
    let data = serde_json::to_string(&view::fact::event(record)).unwrap_or_default();
    format!("id: {}\ndata: {data}\n\n", record.seq).into()
}
