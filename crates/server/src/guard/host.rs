//! The names by which a request may call us.

use std::{collections::BTreeSet, net::IpAddr};

use axum::extract::Request;
use http::{StatusCode, header, uri::Authority};

use crate::{Problem, ServerConfig};

/// The allow-list.
#[derive(Debug)]
pub(super) struct Hosts(BTreeSet<String>);

impl Hosts {
    pub(super) fn new(config: &ServerConfig) -> Self {
        let external = config.external_url.as_ref().and_then(|url| url.host_str());
        let names =
            config.allowed_hosts.iter().map(String::as_str).chain(external).chain(["localhost"]);
        Self(names.map(str::to_ascii_lowercase).collect())
    }

    pub(super) fn check(&self, request: &Request) -> Result<(), Problem> {
        let Some(authority) = authority(request) else {
            return Err(Problem::malformed("the request has no valid `Host`"));
        };
        let host = authority.host().trim_end_matches('.').to_ascii_lowercase();
        if is_ip(&host) || self.0.contains(&host) {
            return Ok(());
        }
        let shown: String = host.chars().take(100).collect();
        let detail = format!(
            "this server does not answer for `{shown}`; add the name to `server.allowed_hosts`"
        );
        let title = "The request is for another host";
        Err(Problem::new(StatusCode::MISDIRECTED_REQUEST, "wrong-host", title, detail)
            .setting("server.allowed_hosts"))
    }
}

/// HTTP/2's `:authority`, else HTTP/1's `Host`; two hosts are none.
pub(super) fn authority(request: &Request) -> Option<Authority> {
    let mut hosts = request.headers().get_all(header::HOST).iter();
    let first = hosts.next().and_then(|host| host.to_str().ok()?.parse::<Authority>().ok());
    if hosts.next().is_some() {
        return None;
    }
    let authority = request.uri().authority().cloned().or(first)?;
    // No user name has a place in front of a host here.
    (!authority.as_str().contains('@')).then_some(authority)
}

fn is_ip(host: &str) -> bool {
    host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>().is_ok()
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    #[test]
    fn only_our_names_and_addresses_pass() {
        let config = ServerConfig {
            external_url: Some("https://even.example.org/x".parse().unwrap()),
            allowed_hosts: vec!["evenkeel".into()],
            ..ServerConfig::default()
        };
        let hosts = Hosts::new(&config);
        let check = |host: &str| {
            let request =
                Request::builder().uri("/").header("host", host).body(Body::empty()).unwrap();
            hosts.check(&request).map_err(|problem| problem.status.as_u16()).err()
        };
        for ok in [
            "localhost",
            "LocalHost:7700",
            "127.0.0.1:7700",
            "[::1]:7700",
            "even.example.org",
            "evenkeel:4318",
            "10.1.2.3",
        ] {
            assert_eq!(check(ok), None, "{ok}");
        }
        for bad in [
            "evil.example",
            "localhost.evil.example",
            "127.0.0.1.evil.example:7700",
            "evenkeel.evil",
        ] {
            assert_eq!(check(bad), Some(421), "{bad}");
        }
        for bad in ["", "a b", "localhost@evil.example"] {
            assert_eq!(check(bad), Some(400), "{bad}");
        }
    }
}
