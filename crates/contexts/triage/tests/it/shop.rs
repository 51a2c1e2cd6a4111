//! A shop of seven services with realistic skew and correlations, one deploy in progress, and a fault by choice; and
//! selections as a user would draw them on its latency heatmap.

use triage::difference::{Counter, Difference};

/// SplitMix64: a seed replays a shop.
#[derive(Clone, Debug)]
pub(crate) struct Rng(pub(crate) u64);

impl Rng {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// From 0 to 1.
    pub(crate) fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    pub(crate) fn chance(&mut self, share: f64) -> bool {
        self.unit() < share
    }

    pub(crate) fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end as u64).unwrap()
    }

    pub(crate) fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }

    /// Standard normal (Box–Muller).
    pub(crate) fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.unit()).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.unit()).cos()
    }

    /// One of `items`, each by its weight.
    pub(crate) fn pick<'a, T>(&mut self, items: &'a [(T, f64)]) -> &'a T {
        let mut left = self.unit() * items.iter().map(|(_, weight)| weight).sum::<f64>();
        for (item, weight) in items {
            left -= weight;
            if left < 0.0 {
                return item;
            }
        }
        &items[items.len() - 1].0
    }

    /// A place below `end` of which the first are the most frequent.
    pub(crate) fn zipf(&mut self, end: usize) -> usize {
        let place = ((end as f64 + 1.0).powf(self.unit()) - 1.0).floor();
        (0..end).take_while(|n| (*n as f64) < place).count()
    }
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    Text(String),
    Number(f64),
}

#[derive(Clone, Debug)]
pub(crate) struct Event {
    pub(crate) attributes: Vec<(&'static str, Value)>,
    pub(crate) duration_ms: f64,
    /// Of the hour that is on the page, from 0 to 1.
    pub(crate) at: f64,
    /// Whether the fault made it slow.
    pub(crate) guilty: bool,
}

/// What makes spans slow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cause {
    Nothing,
    /// The new version of a service in one region.
    VersionInRegion,
    /// One host.
    Host,
    /// Requests without `cache.key`.
    NoCacheKey,
    /// Payloads above a size.
    BigPayload,
}

const SERVICES: [(&str, &str, [&str; 4]); 7] = [
    ("frontend", "javascript", ["GET /", "GET /product", "GET /cart", "POST /checkout"]),
    ("checkout", "go", ["PlaceOrder", "GetOrder", "Quote", "Refund"]),
    ("payment", "java", ["Charge", "Authorize", "Void", "Settle"]),
    ("cart", "dotnet", ["AddItem", "GetCart", "EmptyCart", "Merge"]),
    ("catalog", "go", ["ListProducts", "GetProduct", "Search", "Suggest"]),
    ("shipping", "rust", ["GetQuote", "ShipOrder", "Track", "Label"]),
    ("recommend", "python", ["Recommend", "Train", "Similar", "Feedback"]),
];

const REGIONS: [(&str, f64); 4] =
    [("us-east", 0.45), ("eu-west", 0.28), ("ap-south", 0.17), ("sa-east", 0.10)];

pub(crate) struct Shop {
    pub(crate) cause: Cause,
    pub(crate) service: usize,
    pub(crate) region: &'static str,
    pub(crate) version: String,
    pub(crate) host: String,
    pub(crate) payload_min: f64,
    pub(crate) slower: f64,
    pub(crate) events: Vec<Event>,
}

impl Shop {
    pub(crate) fn new(seed: u64, cause: Cause, events: usize, whole: bool) -> Self {
        let mut rng = Rng(seed.wrapping_mul(0x1000_0001).wrapping_add(17));
        let service = rng.below(SERVICES.len());
        let mut shop = Self {
            cause,
            service,
            region: REGIONS[rng.below(REGIONS.len())].0,
            version: String::new(),
            host: String::new(),
            payload_min: rng.between(8e3, 6e4),
            slower: rng.between(5.0, 15.0),
            events: Vec::new(),
        };
        let versions: Vec<[String; 3]> = (0..SERVICES.len())
            .map(|_| {
                let (major, minor) = (1 + rng.below(3), rng.below(9));
                [0, 1, 2].map(|patch| format!("{major}.{minor}.{patch}"))
            })
            .collect();
        shop.version.clone_from(&versions[service][2]);
        shop.host = format!("node-{}-{}", shop.region, rng.below(4));
        let rollout = Rollout {
            start: rng.between(0.1, 0.5),
            full: rng.between(0.15, 0.7),
            other: rng.below(SERVICES.len()),
            first_region: REGIONS[rng.below(REGIONS.len())].0,
        };
        shop.events =
            (0..events).map(|_| shop.event(&mut rng, &versions, &rollout, whole)).collect();
        shop
    }

