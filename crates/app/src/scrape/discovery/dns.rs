//! `dns_sd_configs`: the records of names.

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use hickory_resolver::{
    TokioResolver,
    config::{ConnectionConfig, NameServerConfig, ResolverConfig},
    net::runtime::TokioRuntimeProvider,
    proto::rr::{RData, Record, RecordType},
};
use scrape::{Group, LabelSet, config::DnsKind};
use tokio::sync::OnceCell;

use super::{Found, Looker, pause};

/// Addresses of one name.
const RECORDS_MAX: usize = 10_000;

/// Asks the name servers of `/etc/resolv.conf`, or one that was named.
#[derive(Debug, Default)]
pub(crate) struct Resolver {
    server: Option<SocketAddr>,
    inner: OnceCell<TokioResolver>,
}

impl Resolver {
    /// Asks this server instead of the system's.
    pub(crate) fn with_server(server: Option<SocketAddr>) -> Arc<Self> {
        Arc::new(Self { server, inner: OnceCell::new() })
    }

    async fn lookup(&self, name: &str, kind: RecordType) -> Result<Vec<Record>, String> {
        let resolver = self.inner.get_or_try_init(async || self.build()).await?;
        let lookup = resolver.lookup(name, kind).await.map_err(|error| error.to_string())?;
        Ok(lookup.answers().iter().take(RECORDS_MAX).cloned().collect())
    }

    fn build(&self) -> Result<TokioResolver, String> {
        let mut builder = match self.server {
            None => TokioResolver::builder_tokio().map_err(|error| error.to_string())?,
            Some(address) => {
                let mut udp = ConnectionConfig::udp();
                udp.port = address.port();
                let server = NameServerConfig::new(address.ip(), true, vec![udp]);
                let config = ResolverConfig::from_parts(None, Vec::new(), vec![server]);
                TokioResolver::builder_with_config(config, TokioRuntimeProvider::default())
            }
        };
        // How long an answer is good for is what `refresh_interval` says.
        builder.options_mut().cache_size = 0;
        builder.build().map_err(|error| error.to_string())
    }
}

pub(super) async fn look(
    looker: Looker,
    names: &[Box<str>],
    kind: DnsKind,
    port: u16,
    refresh: Duration,
) {
    let mut found = Found::default();
    loop {
        let mut failed: Option<Arc<str>> = None;
        for name in names {
            match looker.tools.resolver.lookup(name, record_type(kind)).await {
                Ok(records) => {
                    found.0.insert(name.clone(), vec![group(name, &records, port)]);
                }
                Err(error) => {
                    tracing::warn!(%name, error, "a discovery over DNS failed; the targets found before stay");
                    failed = Some(format!("cannot look up `{name}`: {error}").into());
                }
            }
        }
        if !looker.say(found.groups(), failed).await {
            return;
        }
        pause(refresh).await;
    }
}

const fn record_type(kind: DnsKind) -> RecordType {
    match kind {
        DnsKind::Srv => RecordType::SRV,
        DnsKind::A => RecordType::A,
        DnsKind::Aaaa => RecordType::AAAA,
        DnsKind::Mx => RecordType::MX,
        DnsKind::Ns => RecordType::NS,
    }
}

/// The targets of one name, with what Prometheus says of where they come from.
fn group(name: &str, records: &[Record], port: u16) -> Group {
    let targets = records.iter().filter_map(|record| target(name, &record.data, port)).collect();
    Group { source: name.into(), targets, labels: LabelSet::new() }
}

fn target(name: &str, data: &RData, port: u16) -> Option<LabelSet> {
    let mut labels = LabelSet::from_pairs([("__meta_dns_name", name)]);
    let bare = |host: &str| host.trim_end_matches('.').to_owned();
    let address = match data {
        RData::A(ip) => SocketAddr::new(IpAddr::V4(ip.0), port).to_string(),
        RData::AAAA(ip) => SocketAddr::new(IpAddr::V6(ip.0), port).to_string(),
        RData::SRV(srv) => {
            let host = srv.target.to_string();
            labels.set("__meta_dns_srv_record_target", &host);
            labels.set("__meta_dns_srv_record_port", &srv.port.to_string());
            format!("{}:{}", bare(&host), srv.port)
        }
        RData::MX(mx) => {
            let host = mx.exchange.to_string();
            labels.set("__meta_dns_mx_record_target", &host);
            format!("{}:{port}", bare(&host))
        }
        RData::NS(ns) => {
            let host = ns.0.to_string();
            labels.set("__meta_dns_ns_record_target", &host);
            format!("{}:{port}", bare(&host))
        }
        // Such as the CNAME that led to the records that were asked for.
        _ => return None,
    };
    labels.set("__address__", &address);
    Some(labels)
}
