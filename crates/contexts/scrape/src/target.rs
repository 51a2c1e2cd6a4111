//! Targets: from what discovery found to what is scraped.

use std::{sync::Arc, time::Duration};

use model::Labels;

use crate::{Group, Job, LabelSet, offset::Hash, relabel};

mod url;

pub use url::{encode_path, encode_query};

/// One thing to scrape.
#[derive(Clone, Debug, PartialEq)]
pub struct Target {
    /// Before relabelling.
    pub discovered: Labels,
    /// After it, without `__…` labels: what its samples get.
    pub labels: Labels,
    /// Absolute, its parameters included.
    pub url: Arc<str>,
    pub interval: Duration,
    pub timeout: Duration,
    /// Of labels and URL: targets with one hash are one target.
    pub hash: u64,
}

/// What became of one discovered target.
#[derive(Clone, Debug, PartialEq)]
pub enum Built {
    Target(Box<Target>),
    /// Relabelling dropped it.
    Dropped(Labels),
}

/// Why a discovered target cannot be scraped.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    #[error("instance {at} in group {group}: {what}")]
    Instance { at: usize, group: Arc<str>, what: TargetProblem },
}

/// What is wrong with its labels.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TargetProblem {
    #[error("no address")]
    NoAddress,
    #[error("`{0}` is not a valid hostname")]
    Address(Box<str>),
    #[error("the scheme is `{0}`; `http` and `https` are allowed")]
    Scheme(Box<str>),
    #[error("error parsing scrape {what}: `{text}` is not a duration")]
    Duration { what: &'static str, text: Box<str> },
    #[error("scrape {what} cannot be 0")]
    Zero { what: &'static str },
    #[error("scrape timeout cannot be greater than scrape interval (`{timeout}` > `{interval}`)")]
    TimeoutAboveInterval { timeout: Box<str>, interval: Box<str> },
}

const ADDRESS: &str = "__address__";
const INTERVAL: &str = "__scrape_interval__";
const TIMEOUT: &str = "__scrape_timeout__";
const PATH: &str = "__metrics_path__";
const SCHEME: &str = "__scheme__";
const PARAM: &str = "__param_";
const META: &str = "__meta_";
const INSTANCE: &str = "instance";

/// The targets of a group, in its order.
pub fn build(job: &Job, group: &Group) -> Vec<Result<Built, TargetError>> {
    let one = |(at, target): (usize, &LabelSet)| {
        build_one(job, group, target).map_err(|what| TargetError::Instance {
            at,
            group: Arc::clone(&group.source),
            what,
        })
    };
    group.targets.iter().enumerate().map(one).collect()
}

fn build_one(job: &Job, group: &Group, target: &LabelSet) -> Result<Built, TargetProblem> {
    let discovered = discovered(job, group, target);
    let before = discovered.to_labels();
    let mut labels = discovered;
    if !relabel::apply(&job.relabel, &mut labels) {
        return Ok(Built::Dropped(before));
    }
    let address = labels.get(ADDRESS).to_owned();
    if address.is_empty() {
        return Err(TargetProblem::NoAddress);
    }
    if address.contains('/') {
        return Err(TargetProblem::Address(address.into()));
    }
    let interval = duration(&labels, INTERVAL, "interval")?;
    let timeout = duration(&labels, TIMEOUT, "timeout")?;
    if timeout > interval {
        return Err(TargetProblem::TimeoutAboveInterval {
            timeout: labels.get(TIMEOUT).into(),
            interval: labels.get(INTERVAL).into(),
        });
    }
    let url = url::of(job, &labels)?;
    labels.retain(|name| !name.starts_with(META));
    labels.set_default(INSTANCE, &address);
    labels.retain(|name| !name.starts_with("__"));
    let labels = labels.to_labels();
    let hash =
        labels.iter().fold(Hash::default(), |hash, (name, value)| hash.with(name).with(value));
    let hash = hash.with(&url).value();
    Ok(Built::Target(Box::new(Target {
        discovered: before,
        labels,
        url: url.into(),
        interval,
        timeout,
        hash,
    })))
}

/// The labels before relabelling: the target's, the group's, the job's.
fn discovered(job: &Job, group: &Group, target: &LabelSet) -> LabelSet {
    let mut labels = target.clone();
    for (name, value) in group.labels.iter() {
        labels.set_default(name, value);
    }
    labels.set_default("job", &job.name);
    labels.set_default(INTERVAL, &print_duration(job.interval));
    labels.set_default(TIMEOUT, &print_duration(job.timeout));
    labels.set_default(PATH, &job.metrics_path);
    labels.set_default(SCHEME, &job.scheme);
    for (name, values) in &job.params {
        if let Some(first) = values.first() {
            labels.set_default(&format!("{PARAM}{name}"), first);
        }
    }
    labels
}

fn duration(labels: &LabelSet, name: &str, what: &'static str) -> Result<Duration, TargetProblem> {
    let text = labels.get(name);
    match parse_duration(text) {
        None => Err(TargetProblem::Duration { what, text: text.into() }),
        Some(Duration::ZERO) => Err(TargetProblem::Zero { what }),
        Some(duration) => Ok(duration),
    }
}

/// Units and their milliseconds, the largest first.
const UNITS: [(&str, u64); 7] = [
    ("y", 365 * 86_400_000),
    ("w", 7 * 86_400_000),
    ("d", 86_400_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1000),
    ("ms", 1),
];

/// `1h30m`, `15s`, `0`: units from large to small, each at most once.
pub fn parse_duration(text: &str) -> Option<Duration> {
    if text == "0" {
        return Some(Duration::ZERO);
    }
    let mut rest = text;
    let mut units = UNITS.iter();
    let mut millis: u64 = 0;
    while !rest.is_empty() {
        let (number, tail) = rest.split_at_checked(rest.find(|c: char| !c.is_ascii_digit())?)?;
        let (unit, tail) =
            tail.split_at_checked(tail.find(|c: char| c.is_ascii_digit()).unwrap_or(tail.len()))?;
        let (_, factor) = units.find(|(name, _)| *name == unit)?;
        millis = millis.checked_add(number.parse::<u64>().ok()?.checked_mul(*factor)?)?;
        rest = tail;
    }
    let fits = i64::try_from(millis).is_ok_and(|millis| millis.checked_mul(1_000_000).is_some());
    (!text.is_empty() && fits).then(|| Duration::from_millis(millis))
}

/// As Prometheus prints one: `1m30s`, `1w`; years and weeks only when they are exact.
pub fn print_duration(duration: Duration) -> String {
    let mut rest = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    if rest == 0 {
        return "0s".to_owned();
    }
    let mut text = String::new();
    for (unit, millis) in UNITS {
        let exact = !matches!(unit, "y" | "w" | "d") || rest % millis == 0;
        if rest >= millis && exact {
            text.push_str(&format!("{}{unit}", rest / millis));
            rest %= millis;
        }
    }
    text
}

#[cfg(test)]
mod tests;