    fn event(
        &self,
        rng: &mut Rng,
        versions: &[[String; 3]],
        rollout: &Rollout,
        whole: bool,
    ) -> Event {
        let traffic = [(0, 30.0), (1, 10.0), (2, 9.0), (3, 14.0), (4, 22.0), (5, 6.0), (6, 9.0)];
        let service = if whole { *rng.pick(&traffic) } else { self.service };
        let (name, language, operations) = &SERVICES[service];
        let at = rng.unit();
        let region = *rng.pick(&REGIONS);
        let zone = rng.pick(&[("a", 5.0), ("b", 3.0), ("c", 2.0)]);
        let node = rng.below(4);
        let host = format!("node-{region}-{node}");
        let new = rng.chance(rollout.share(
            service == self.service,
            service == rollout.other,
            region,
            at,
        ));
        let version = &versions[service][if new { 2 } else { usize::from(rng.chance(0.93)) }];
        let operation = *rng.pick(&[0, 1, 2, 3].map(|n| (n, [50.0, 30.0, 15.0, 5.0][n])));
        let tier = *rng.pick(&[("free", 70.0), ("pro", 22.0), ("enterprise", 8.0)]);
        let customer = rng.zipf(if tier == "free" { 700 } else { 60 });
        let device = *rng.pick(&[("mobile", 55.0), ("desktop", 38.0), ("tablet", 7.0)]);
        let os = match device {
            "desktop" => *rng.pick(&[("windows", 6.0), ("macos", 3.0), ("linux", 1.0)]),
            _ => *rng.pick(&[("android", 6.0), ("ios", 4.0)]),
        };
        let payload = (8.0 + 1.6 * rng.normal()).exp().round();
        let has_cache_key = service != 2 && rng.chance(0.9);
        let is_error = rng.chance(0.01);
        let guilty = match self.cause {
            Cause::Nothing => false,
            Cause::VersionInRegion => service == self.service && new && region == self.region,
            Cause::Host => host == self.host,
            Cause::NoCacheKey => service != 2 && !has_cache_key,
            Cause::BigPayload => payload >= self.payload_min,
        };
        let mut duration_ms = [12.0, 25.0, 60.0, 180.0][operation]
            * [1.6, 1.2, 1.5, 0.6, 0.8, 1.0, 1.4][service]
            * if tier == "enterprise" { 1.3 } else { 1.0 }
            * (0.45 * rng.normal()).exp();
        if rng.chance(0.006) {
            duration_ms *= rng.between(4.0, 20.0);
        }
        if guilty {
            duration_ms *= self.slower * (0.2 * rng.normal()).exp();
        }
        let text = |text: &str| Value::Text(text.to_owned());
        let id = rng.next();
        let mut attributes = vec![
            ("service", text(name)),
            ("version", text(version)),
            ("operation", text(operations[operation])),
            ("region", text(region)),
            ("cloud.region", Value::Text(format!("aws-{region}"))),
            ("zone", Value::Text(format!("{region}-1{zone}"))),
            ("host.name", Value::Text(host)),
            ("pod", Value::Text(format!("{name}-{}-{region}-{node}", version.replace('.', "")))),
            ("image.tag", Value::Text(format!("v{version}"))),
            ("team", text(["web", "money", "money", "web", "data", "goods", "data"][service])),
            ("telemetry.sdk.language", text(language)),
            ("http.route", text(operations[operation])),
            (
                "http.status_code",
                Value::Number(if is_error {
                    *rng.pick(&[(500.0, 3.0), (503.0, 1.0), (404.0, 4.0)])
                } else {
                    200.0
                }),
            ),
            ("customer.tier", text(tier)),
            ("customer.name", Value::Text(format!("{tier}-{customer}"))),
            ("device", text(device)),
            ("os", text(os)),
            ("app.version", Value::Text(format!("{}.{}", 5 + rng.zipf(3), rng.zipf(8)))),
            ("flag.new_search", text(if rng.chance(0.1) { "on" } else { "off" })),
            ("payload_bytes", Value::Number(payload)),
            ("queue.depth", Value::Number((20.0 * rng.unit() * rng.unit()).floor())),
            ("cpu.load", Value::Number(rng.unit())),
            ("thread.id", Value::Number((rng.below(200) + 1) as f64)),
            ("trace_id", Value::Text(format!("{id:016x}{:016x}", rng.next()))),
            ("request.id", Value::Text(format!("req-{:016x}", rng.next()))),
            ("url", Value::Text(format!("/c/{customer}/o/{}", 10_000 + id % 90_000))),
            (
                "time",
                Value::Text(format!("2026-11-23T03:{:02.0}:{:02}Z", (at * 59.0).floor(), id % 60)),
            ),
            ("environment", text("prod")),
        ];
        if has_cache_key {
            attributes.push(("cache.key", Value::Text(format!("k{}", rng.zipf(50)))));
        }
        if matches!(service, 1 | 2) {
            attributes.push((
                "payment.method",
                text(rng.pick::<&str>(&[("card", 7.0), ("paypal", 2.0), ("invoice", 1.0)])),
            ));
        }
        if matches!(service, 3..=5) && rng.chance(0.8) {
            attributes.push(("db.system", text(if service == 3 { "redis" } else { "postgresql" })));
        }
        if rng.chance(0.03) {
            attributes.push(("retry.count", Value::Number(1.0 + rng.zipf(3) as f64)));
        }
        Event { attributes, duration_ms, at, guilty }
    }

