//! What forwarding has counted, as metrics of `/metrics`.

use std::{
    fmt::Error,
    sync::{Arc, atomic::Ordering},
};

use app::remote::forward::{Counts, Dropped, Forwarded, Forwarding};
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric as _},
    metrics::{counter::ConstCounter, gauge::ConstGauge},
};

use crate::Metrics;

/// Adds the families `evenkeel_remote_write_…` to `metrics`.
pub fn measure_forwarding(forwarding: &Arc<Forwarding>, metrics: &Metrics) {
    if !forwarding.is_empty() {
        metrics.collect(Measured(Arc::clone(forwarding)));
    }
}

#[derive(Debug)]
struct Measured(Arc<Forwarding>);

/// A value of one receiver's counts.
type Read = fn(&Counts) -> u64;

const COUNTERS: [(&str, &str, Read); 6] = [
    ("samples_queued", "Samples taken into the queue", |counts| read(&counts.queued)),
    ("samples_sent", "Samples that the receiver took", |counts| read(&counts.sent)),
    ("samples_retried", "Samples that were sent again", |counts| read(&counts.retried)),
    ("exemplars_sent", "Exemplars that the receiver took", |counts| read(&counts.exemplars)),
    ("requests", "Requests to the receiver", |counts| read(&counts.requests)),
    ("bytes_sent", "Compressed bytes of requests", |counts| read(&counts.bytes)),
];
const GAUGES: [(&str, &str, Read); 4] = [
    ("queue_bytes", "Bytes that wait on the disk", |counts| read(&counts.queue_bytes)),
    ("samples_pending", "Samples that wait, of those that came since the start", pending),
    ("requests_in_flight", "Parts that are being sent side by side", |counts| read(&counts.shards)),
    ("sent_until_seconds", "Time of the newest sample that was sent", |counts| {
        read(&counts.sent_until_ms) / 1000
    }),
];

fn read(counter: &std::sync::atomic::AtomicU64) -> u64 {
    counter.load(Ordering::Relaxed)
}

fn pending(counts: &Counts) -> u64 {
    let dropped: u64 = [Dropped::Rejected, Dropped::TooOld, Dropped::QueueFull]
        .into_iter()
        .map(|why| counts.dropped(why))
        .sum();
    read(&counts.queued).saturating_sub(read(&counts.sent) + dropped)
}

impl Collector for Measured {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), Error> {
        let all = self.0.counts();
        for (name, help, read) in COUNTERS {
            family(&mut encoder, name, help, "counter", &all, read)?;
        }
        for (name, help, read) in GAUGES {
            family(&mut encoder, name, help, "gauge", &all, read)?;
        }
        let name = "evenkeel_remote_write_samples_dropped";
        let help = "Samples that did not reach the receiver, by reason";
        let counter = ConstCounter::new(0_u64);
        let mut metric = encoder.encode_descriptor(name, help, None, counter.metric_type())?;
        for Forwarded { name, counts } in &all {
            for why in Dropped::ALL {
                let labels = [("receiver", &**name), ("reason", why.as_str())];
                let value = ConstCounter::new(counts.dropped(why));
                value.encode(metric.encode_family(&labels)?)?;
            }
        }
        Ok(())
    }
}

fn family(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    kind: &str,
    all: &[Forwarded],
    read: Read,
) -> Result<(), Error> {
    let name = format!("evenkeel_remote_write_{name}");
    let is_counter = kind == "counter";
    let metric_type = if is_counter {
        ConstCounter::new(0_u64).metric_type()
    } else {
        ConstGauge::new(0_i64).metric_type()
    };
    let mut metric = encoder.encode_descriptor(&name, help, None, metric_type)?;
    for Forwarded { name, counts } in all {
        let labels = [("receiver", &**name)];
        let (value, metric) = (read(counts), metric.encode_family(&labels)?);
        if is_counter {
            ConstCounter::new(value).encode(metric)?;
        } else {
            ConstGauge::new(i64::try_from(value).unwrap_or(i64::MAX)).encode(metric)?;
        }
    }
    Ok(())
}
