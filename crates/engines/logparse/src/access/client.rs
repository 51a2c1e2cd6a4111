//! What an access log has before its time: who asked, and through which proxies.

use std::net::IpAddr;

use memchr::memrchr;
use model::Value;

use super::present;
use crate::Parsed;

/// The header with which proxies pass on for whom they ask.
pub(super) const FORWARDED: &str = "http.request.header.x-forwarded-for";

/// The head of a line. Empty texts are absent ones.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Client<'a> {
    /// Apache's `vhost_combined` names the virtual host first.
    vhost: &'a str,
    /// `X-Forwarded-For` at the place of the host: addresses with commas between them.
    forwarded: &'a str,
    /// Who connected: the client, or the last proxy. `-` when unknown.
    peer: &'a str,
    /// What RFC 1413 says of the user; `-` nearly always.
    identity: &'a str,
    /// Whom the server authenticated; may hold spaces.
    user: &'a str,
}

impl<'a> Client<'a> {
    /// `[vhost] host identity user`, where the host may be, or follow, a list with commas.
    pub(super) fn read(head: &'a str) -> Option<Self> {
        if let Some(quoted) = head.strip_prefix('"') {
            let (forwarded, rest) = quoted.split_once("\" ")?;
            return Self::after_list(forwarded, rest);
        }
        if let Some(comma) = memrchr(b',', head.as_bytes()) {
            let (before, last) = head.split_at_checked(comma + 1)?;
            let last = last.strip_prefix(' ')?;
            let (last, rest) = last.split_once(' ')?;
            let forwarded = head.get(..before.len() + 1 + last.len())?;
            return Self::after_list(forwarded, rest);
        }
        let (first, rest) = head.split_once(' ')?;
        let (second, rest) = rest.trim_ascii_start().split_once(' ')?;
        let rest = rest.trim_ascii_start();
        let (vhost, peer, identity, user) = match rest.split_once(' ') {
            Some((identity, user)) if second.parse::<IpAddr>().is_ok() => {
                (first, second, identity, user)
            }
            _ => ("", first, second, rest),
        };
        (!user.is_empty()).then_some(Self { vhost, forwarded: "", peer, identity, user })
    }

    /// After the list comes the peer, or not.
    fn after_list(forwarded: &'a str, rest: &'a str) -> Option<Self> {
        let (first, rest) = rest.split_once(' ')?;
        let (peer, identity, user) = match rest.split_once(' ') {
            Some((identity, user)) => (first, identity, user),
            None => ("-", first, rest),
        };
        Some(Self { vhost: "", forwarded, peer, identity, user })
    }

    pub(super) fn put(&self, parsed: &mut Parsed) {
        if self.forwarded.is_empty() {
            if let Some(peer) = present(self.peer) {
                parsed.put_text("client.address", peer);
            }
        } else {
            let list = || self.forwarded.split(',').map(str::trim_ascii);
            parsed.put_text("client.address", client_of(list()));
            if let Some(peer) = present(self.peer) {
                parsed.put_text("network.peer.address", peer);
            }
            parsed.put(FORWARDED, Value::Array(list().map(Value::string).collect()));
        }
        if !self.vhost.is_empty() {
            parsed.put_text("server.address", self.vhost);
        }
        if let Some(identity) = present(self.identity) {
            parsed.put_text("client.identity", identity);
        }
        if let Some(user) = present(self.user) {
            parsed.put_text("user.name", user);
        }
    }
}

/// The first of some proxies' addresses that is not of a private network; the first of all when all are.
fn client_of<'a>(list: impl Iterator<Item = &'a str> + Clone) -> &'a str {
    let first = list.clone().next().unwrap_or_default();
    list.into_iter().find(|address| address.parse().is_ok_and(is_public)).unwrap_or(first)
}

fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            !(v4.is_private() || v4.is_loopback() || v4.is_link_local() || v4.is_unspecified())
        }
        IpAddr::V6(v6) => {
            !(v6.is_loopback()
                || v6.is_unspecified()
                || v6.is_unique_local()
                || v6.is_unicast_link_local())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(head: &str) -> String {
        Client::read(head).map_or("none".to_owned(), |client| {
            let mut parsed = Parsed::new(Value::Empty);
            client.put(&mut parsed);
            Value::Map(parsed.attributes).to_string()
        })
    }

    #[test]
    fn heads_are_told_apart() {
        assert_eq!(shown("h - -"), r#"{"client.address":"h"}"#);
        assert_eq!(
            shown("h i u"),
            r#"{"client.address":"h","client.identity":"i","user.name":"u"}"#
        );
        assert_eq!(shown("h - Jane Doe"), r#"{"client.address":"h","user.name":"Jane Doe"}"#);
        assert_eq!(
            shown("www:80 ::1 - u"),
            r#"{"client.address":"::1","server.address":"www:80","user.name":"u"}"#
        );
        assert_eq!(
            shown("10.0.0.2, 85.1.3.9 - -"),
            r#"{"client.address":"85.1.3.9","http.request.header.x-forwarded-for":["10.0.0.2","85.1.3.9"]}"#
        );
        assert_eq!(
            shown("\"10.0.0.2, 10.0.0.3\" 10.9.9.9 - u"),
            r#"{"client.address":"10.0.0.2","network.peer.address":"10.9.9.9","http.request.header.x-forwarded-for":["10.0.0.2","10.0.0.3"],"user.name":"u"}"#
        );
        for head in ["", "h", "h -", "\"h - -", "a, b"] {
            assert_eq!(shown(head), "none", "{head}");
        }
    }
}
