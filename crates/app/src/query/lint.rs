//! What is likely wrong in an expression, with what this server knows of the metrics that it names.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use model::{Metadata, MetricKind};
use promql::{
    ParseError,
    lint::{self, Known, Lint},
};

use super::Parsed;
use crate::{App, remote::Remote, scrape::targets::Targets};

/// Metrics of one expression that are looked up; of more nothing is known.
const NAMES_MAX: usize = 100;
/// Metrics that a remote cluster is asked about, one request each.
const REMOTE_NAMES_MAX: usize = 8;
/// What a remote cluster has not said by then is not known.
const REMOTE_PATIENCE: Duration = Duration::from_secs(2);

/// What is known of the metrics of one expression, by the name of their families.
#[derive(Debug, Default)]
struct Facts {
    kinds: BTreeMap<Box<str>, MetricKind>,
    /// Of scraped ones: the shortest time between two samples.
    intervals_ms: BTreeMap<Box<str>, i64>,
}

impl App {
    /// What is likely wrong in `text`, in the order of places. Kinds come from the metrics' metadata, the time between two
    /// samples from the targets that expose them.
    ///
    /// # Errors
    /// When it is no PromQL.
    pub async fn lint_query(self: &Arc<Self>, text: &str) -> Result<Vec<Lint>, ParseError> {
        let parsed = self.parse_query(text)?;
        let mut facts = Facts::default();
        if let Some(remote) = &self.remote {
            let names = wanted(&parsed, REMOTE_NAMES_MAX);
            // A cluster that is slow or away makes findings fewer, not an error.
            drop(tokio::time::timeout(REMOTE_PATIENCE, facts.ask(remote, names)).await);
        }
        let app = Arc::clone(self);
        // The targets and the metadata may be many.
        let work = tokio::task::spawn_blocking(move || {
            let names = wanted(&parsed, NAMES_MAX);
            if app.remote.is_none() {
                facts.take(&names, &app.stores.metrics.metadata());
            }
            facts.look(&names, &app.scrape.targets());
            facts.lint(&parsed)
        });
        match work.await {
            Ok(found) => Ok(found),
            Err(error) => {
                tracing::error!(%error, "looking for what is wrong in an expression broke off");
                Ok(Vec::new())
            }
        }
    }
}

/// The families of the metrics that are named.
fn wanted(parsed: &Parsed, max: usize) -> Vec<Box<str>> {
    lint::names(&parsed.expr, max).into_iter().flat_map(lint::families).map(Box::from).collect()
}

impl Facts {
    async fn ask(&mut self, remote: &Remote, families: Vec<Box<str>>) {
        for family in families {
            let found = remote.metadata(Some(&family)).await;
            for one in found.into_iter().flat_map(|found| found.found).flat_map(|(_, all)| all) {
                self.kinds.entry(one.family.clone()).or_insert(one.kind);
            }
        }
    }

    fn take(&mut self, families: &[Box<str>], stored: &BTreeMap<Box<str>, Metadata>) {
        for family in families {
            if let Some(one) = stored.get(family) {
                self.kinds.insert(family.clone(), one.kind);
            }
        }
    }

    fn look(&mut self, families: &[Box<str>], targets: &Targets) {
        for (_, target) in targets.active() {
            let interval_ms = i64::try_from(target.interval.as_millis()).unwrap_or(i64::MAX);
            for family in families {
                let found = target.metadata.binary_search_by(|one| one.family.cmp(family));
                let Some(one) = found.ok().and_then(|at| target.metadata.get(at)) else { continue };
                self.kinds.entry(family.clone()).or_insert(one.kind);
                let shortest = self.intervals_ms.entry(family.clone()).or_insert(interval_ms);
                *shortest = interval_ms.min(*shortest);
            }
        }
    }

    fn lint(&self, parsed: &Parsed) -> Vec<Lint> {
        let kind = |name: &str| self.kinds.get(name).copied();
        let interval_ms = |name: &str| {
            lint::families(name).find_map(|family| self.intervals_ms.get(family)).copied()
        };
        lint::lint_with(&parsed.expr, &Known { kind: &kind, interval_ms: &interval_ms })
    }
}

#[cfg(test)]
mod tests {
    use model::{Labels, Timestamp};

    use super::*;
    use crate::scrape::targets::{ActiveTarget, Health, Pool};

    fn target(interval_s: u64, families: &[(&str, MetricKind)]) -> ActiveTarget {
        let metadata = families.iter().map(|(family, kind)| Metadata {
            family: (*family).into(),
            kind: *kind,
            help: "".into(),
            unit: "".into(),
        });
        ActiveTarget {
            discovered_labels: Labels::default(),
            labels: Labels::default(),
            scrape_url: "http://a/metrics".into(),
            global_url: "http://a/metrics".into(),
            health: Health::Up,
            last_error: "".into(),
            last_scrape: Some(Timestamp::from_millis(0)),
            last_scrape_duration: Duration::ZERO,
            interval: Duration::from_secs(interval_s),
            timeout: Duration::from_secs(1),
            metadata: metadata.collect(),
        }
    }

    #[test]
    fn the_interval_is_that_of_the_fastest_target_with_the_metric() {
        let active = vec![
            target(60, &[("hits", MetricKind::Counter), ("latency", MetricKind::Histogram)]),
            target(15, &[("hits", MetricKind::Counter)]),
            target(1, &[("other", MetricKind::Gauge)]),
        ];
        let pool = Pool {
            name: "a".into(),
            active,
            dropped: Vec::new(),
            dropped_count: 0,
            last_error: "".into(),
        };
        let targets = Targets { pools: vec![pool] };
        let check = |text: &str, expected: &[(&str, &str)]| {
            let parsed =
                Parsed { text: text.into(), expr: promql::parse(text).expect("it is PromQL") };
            let mut facts = Facts::default();
            facts.look(&wanted(&parsed, NAMES_MAX), &targets);
            let found = facts.lint(&parsed);
            let found: Vec<_> = found.iter().map(|one| (one.code, one.severity.as_str())).collect();
            assert_eq!(found, expected, "{text}");
        };
        check("rate(hits[1m])", &[]);
        check("rate(hits[20s])", &[("range-too-short", "error")]);
        check("rate(latency_bucket[1m])", &[("range-too-short", "error")]);
        check("rate(latency_count[3m])", &[("range-too-short", "hint")]);
        // What nobody is seen to scrape may come as often as it likes.
        check("rate(pushed_total[1s])", &[]);
        check("rate(other[1m])", &[("rate-of-gauge", "warning")]);
    }
}
