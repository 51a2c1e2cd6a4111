//! A day of the services' request metrics, as Prometheus remote write 1.0.
//!
//! The series are those that OTLP's `http.server.request.duration` becomes: `http_server_request_duration_seconds_bucket`, `_count`
//! and `_sum`. Each instance has number 0, the one before those that the deployer starts, so no live series goes on from it.

use prost::Message;

use super::backfill::{as_f64, traffic};
use crate::topology::{Part, rate_of};

/// Between two samples of a series.
const STEP_SECONDS: u64 = 60;
/// How far back the metrics reach.
const DAY_SECONDS: u64 = 86_400;
/// Samples of each series in one request.
const STEPS_PER_REQUEST: u64 = 60;
/// Upper bounds of the histogram, as the services' own, and as labels.
const BOUNDS: [(f64, &str); 14] = [
    (0.005, "0.005"),
    (0.01, "0.01"),
    (0.025, "0.025"),
    (0.05, "0.05"),
    (0.075, "0.075"),
    (0.1, "0.1"),
    (0.25, "0.25"),
    (0.5, "0.5"),
    (0.75, "0.75"),
    (1.0, "1"),
    (2.5, "2.5"),
    (5.0, "5"),
    (7.5, "7.5"),
    (10.0, "10"),
];

/// `prometheus.WriteRequest`
#[derive(Clone, PartialEq, Message)]
pub(super) struct WriteRequest {
    #[prost(message, repeated, tag = "1")]
    timeseries: Vec<TimeSeries>,
}

/// `prometheus.TimeSeries`
#[derive(Clone, PartialEq, Message)]
struct TimeSeries {
    #[prost(message, repeated, tag = "1")]
    labels: Vec<Label>,
    #[prost(message, repeated, tag = "2")]
    samples: Vec<Sample>,
}

/// `prometheus.Label`
#[derive(Clone, PartialEq, Message)]
struct Label {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(string, tag = "2")]
    value: String,
}

/// `prometheus.Sample`; the time is in milliseconds.
#[derive(Clone, Copy, PartialEq, Message)]
struct Sample {
    #[prost(double, tag = "1")]
    value: f64,
    #[prost(int64, tag = "2")]
    timestamp: i64,
}

impl WriteRequest {
    pub(super) fn samples(&self) -> usize {
        self.timeseries.iter().map(|series| series.samples.len()).sum()
    }

    /// As the body of a request: protobuf in snappy's block format.
    pub(super) fn encode(&self) -> Result<Vec<u8>, snap::Error> {
        snap::raw::Encoder::new().compress_vec(&self.encode_to_vec())
    }
}

/// One route of one service and what it is asked.
struct Route {
    part: Part,
    method: &'static str,
    route: &'static str,
    /// Share of the part's requests.
    share: f64,
    /// Mean of an exponential duration.
    mean_seconds: f64,
}

const ROUTES: [Route; 13] = [
    route(Part::Web, "GET", "/", 0.45, 0.014),
    route(Part::Web, "GET", "/search", 0.20, 0.024),
    route(Part::Web, "POST", "/cart", 0.20, 0.018),
    route(Part::Web, "POST", "/checkout", 0.15, 0.052),
    route(Part::Auth, "GET", "/session", 1.0, 0.003),
    route(Part::Catalog, "GET", "/products", 0.765, 0.006),
    route(Part::Catalog, "GET", "/products/{id}", 0.235, 0.006),
    route(Part::Search, "GET", "/search", 1.0, 0.016),
    route(Part::Cart, "POST", "/carts/{user}", 0.4, 0.009),
    route(Part::Cart, "GET", "/carts/{user}", 0.3, 0.003),
    route(Part::Cart, "DELETE", "/carts/{user}", 0.3, 0.003),
    route(Part::Payment, "POST", "/payments", 1.0, 0.028),
    route(Part::Checkout, "POST", "/checkout", 1.0, 0.042),
];

const fn route(
    part: Part,
    method: &'static str,
    route: &'static str,
    share: f64,
    mean_seconds: f64,
) -> Route {
    Route { part, method, route, share, mean_seconds }
}

/// The first sample's time, for a day that ends at `now`; both in seconds.
pub(super) const fn start(now: u64) -> u64 {
    let end = now - now % STEP_SECONDS;
    end - DAY_SECONDS + STEP_SECONDS
}

/// A day up to `now` (in seconds) while web is asked `web_rate` times a second; in order of time.
pub(super) fn day(web_rate: f64, now: u64) -> impl Iterator<Item = WriteRequest> {
    // How many seconds at the live rate each step has seen: all counters grow with it.
    let mut seen = 0.0;
    let steps = DAY_SECONDS / STEP_SECONDS;
    (0..steps).step_by(usize::try_from(STEPS_PER_REQUEST).unwrap_or(1)).map(move |first| {
        let times: Vec<(i64, f64)> = (first..(first + STEPS_PER_REQUEST).min(steps))
            .map(|step| {
                let at = start(now) + step * STEP_SECONDS;
                seen += traffic(now.saturating_sub(at)) * as_f64(STEP_SECONDS);
                (i64::try_from(at * 1_000).unwrap_or(i64::MAX), seen)
            })
            .collect();
        WriteRequest {
            timeseries: ROUTES.iter().flat_map(|route| series(route, web_rate, &times)).collect(),
        }
    })
}