    /// A box on the heatmap around the slow cloud: the later part of the hour, open above, from the height at which the
    /// cloud stands out best from the others.
    pub(crate) fn perfect_box(&self, rng: &mut Rng) -> Vec<bool> {
        let (from, to) = (rng.between(0.45, 0.6), rng.between(0.8, 1.0));
        let mut seen: Vec<_> = self
            .events
            .iter()
            .filter(|event| event.at >= from && event.at < to)
            .map(|event| (event.duration_ms, event.guilty))
            .collect();
        seen.sort_by(|a, b| b.0.total_cmp(&a.0));
        let (mut floor, mut best, mut balance) = (f64::INFINITY, 0, 0);
        for (duration, guilty) in seen {
            balance += if guilty { 1 } else { -1 };
            if balance > best {
                (floor, best) = (duration, balance);
            }
        }
        let inside =
            |event: &Event| event.at >= from && event.at < to && event.duration_ms >= floor;
        self.events.iter().map(inside).collect()
    }

    /// The share of a selection that the fault did not make slow; 1 for an empty one.
    pub(crate) fn innocents(&self, inside: &[bool]) -> f64 {
        let (mut selected, mut innocent) = (0.0, 0.0);
        for (event, _) in self.events.iter().zip(inside).filter(|(_, inside)| **inside) {
            selected += 1.0;
            innocent += if event.guilty { 0.0 } else { 1.0 };
        }
        if selected > 0.0 { innocent / selected } else { 1.0 }
    }

    /// A careless box: a third of the guilty are missed, and as many innocents as make up this share are in it.
    pub(crate) fn careless_box(&self, rng: &mut Rng, innocents: f64) -> Vec<bool> {
        let mut inside = self.perfect_box(rng);
        for (inside, event) in inside.iter_mut().zip(&self.events) {
            *inside = *inside && !(event.guilty && rng.chance(0.33));
        }
        let count = |inside: &[bool], guilty| {
            let is = |(inside, event): &(&bool, &Event)| **inside && event.guilty == guilty;
            inside.iter().zip(&self.events).filter(is).count()
        };
        let wanted = count(&inside, true) as f64 * innocents / (1.0 - innocents);
        let mut missing = wanted - count(&inside, false) as f64;
        while missing > 0.0 {
            let at = rng.below(inside.len());
            if !inside[at] && !self.events[at].guilty {
                inside[at] = true;
                missing -= 1.0;
            }
        }
        inside
    }

