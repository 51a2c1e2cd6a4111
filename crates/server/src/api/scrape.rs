//! What scraping has counted, as metrics of `/metrics`.

use std::{collections::BTreeMap, fmt::Error, sync::Arc};

use app::scrape::{Scrape, targets::Health};
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric as _},
    metrics::{MetricType, counter::ConstCounter, gauge::ConstGauge},
};

use crate::Metrics;

/// Adds the families `evenkeel_scrape_…` to `metrics`; they are there once something is to be scraped.
pub fn measure_scraping(scrape: &Arc<Scrape>, metrics: &Metrics) {
    metrics.collect(Measured(Arc::clone(scrape)));
}

#[derive(Debug)]
struct Measured(Arc<Scrape>);

impl Collector for Measured {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), Error> {
        if self.0.config().is_none() {
            return Ok(());
        }
        let counted = self.0.counted();
        let counters = [
            ("scrapes", "Scrapes that ended, good or bad", counted.scrapes),
            ("scrapes_failed", "Scrapes after which the target is down", counted.failed),
            ("samples", "Samples of scrapes that were stored", counted.samples),
        ];
        for (name, help, value) in counters {
            let (name, counter) = (format!("evenkeel_scrape_{name}"), ConstCounter::new(value));
            let kind = counter.metric_type();
            counter.encode(encoder.encode_descriptor(&name, help, None, kind)?)?;
        }
        let help = "Samples of scrapes that were refused";
        let name = "evenkeel_scrape_samples_refused";
        let mut family = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
        for (reason, count) in counted.refused {
            ConstCounter::new(count).encode(family.encode_family(&[("reason", reason)])?)?;
        }
        let help = "Secrets replaced in what was scraped";
        let name = "evenkeel_scrape_redacted";
        let mut family = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
        for (rule, count) in counted.redacted {
            ConstCounter::new(count).encode(family.encode_family(&[("rule", rule)])?)?;
        }
        let help = "Whether the scrape configuration that was read last is in force";
        let name = "evenkeel_scrape_config_last_reload_successful";
        let gauge = ConstGauge::new(i64::from(self.0.config_state().errors() == 0));
        gauge.encode(encoder.encode_descriptor(name, help, None, gauge.metric_type())?)?;
        self.targets(&mut encoder)
    }
}

impl Measured {
    /// Each job's targets, those of its discovery that relabelling dropped among them.
    fn targets(&self, encoder: &mut DescriptorEncoder<'_>) -> Result<(), Error> {
        let targets = self.0.targets();
        let help = "Targets of each job of the scrape configuration, by how their last scrape went";
        let name = "evenkeel_scrape_targets";
        let mut family = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
        for pool in &targets.pools {
            let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
            for health in [Health::Up, Health::Down, Health::Unknown] {
                counts.insert(health.as_str(), 0);
            }
            counts.insert("dropped", pool.dropped_count);
            for target in &pool.active {
                *counts.entry(target.health.as_str()).or_default() += 1;
            }
            for (state, count) in counts {
                let labels = [("scrape_job", &*pool.name), ("state", state)];
                let gauge = ConstGauge::new(i64::try_from(count).unwrap_or(i64::MAX));
                gauge.encode(family.encode_family(&labels)?)?;
            }
        }
        let help = "Whether the discovery of a job fails, or a limit keeps it from all its targets";
        let name = "evenkeel_scrape_job_failing";
        let mut family = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
        for pool in &targets.pools {
            let gauge = ConstGauge::new(i64::from(!pool.last_error.is_empty()));
            gauge.encode(family.encode_family(&[("scrape_job", &*pool.name)])?)?;
        }
        Ok(())
    }
}