fn series(route: &Route, web_rate: f64, times: &[(i64, f64)]) -> Vec<TimeSeries> {
    let per_second = rate_of(route.part, web_rate) * route.share;
    let counter = |name: &str, le: Option<&str>, growth: f64, whole: bool| TimeSeries {
        labels: labels(route, name, le),
        samples: times
            .iter()
            .map(|(timestamp, seen)| {
                let value = seen * per_second * growth;
                Sample { value: if whole { value.floor() } else { value }, timestamp: *timestamp }
            })
            .collect(),
    };
    let below = |bound: f64| 1.0 - (-bound / route.mean_seconds).exp();
    let mut all: Vec<TimeSeries> =
        BOUNDS.iter().map(|(bound, le)| counter("bucket", Some(le), below(*bound), true)).collect();
    all.push(counter("bucket", Some("+Inf"), 1.0, true));
    all.push(counter("count", None, 1.0, true));
    all.push(counter("sum", None, route.mean_seconds, false));
    all
}

/// Sorted by name, as remote write demands.
fn labels(route: &Route, name: &str, le: Option<&str>) -> Vec<Label> {
    let part = route.part.name();
    let instance = format!("{part}-0");
    let name = format!("http_server_request_duration_seconds_{name}");
    let job = format!("shop/{part}");
    let mut pairs = vec![
        ("__name__", name.as_str()),
        ("deployment_environment_name", "production"),
        ("http_request_method", route.method),
        ("http_response_status_code", "200"),
        ("http_route", route.route),
        ("instance", &instance),
        ("job", &job),
    ];
    pairs.extend(le.map(|le| ("le", le)));
    pairs.extend([
        ("service_instance_id", instance.as_str()),
        ("service_name", part),
        ("service_version", route.part.first_version()),
        ("url_scheme", "http"),
    ]);
    pairs
        .into_iter()
        .map(|(name, value)| Label { name: name.to_owned(), value: value.to_owned() })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::service::DURATION_BOUNDS;

    const NOW: u64 = 1_795_460_017;

    fn by_labels() -> BTreeMap<String, Vec<Sample>> {
        let mut all: BTreeMap<String, Vec<Sample>> = BTreeMap::new();
        for request in day(40.0, NOW) {
            for series in request.timeseries {
                let labels: Vec<String> = series
                    .labels
                    .iter()
                    .map(|label| format!("{}={}", label.name, label.value))
                    .collect();
                assert!(labels.is_sorted(), "{labels:?}");
                all.entry(labels.join(",")).or_default().extend(series.samples);
            }
        }
        all
    }

    #[test]
    fn counters_only_grow_and_their_times_are_in_order() {
        let all = by_labels();
        assert_eq!(all.len(), ROUTES.len() * 17);
        for (labels, samples) in &all {
            assert_eq!(samples.len(), 1_440);
            for pair in samples.windows(2) {
                assert!(
                    pair[0].timestamp < pair[1].timestamp && pair[0].value <= pair[1].value,
                    "{labels}"
                );
            }
            let last = samples[1_439].timestamp;
            assert!((0..60_000).contains(&(i64::try_from(NOW).unwrap() * 1_000 - last)));
        }
    }

    #[test]
    fn the_day_ends_at_the_live_rate() {
        let all = by_labels();
        let (_, samples) = all
            .iter()
            .find(|(labels, _)| {
                labels.contains("_count,")
                    && labels.contains("http_route=/checkout")
                    && labels.contains("=checkout,")
            })
            .unwrap();
        let per_second = (samples[1_439].value - samples[1_409].value) / 1_800.0;
        assert!((per_second - 6.0).abs() < 0.01, "{per_second} a second");
    }

    #[test]
    fn bounds_are_those_of_the_services() {
        for ((bound, label), other) in BOUNDS.iter().zip(DURATION_BOUNDS) {
            assert!((bound - other).abs() < 1e-12 && label.parse::<f64>().unwrap() == *bound);
        }
    }

    #[test]
    fn routes_share_all_of_a_part_s_requests() {
        let mut shares: BTreeMap<Part, f64> = BTreeMap::new();
        for route in &ROUTES {
            *shares.entry(route.part).or_default() += route.share;
        }
        assert!(shares.values().all(|share| (share - 1.0).abs() < 1e-9), "{shares:?}");
    }

    #[test]
    fn a_request_is_small_and_reads_back() {
        let request = day(40.0, NOW).next().unwrap();
        let encoded = request.encode().unwrap();
        assert!(encoded.len() < 512 * 1024, "{} bytes", encoded.len());
        let raw = snap::raw::Decoder::new().decompress_vec(&encoded).unwrap();
        assert!(raw.len() < 1024 * 1024, "{} bytes", raw.len());
        assert_eq!(WriteRequest::decode(raw.as_slice()).unwrap(), request);
    }
}