    /// As [`Self::new`], seen as its user would: on the page of the whole shop, or on that of the faulty service where
    /// the cloud of slow spans drowns among those of all services (and for every other seed anyway).
    pub(crate) fn as_seen(seed: u64, cause: Cause, events: usize) -> Self {
        let is_visible = |shop: &Self, most: f64| {
            let drawn = shop.perfect_box(&mut Rng(seed));
            let selected = drawn.iter().filter(|inside| **inside).count();
            selected >= 30 && shop.innocents(&drawn) <= most
        };
        let mut shop = Self::new(seed, cause, events, seed.is_multiple_of(2));
        if cause == Cause::VersionInRegion && !is_visible(&shop, 0.4) {
            shop = Self::new(seed, cause, events, false);
        }
        // Too few slow spans to see a cloud: a longer time is looked at.
        let mut longer = events;
        while !is_visible(&shop, 1.0) && longer < events * 9 {
            longer *= 3;
            shop = Self::new(seed, cause, longer, cause != Cause::VersionInRegion);
        }
        shop
    }

    /// Whether a row says the cause.
    pub(crate) fn is_cause(&self, terms: &[String]) -> bool {
        let has = |term: &str| terms.iter().any(|have| have == term);
        match self.cause {
            Cause::Nothing => false,
            Cause::VersionInRegion => {
                terms.len() == 2
                    && (has(&format!("version={}", self.version))
                        || has(&format!("image.tag=v{}", self.version)))
                    && (has(&format!("region={}", self.region))
                        || has(&format!("cloud.region=aws-{}", self.region)))
            }
            Cause::Host => terms.len() == 1 && has(&format!("host.name={}", self.host)),
            Cause::NoCacheKey => has("no cache.key"),
            Cause::BigPayload => terms.len() == 1 && terms[0].starts_with("payload_bytes ≥"),
        }
    }

    /// The place of the first row that says the cause, or whose equal beside it does; the best is 1, and those that
    /// could be chance come after the others.
    pub(crate) fn place_of_cause(&self, difference: &Difference) -> Option<usize> {
        use triage::difference::{Relation, Term};
        let texts = |terms: &[Term]| terms.iter().map(Term::to_string).collect::<Vec<_>>();
        let says = |row: &triage::difference::Row| {
            self.is_cause(&texts(&row.terms))
                || row.beside.iter().any(|beside| {
                    beside.relation == Relation::Same && self.is_cause(&texts(&beside.terms))
                })
        };
        difference.rows.iter().chain(&difference.perhaps).position(says).map(|at| at + 1)
    }
}

struct Rollout {
    start: f64,
    full: f64,
    /// Another service that deploys at the same time, without fault.
    other: usize,
    first_region: &'static str,
}

impl Rollout {
    /// The share of the new version, which grows with time and is ahead in one region.
    fn share(&self, faulty: bool, other: bool, region: &str, at: f64) -> f64 {
        if !faulty && !other {
            return 0.0;
        }
        let ahead = if region == self.first_region { 0.15 } else { 0.0 };
        let done = ((at + ahead - self.start) / 0.3).clamp(0.0, 1.0);
        done * self.full
    }
}

/// Counts events in both passes.
pub(crate) fn difference(events: &[Event], inside: &[bool]) -> Difference {
    let mut counter = Counter::new(&["service", "version", "region", "operation"]);
    let mut coded = Vec::with_capacity(events.len());
    for (event, inside) in events.iter().zip(inside) {
        let id = |(name, value): &(&str, Value)| {
            let key = counter.key(name).unwrap();
            (
                key,
                match value {
                    Value::Text(text) => counter.text(key, text),
                    Value::Number(number) => counter.number(key, *number),
                },
            )
        };
        let ids: Vec<_> = event.attributes.iter().map(id).collect();
        counter.observe_present(*inside, 1.0, ids.iter().copied());
        coded.push(ids);
    }
    let mut pairs = counter.into_pairs();
    for (ids, inside) in coded.into_iter().zip(inside) {
        pairs.observe_present(*inside, 1.0, ids);
    }
    pairs.into_difference()
}
