//! What a connection has been doing, and so when it must end.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::time::Instant;

use crate::Timeouts;

/// How an HTTP/2 connection begins (RFC 9113, section 3.4).
const H2_PREFACE_START: &[u8] = b"PRI";
/// What keeps an idle HTTP/2 connection alive (a PING and its answer, SETTINGS, WINDOW_UPDATE) is no longer than this in bytes.
const H2_UPKEEP_BYTES_MAX: usize = 64;

/// Shared by the socket, which sees bytes, and the service, which sees requests.
#[derive(Clone, Debug)]
pub(super) struct Activity(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    accepted: Instant,
    /// What the first bytes look like.
    protocol: Option<Protocol>,
    /// When the first byte came of a request whose headers are not complete; HTTP/1 alone, for in HTTP/2 frames come between requests.
    head_started: Option<Instant>,
    in_flight: usize,
    /// A request was answered before its body had been read to the end.
    body_unread: bool,
    quiet_since: Instant,
    blocked_since: Option<Instant>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Protocol {
    Http1,
    Http2,
}

/// A request, until its answer has been handed over in full.
#[derive(Debug)]
pub(super) struct InFlight(Activity);

impl Activity {
    pub(super) fn new(now: Instant) -> Self {
        Self(Arc::new(Mutex::new(State {
            accepted: now,
            protocol: None,
            head_started: None,
            in_flight: 0,
            body_unread: false,
            quiet_since: now,
            blocked_since: None,
        })))
    }

    /// Bytes came.
    pub(super) fn read(&self, bytes: &[u8], now: Instant) {
        let mut state = self.lock();
        let protocol = *state.protocol.get_or_insert_with(|| {
            let seen = bytes.len().min(H2_PREFACE_START.len());
            if bytes[..seen] == H2_PREFACE_START[..seen] {
                Protocol::Http2
            } else {
                Protocol::Http1
            }
        });
        if state.in_flight == 0 && protocol == Protocol::Http1 {
            state.head_started.get_or_insert(now);
        }
    }

    /// The peer took `bytes`. An answer's last bytes may go out long after its request; pings mean nothing.
    pub(super) fn wrote(&self, bytes: usize, now: Instant) {
        let mut state = self.lock();
        state.blocked_since = None;
        if state.protocol != Some(Protocol::Http2) || bytes > H2_UPKEEP_BYTES_MAX {
            state.quiet_since = now;
        }
    }

    /// The peer takes nothing at the moment.
    pub(super) fn blocked(&self, now: Instant) {
        self.lock().blocked_since.get_or_insert(now);
    }

    /// A request's headers are complete.
    pub(super) fn begin(&self) -> InFlight {
        let mut state = self.lock();
        state.in_flight += 1;
        state.head_started = None;
        InFlight(self.clone())
    }

    /// A request's body was given up before its end.
    pub(super) fn left_unread(&self) {
        self.lock().body_unread = true;
    }

    /// Whether an HTTP/1 peer may still be sending what nobody reads; closing then resets the connection, and our answer with it.
    pub(super) fn expects_input(&self) -> bool {
        let state = self.lock();
        state.protocol == Some(Protocol::Http1)
            && (state.body_unread || state.head_started.is_some())
    }

    /// When the connection must end unless something happens, and why.
    pub(super) fn deadline(&self, timeouts: &Timeouts) -> Option<(Instant, &'static str)> {
        let state = self.lock();
        let stalled =
            state.blocked_since.map(|since| (since + timeouts.write_stall, "write_stall"));
        let waiting = match (state.protocol, state.head_started) {
            _ if state.in_flight > 0 => None,
            (None, _) => Some((state.accepted + timeouts.first_byte, "first_byte")),
            (Some(_), Some(since)) => Some((since + timeouts.header, "header")),
            (Some(_), None) => Some((state.quiet_since + timeouts.idle, "idle")),
        };
        stalled.into_iter().chain(waiting).min_by_key(|(at, _)| *at)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.in_flight -= 1;
        state.quiet_since = Instant::now();
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn each_phase_has_its_own_deadline() {
        let timeouts = Timeouts {
            first_byte: Duration::from_secs(1),
            header: Duration::from_secs(2),
            idle: Duration::from_secs(3),
            write_stall: Duration::from_secs(4),
            ..Timeouts::default()
        };
        let start = Instant::now();
        let check = |activity: &Activity| {
            activity
                .deadline(&timeouts)
                .map(|(at, why)| format!("{why}@{}", (at - start).as_secs()))
        };
        let activity = Activity::new(start);
        assert_eq!(check(&activity).as_deref(), Some("first_byte@1"));
        activity.read(b"GE", start);
        activity.read(b"T", start + Duration::from_secs(1));
        assert_eq!(check(&activity).as_deref(), Some("header@2"), "trickling bytes gain no time");
        let request = activity.begin();
        assert_eq!(check(&activity), None, "an answer may take its time");
        activity.blocked(start);
        assert_eq!(check(&activity).as_deref(), Some("write_stall@4"));
        activity.wrote(100, start);
        drop(request);
        assert_eq!(check(&activity).as_deref(), Some("idle@3"));
        let h2 = Activity::new(start);
        h2.read(b"PRI * HTTP/2.0", start);
        assert_eq!(check(&h2).as_deref(), Some("idle@3"));
        h2.wrote(17, start + Duration::from_secs(1));
        assert_eq!(check(&h2).as_deref(), Some("idle@3"), "a ping is no activity");
        h2.wrote(4096, start + Duration::from_secs(1));
        assert_eq!(check(&h2).as_deref(), Some("idle@4"), "the rest of an answer is");
    }
}
