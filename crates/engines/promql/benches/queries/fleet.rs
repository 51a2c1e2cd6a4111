//! A fleet of services in memory: per instance 64 metrics and 3 classic histograms with 20 label sets each.

use std::{collections::BTreeMap, sync::Arc};

use model::{Label, Labels, MatchOp, Matcher, Points};
use promql::{Hints, SeriesSet, SeriesSource, SourceError};

const METHODS: [&str; 5] = ["GET", "POST", "PUT", "DELETE", "PATCH"];
const STATUS: [&str; 4] = ["200", "404", "500", "503"];
const REGIONS: [&str; 4] = ["eu-west-1", "eu-central-1", "us-east-1", "ap-south-1"];
const SERVICES: [&str; 10] = [
    "checkout",
    "cart",
    "search",
    "catalog",
    "payments",
    "shipping",
    "accounts",
    "recommend",
    "gateway",
    "inventory",
];
const BOUNDS: [&str; 10] =
    ["0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "0.5", "1", "2.5", "+Inf"];
const SAMPLES: i64 = 480;
const INTERVAL_MS: i64 = 15_000;
const START_MS: i64 = 1_700_000_000_000;

struct One {
    labels: Labels,
    /// Which of the times of instances it shares.
    instance: usize,
    values: Vec<f64>,
}

pub(crate) struct Fleet {
    series: Vec<One>,
    times: Vec<Vec<i64>>,
    by_name: BTreeMap<String, Vec<usize>>,
    pub(crate) end_ms: i64,
}

struct Random(u64);

impl Random {
    fn next(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as f64 / (1_u64 << 53) as f64
    }
}

fn name(metric: usize) -> String {
    match metric % 8 {
        0..=4 => format!("svc_c{metric:02}_requests_total"),
        5 => format!("svc_g{metric:02}_connections"),
        6 => format!("svc_g{metric:02}_queue_bytes"),
        _ => format!("svc_g{metric:02}_utilization"),
    }
}

impl Fleet {
    pub(crate) fn new(instances: usize) -> Self {
        let mut fleet = Self {
            series: Vec::new(),
            times: Vec::new(),
            by_name: BTreeMap::new(),
            end_ms: START_MS + SAMPLES * INTERVAL_MS,
        };
        let mut words: BTreeMap<String, Arc<str>> = BTreeMap::new();
        let mut random = Random(88_172_645_463_325_252);
        for instance in 0..instances {
            let offset = (random.next() * INTERVAL_MS as f64) as i64;
            fleet.times.push((0..SAMPLES).map(|at| START_MS + offset + at * INTERVAL_MS).collect());
            let service = SERVICES[instance % 10];
            let common = [
                ("instance".to_owned(), format!("10.{}.{}.0:9090", instance / 250, instance % 250)),
                ("job".to_owned(), format!("prod/{service}")),
                ("region".to_owned(), REGIONS[instance % 4].to_owned()),
                ("service".to_owned(), service.to_owned()),
            ];
            let mut add = |name: String,
                           own: Vec<(String, String)>,
                           counter: bool,
                           random: &mut Random| {
                let mut pairs: Vec<(String, String)> = common.to_vec();
                pairs.push(("__name__".to_owned(), name.clone()));
                pairs.extend(own);
                let mut word = |text: &str| {
                    Arc::clone(words.entry(text.to_owned()).or_insert_with(|| text.into()))
                };
                let labels: Vec<Label> = pairs
                    .iter()
                    .map(|(name, value)| Label { name: word(name), value: word(value) })
                    .collect();
                let labels =
                    Labels::from_pairs(labels.into_iter().map(|one| (one.name, one.value)));
                let rate = random.next() * 100.0;
                let mut value = (random.next() * 1e6).floor();
                let values = (0..SAMPLES)
                    .map(|_| {
                        let step = (rate * random.next()).round();
                        value =
                            if counter { value + step } else { (value + step - rate / 2.0).abs() };
                        value
                    })
                    .collect();
                fleet.by_name.entry(name).or_default().push(fleet.series.len());
                fleet.series.push(One { labels, instance, values });
            };
            let own = |pairs: &[(&str, &str)]| {
                pairs.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect::<Vec<_>>()
            };
            for metric in 0..64 {
                for set in 0..20 {
                    let counter = metric % 8 <= 4;
                    let pool = format!("pool-{set}");
                    let labels = if counter {
                        own(&[("method", METHODS[set / 4]), ("status", STATUS[set % 4])])
                    } else {
                        own(&[("pool", &pool)])
                    };
                    add(name(metric), labels, counter, &mut random);
                }
            }
            for histogram in 0..3 {
                for set in 0..20 {
                    for part in 0..12 {
                        let suffix =
                            ["bucket", "sum", "count"][if part < 10 { 0 } else { part - 9 }];
                        let mut labels =
                            own(&[("method", METHODS[set / 4]), ("status", STATUS[set % 4])]);
                        if part < 10 {
                            labels.extend(own(&[("le", BOUNDS[part])]));
                        }
                        let name = format!("http_{histogram}_request_duration_seconds_{suffix}");
                        add(name, labels, true, &mut random);
                    }
                }
            }
        }
        fleet
    }

    pub(crate) fn len(&self) -> usize {
        self.series.len()
    }
}

struct Set<'a> {
    fleet: &'a Fleet,
    found: Vec<usize>,
    start_ms: i64,
    end_ms: i64,
}

impl SeriesSource for Fleet {
    fn select(
        &self,
        matchers: &[Matcher],
        hints: &Hints,
    ) -> Result<Box<dyn SeriesSet + '_>, SourceError> {
        let (names, others): (Vec<&Matcher>, Vec<&Matcher>) =
            matchers.iter().partition(|one| one.name() == "__name__");
        let exact = names.iter().find(|one| one.op() == MatchOp::Equal);
        let candidates: Vec<usize> = match exact {
            Some(one) => self.by_name.get(one.value()).cloned().unwrap_or_default(),
            None => self
                .by_name
                .iter()
                .filter(|(name, _)| names.iter().all(|one| one.matches(name)))
                .flat_map(|(_, list)| list.iter().copied())
                .collect(),
        };
        let mut found = candidates;
        if !others.is_empty() {
            found
                .retain(|at| others.iter().all(|one| one.matches_labels(&self.series[*at].labels)));
        }
        Ok(Box::new(Set { fleet: self, found, start_ms: hints.start_ms, end_ms: hints.end_ms }))
    }
}

impl SeriesSet for Set<'_> {
    fn len(&self) -> usize {
        self.found.len()
    }

    fn labels(&self, at: usize) -> Labels {
        self.fleet.series[self.found[at]].labels.clone()
    }

    fn visit_labels(&self, at: usize, visit: &mut dyn FnMut(&str, &str)) {
        self.fleet.series[self.found[at]]
            .labels
            .iter()
            .for_each(|(name, value)| visit(name, value));
    }

    fn samples_hint(&self, _at: usize) -> usize {
        usize::try_from(((self.end_ms - self.start_ms) / INTERVAL_MS + 2).clamp(0, SAMPLES))
            .unwrap_or(0)
    }

    fn read(&self, at: usize, into: &mut Points) -> Result<(), SourceError> {
        let one = &self.fleet.series[self.found[at]];
        let times = &self.fleet.times[one.instance];
        let from = times.partition_point(|time| *time < self.start_ms);
        let to = times.partition_point(|time| *time <= self.end_ms);
        if from < to {
            into.times.extend_from_slice(&times[from..to]);
            into.values.extend_from_slice(&one.values[from..to]);
        }
        Ok(())
    }
}
