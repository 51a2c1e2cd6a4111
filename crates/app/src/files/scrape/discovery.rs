//! `static_configs`, `file_sd_configs`, `http_sd_configs`, `dns_sd_configs`; other kinds are refused by name.

use std::{sync::Arc, time::Duration};

use scrape::{Discovery, config::DnsKind};

use super::{Origin, client, groups, value};
use crate::files::{
    problem::Code,
    reader::{Field, Map},
    text::shorten,
};

/// The kinds that are spoken.
pub(super) const FIELDS: [&str; 4] =
    ["static_configs", "file_sd_configs", "http_sd_configs", "dns_sd_configs"];
/// Those that Prometheus has beside them.
pub(super) const OTHERS: [&str; 28] = [
    "aws_sd_configs",
    "azure_sd_configs",
    "consul_sd_configs",
    "digitalocean_sd_configs",
    "docker_sd_configs",
    "dockerswarm_sd_configs",
    "ec2_sd_configs",
    "eureka_sd_configs",
    "gce_sd_configs",
    "hetzner_sd_configs",
    "ionos_sd_configs",
    "kubernetes_sd_configs",
    "kuma_sd_configs",
    "lightsail_sd_configs",
    "linode_sd_configs",
    "marathon_sd_configs",
    "nerve_sd_configs",
    "nomad_sd_configs",
    "oci_sd_configs",
    "openstack_sd_configs",
    "outscale_sd_configs",
    "ovhcloud_sd_configs",
    "puppetdb_sd_configs",
    "scaleway_sd_configs",
    "serverset_sd_configs",
    "stackit_sd_configs",
    "triton_sd_configs",
    "uyuni_sd_configs",
];
/// The last of them, alphabetically.
pub(super) const LAST: &str = "vultr_sd_configs";

/// The least time between two looks, whatever the file says.
const REFRESH_MIN: Duration = Duration::from_secs(1);

pub(super) fn read(map: Map<'_>, origin: Origin<'_>) -> Vec<Discovery> {
    for name in OTHERS.into_iter().chain([LAST]) {
        if let Some(field) = map.optional(name) {
            let kind = name.trim_end_matches("_sd_configs");
            let message = format!("`{name}`: discovery by {kind} is not supported yet");
            let hint =
                "use `static_configs`, `file_sd_configs`, `http_sd_configs` or `dns_sd_configs`";
            field.error(Code::DISCOVERY, message, hint);
        }
    }
    let mut found = Vec::new();
    found.extend(map.optional("static_configs").and_then(statics));
    let mut each = |name: &str, read: &dyn Fn(Field<'_>) -> Option<Discovery>| {
        let items = map.optional(name).and_then(Field::list).unwrap_or_default();
        for item in items {
            if item.node().is_null() {
                item.error(Code::MISSING_FIELD, format!("empty or null section in {name}"), "");
            } else {
                found.extend(read(item));
            }
        }
    };
    each("file_sd_configs", &|item| files(item, origin));
    each("http_sd_configs", &|item| http(item, origin));
    each("dns_sd_configs", &dns);
    found
}

fn statics(field: Field<'_>) -> Option<Discovery> {
    let mut found = Vec::new();
    for (at, item) in field.list()?.into_iter().enumerate() {
        if item.node().is_null() {
            item.error(
                Code::MISSING_FIELD,
                "empty or null section in static_configs",
                "write `targets:`",
            );
            continue;
        }
        let source: Arc<str> = at.to_string().into();
        found.extend(groups::read(item, source));
    }
    Some(Discovery::Static(found))
}

fn refresh(map: Map<'_>, default_s: u64) -> Duration {
    let found = map.optional("refresh_interval").and_then(Field::duration);
    found.unwrap_or(Duration::from_secs(default_s)).max(REFRESH_MIN)
}

fn files(item: Field<'_>, origin: Origin<'_>) -> Option<Discovery> {
    let map = item.map(&["files", "refresh_interval"])?;
    let listed = map.optional("files").and_then(Field::list).unwrap_or_default();
    if listed.is_empty() {
        let message = "file service discovery config must contain at least one path name";
        item.error(Code::MISSING_FIELD, message, "write `files:`");
    }
    let mut patterns = Vec::new();
    for path in listed {
        let Some(text) = path.text() else { continue };
        if value::is_file_sd_pattern(text) {
            patterns.push(origin.path(text));
        } else {
            let message = format!("path name `{}` is not valid for file discovery", shorten(text));
            let hint =
                "it ends in `.json`, `.yml` or `.yaml`, and `*` may stand in the file's name alone";
            path.error(Code::NOT_ALLOWED, message, hint);
        }
    }
    Some(Discovery::Files { patterns, refresh: refresh(map, 300) })
}

fn http(item: Field<'_>, origin: Origin<'_>) -> Option<Discovery> {
    let fields: Vec<&str> =
        ["url", "refresh_interval", client::HEADERS].into_iter().chain(client::FIELDS).collect();
    let map = item.map(&fields)?;
    let client = client::read(map, origin);
    let url = map.required("url").and_then(Field::http_url)?;
    let client = Box::new(client);
    Some(Discovery::Http { url: url.as_str().into(), refresh: refresh(map, 60), client })
}

fn dns(item: Field<'_>) -> Option<Discovery> {
    let map = item.map(&["names", "refresh_interval", "type", "port"])?;
    let listed = map.optional("names").and_then(Field::list).unwrap_or_default();
    if listed.is_empty() {
        let message = "DNS-SD config must contain at least one SRV record name";
        item.error(Code::MISSING_FIELD, message, "write `names:`");
    }
    let names = listed.into_iter().filter_map(|name| Some(name.filled()?.into())).collect();
    let port = map.optional("port").and_then(|field| field.integer(0..=65_535)).unwrap_or(0);
    let port = u16::try_from(port).unwrap_or(0);
    let kind = match map.optional("type") {
        None => DnsKind::Srv,
        Some(field) => {
            let text = field.text()?.to_ascii_uppercase();
            let kinds = [
                ("SRV", DnsKind::Srv),
                ("A", DnsKind::A),
                ("AAAA", DnsKind::Aaaa),
                ("MX", DnsKind::Mx),
                ("NS", DnsKind::Ns),
            ];
            match kinds.iter().find(|(name, _)| *name == text) {
                Some((_, kind)) => *kind,
                None => {
                    let message = format!("invalid DNS-SD records type `{}`", shorten(&text));
                    field.error(
                        Code::NOT_ALLOWED,
                        message,
                        "allowed: `SRV`, `A`, `AAAA`, `MX` or `NS`",
                    );
                    return None;
                }
            }
        }
    };
    if kind != DnsKind::Srv && port == 0 {
        let message = "a port is required in DNS-SD configs for all record types except SRV";
        item.error(Code::MISSING_FIELD, message, "write `port:`");
    }
    Some(Discovery::Dns { names, kind, port, refresh: refresh(map, 30) })
}
