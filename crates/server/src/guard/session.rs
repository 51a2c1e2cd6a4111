//! Browser sessions: a random id in a cookie, all else on the server, so that a session can be ended.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use http::{HeaderMap, HeaderValue, header};
use tokio::time::Instant;

use super::token;

/// The sessions of all listeners; clones share them. They end with the process.
#[derive(Clone)]
pub struct Sessions(Arc<Inner>);

struct Inner {
    https: bool,
    /// The path of the external URL; empty at the root.
    base: Arc<str>,
    open: Mutex<HashMap<[u8; 32], Session>>,
}

struct Session {
    name: Arc<str>,
    started: Instant,
    seen: Instant,
}

/// No session can be opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SessionError {
    #[error("the system gives no random bytes")]
    NoRandomness,
}

impl Sessions {
    /// Open sessions; beyond them the least recently used one ends.
    pub const OPEN_MAX: usize = 1000;
    /// Without a request.
    pub const IDLE_MAX: Duration = Duration::from_hours(12);
    /// Since sign-in.
    pub const AGE_MAX: Duration = Duration::from_hours(7 * 24);

    /// Cookies are `Secure` when people come by `https`, and are sent below `base` alone.
    pub fn new(https: bool, base: Arc<str>) -> Self {
        Self(Arc::new(Inner { https, base, open: Mutex::default() }))
    }

    /// Opens a session for the holder of a token; the value of `Set-Cookie`.
    ///
    /// # Errors
    /// When the system gives no random bytes.
    pub fn open(&self, name: Arc<str>) -> Result<HeaderValue, SessionError> {
        let mut random = [0_u8; 32];
        getrandom::fill(&mut random).map_err(|_| SessionError::NoRandomness)?;
        let id = BASE64_URL_SAFE_NO_PAD.encode(random);
        let now = Instant::now();
        let mut open = self.lock();
        open.retain(|_, session| session.is_alive(now));
        if open.len() >= Self::OPEN_MAX
            && let Some(oldest) =
                open.iter().min_by_key(|(_, session)| session.seen).map(|(id, _)| *id)
        {
            open.remove(&oldest);
        }
        open.insert(token::hash(&id), Session { name, started: now, seen: now });
        Ok(self.cookie(&id, Self::AGE_MAX.as_secs()))
    }

    /// The holder of the request's session.
    pub fn find(&self, headers: &HeaderMap) -> Option<Arc<str>> {
        let id = token::hash(self.id(headers)?);
        let now = Instant::now();
        let mut open = self.lock();
        let session = open.get_mut(&id).filter(|session| session.is_alive(now))?;
        session.seen = now;
        Some(Arc::clone(&session.name))
    }

    /// Ends the request's session; the value of `Set-Cookie`.
    pub fn close(&self, headers: &HeaderMap) -> HeaderValue {
        if let Some(id) = self.id(headers) {
            self.lock().remove(&token::hash(id));
        }
        self.cookie("", 0)
    }

    /// `__Host-` binds the cookie to this host, but browsers take it by `https` alone, and for the whole host.
    fn cookie_name(&self) -> &'static str {
        match (self.0.https, self.0.base.is_empty()) {
            (true, true) => "__Host-evenkeel",
            (true, false) => "__Secure-evenkeel",
            (false, _) => "evenkeel",
        }
    }

    /// `Lax`: a link in a chat message opens the page signed in; what changes anything is checked by the origin.
    fn cookie(&self, id: &str, age_s: u64) -> HeaderValue {
        let secure = if self.0.https { "; Secure" } else { "" };
        let name = self.cookie_name();
        let path = if self.0.base.is_empty() { "/" } else { &*self.0.base };
        HeaderValue::try_from(format!(
            "{name}={id}; Path={path}; Max-Age={age_s}; HttpOnly; SameSite=Lax{secure}"
        ))
        .expect("base 64, an URL's path and constants are valid in a header")
    }

    fn id<'h>(&self, headers: &'h HeaderMap) -> Option<&'h str> {
        headers
            .get_all(header::COOKIE)
            .iter()
            .filter_map(|cookies| cookies.to_str().ok())
            .flat_map(|cookies| cookies.split(';'))
            .filter_map(|cookie| cookie.trim().split_once('='))
            .find(|(name, _)| *name == self.cookie_name())
            .map(|(_, id)| id)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<[u8; 32], Session>> {
        self.0.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Sessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sessions").field("open", &self.lock().len()).finish_non_exhaustive()
    }
}

impl Session {
    fn is_alive(&self, now: Instant) -> bool {
        now < self.seen + Sessions::IDLE_MAX && now < self.started + Sessions::AGE_MAX
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cookies(set: &HeaderValue) -> HeaderMap {
        let pair = set.to_str().unwrap().split(';').next().unwrap().to_owned();
        let mut headers = HeaderMap::new();
        headers.insert(header::COOKIE, format!("theme=dark; {pair}").parse().unwrap());
        headers
    }

    #[tokio::test(start_paused = true)]
    async fn a_session_ends_by_sign_out_and_by_itself() {
        let sessions = Sessions::new(true, "".into());
        let (a, b) = (sessions.open("ana".into()).unwrap(), sessions.open("ben".into()).unwrap());
        assert!(a.to_str().unwrap().ends_with("HttpOnly; SameSite=Lax; Secure"));
        assert_eq!(sessions.find(&cookies(&a)).as_deref(), Some("ana"));
        sessions.close(&cookies(&a));
        assert_eq!(sessions.find(&cookies(&a)), None);
        tokio::time::advance(Sessions::IDLE_MAX - Duration::from_secs(1)).await;
        assert_eq!(sessions.find(&cookies(&b)).as_deref(), Some("ben"));
        tokio::time::advance(Sessions::IDLE_MAX).await;
        assert_eq!(sessions.find(&cookies(&b)), None);
        assert_eq!(sessions.find(&HeaderMap::new()), None);
    }

    #[test]
    fn the_number_of_sessions_is_bounded() {
        let sessions = Sessions::new(false, "/even".into());
        let cookie = sessions.open("x".into()).unwrap();
        assert!(cookie.to_str().unwrap().contains("; Path=/even; "), "{cookie:?}");
        for _ in 0..Sessions::OPEN_MAX + 5 {
            sessions.open("x".into()).unwrap();
        }
        assert_eq!(sessions.lock().len(), Sessions::OPEN_MAX);
    }
}
