//! A configuration of scraping that cannot be wrong: what Prometheus' `global` and `scrape_configs` say, defaults filled in.

mod client;
mod secret;

use std::{sync::Arc, time::Duration};

pub use client::{Auth, Headers, HttpClient, Proxy, Tls, TlsVersion};
pub use secret::{Material, Secret};

use crate::{
    LabelSet,
    name::{Escaping, Scheme},
    relabel::Rule,
};

/// All of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Config {
    /// What is added to whatever leaves this server; stored samples do not get them.
    pub external_labels: LabelSet,
    /// In the order of the file; names are unique.
    pub jobs: Vec<Arc<Job>>,
}

/// One item of `scrape_configs`.
#[derive(Clone, Debug, PartialEq)]
pub struct Job {
    pub name: Arc<str>,
    pub interval: Duration,
    /// At most `interval`.
    pub timeout: Duration,
    /// Labels of the target's own win over those of discovery.
    pub honor_labels: bool,
    /// Times that stand in the exposition are taken.
    pub honor_timestamps: bool,
    /// Series with times of their own get staleness markers too.
    pub track_timestamps_staleness: bool,
    /// `http` or `https`.
    pub scheme: Box<str>,
    pub metrics_path: Box<str>,
    /// Each name with its values, sorted by name.
    pub params: Vec<(Box<str>, Vec<Box<str>>)>,
    /// The most wanted first.
    pub protocols: Vec<Protocol>,
    /// What an answer without a usable `Content-Type` is read as.
    pub fallback: Option<Protocol>,
    pub native_histograms: bool,
    /// Classic histograms are kept beside the native ones that stand for the same.
    pub classic_histograms: bool,
    /// Classic histograms become native ones with custom buckets.
    pub convert_classic: bool,
    /// Further `scrape_…` series: the timeout, the sample limit, the body's size.
    pub extra_metrics: bool,
    /// Asks for gzip.
    pub compression: bool,
    pub limits: JobLimits,
    pub scheme_of_names: Scheme,
    pub escaping: Escaping,
    pub relabel: Arc<[Rule]>,
    pub metric_relabel: Arc<[Rule]>,
    pub http: HttpClient,
    pub discovery: Vec<Discovery>,
}

impl Job {
    /// `scrape_interval` where nothing is said.
    pub const INTERVAL: Duration = Duration::from_secs(60);
    /// `scrape_timeout` where nothing is said.
    pub const TIMEOUT: Duration = Duration::from_secs(10);

    /// What a job is that says its name alone.
    pub fn with_defaults(name: &str) -> Self {
        Self {
            name: name.into(),
            interval: Self::INTERVAL,
            timeout: Self::TIMEOUT,
            honor_labels: false,
            honor_timestamps: true,
            track_timestamps_staleness: false,
            scheme: "http".into(),
            metrics_path: "/metrics".into(),
            params: Vec::new(),
            protocols: Protocol::DEFAULT.to_vec(),
            fallback: None,
            native_histograms: false,
            classic_histograms: false,
            convert_classic: false,
            extra_metrics: false,
            compression: true,
            limits: JobLimits::default(),
            scheme_of_names: Scheme::default(),
            escaping: Escaping::default(),
            relabel: Arc::default(),
            metric_relabel: Arc::default(),
            http: HttpClient::default(),
            discovery: Vec::new(),
        }
    }
}

/// Limits of a job; 0 is none.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct JobLimits {
    /// `body_size_limit`: bytes of an answer, inflated.
    pub body_bytes: u64,
    /// `sample_limit`: samples of a scrape after relabelling.
    pub samples: u64,
    /// `target_limit`
    pub targets: u64,
    /// `label_limit`
    pub labels: u64,
    /// `label_name_length_limit`, in bytes
    pub label_name_bytes: u64,
    /// `label_value_length_limit`, in bytes
    pub label_value_bytes: u64,
    /// `keep_dropped_targets`: how many are shown.
    pub dropped_kept: u64,
    /// `native_histogram_bucket_limit`: a histogram with more gets a coarser resolution.
    pub buckets: u64,
    /// `native_histogram_min_bucket_factor`: the least growth from bucket to bucket.
    pub bucket_factor: f64,
}

/// A format of exposition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    Protobuf,
    Text004,
    Text100,
    OpenMetrics001,
    OpenMetrics100,
}

impl Protocol {
    /// Asked for where nothing is said.
    pub const DEFAULT: [Self; 4] =
        [Self::OpenMetrics100, Self::OpenMetrics001, Self::Text100, Self::Text004];
    /// The same where native histograms are wanted, which only protobuf carries.
    pub const PROTOBUF_FIRST: [Self; 5] =
        [Self::Protobuf, Self::OpenMetrics100, Self::OpenMetrics001, Self::Text100, Self::Text004];
    /// With the names that the configuration gives them.
    pub const ALL: [(&'static str, Self); 5] = [
        ("OpenMetricsText0.0.1", Self::OpenMetrics001),
        ("OpenMetricsText1.0.0", Self::OpenMetrics100),
        ("PrometheusProto", Self::Protobuf),
        ("PrometheusText0.0.4", Self::Text004),
        ("PrometheusText1.0.0", Self::Text100),
    ];
}

/// Where a job's targets come from.
#[derive(Clone, Debug, PartialEq)]
pub enum Discovery {
    /// `static_configs`
    Static(Vec<Group>),
    /// `file_sd_configs`
    Files { patterns: Vec<Box<str>>, refresh: Duration },
    /// `http_sd_configs`
    Http { url: Box<str>, refresh: Duration, client: Box<HttpClient> },
    /// `dns_sd_configs`
    Dns { names: Vec<Box<str>>, kind: DnsKind, port: u16, refresh: Duration },
}

/// Which records of a name are asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DnsKind {
    #[default]
    Srv,
    A,
    Aaaa,
    Mx,
    Ns,
}

/// Targets that were found together.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Group {
    /// Names the group within its discovery: a later one of the same source replaces it.
    pub source: Arc<str>,
    /// Each with `__address__` at least.
    pub targets: Vec<LabelSet>,
    /// Of all of them; a target's own win.
    pub labels: LabelSet,
}

#[cfg(test)]
pub(crate) mod test {
    //! A job with Prometheus' defaults.

    use super::*;

    pub(crate) fn job(name: &str) -> Job {
        Job::with_defaults(name)
    }
}
