//! A synthetic fleet, the same as the load generator's: an instance exposes classic histograms and families of counters
//! and gauges, each of 20 label sets. Values depend on the seed, the instance and the step only.

use model::Labels;

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
const LE: [&str; 10] = ["0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "0.5", "1", "2.5", "+Inf"];
const LE_CDF: [f64; 10] = [0.04, 0.13, 0.36, 0.62, 0.81, 0.935, 0.975, 0.992, 0.998, 1.0];

struct Rng(u64);

impl Rng {
    fn next(&mut self) -> u64 {
        let mut x = self.0;
        x ^= x >> 12;
        x ^= x << 25;
        x ^= x >> 27;
        self.0 = x;
        x.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }
    fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }
    /// Near-Gaussian, of deviation 1 (a sum of four uniforms).
    fn gauss(&mut self) -> f64 {
        let x = self.next();
        ((x & 0xffff) + (x >> 16 & 0xffff) + (x >> 32 & 0xffff) + (x >> 48)) as f64 / 37837.0
            - 3.464
    }
}

fn hash(a: u64, b: u64) -> u64 {
    let mut rng =
        Rng(a.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ b.wrapping_mul(0xD134_2543_DE82_EF95) | 1);
    rng.next();
    rng.next()
}

#[derive(Clone, Copy)]
enum Kind {
    Counter,
    IntGauge,
    Walk,
    Noise,
    Const,
    Bucket(u8),
    Sum,
    Count,
}

pub(crate) struct Layout {
    pub(crate) scalars: usize,
    pub(crate) hist: usize,
    pub(crate) interval: i64,
    pub(crate) jitter: i64,
    pub(crate) seed: u64,
}

impl Layout {
    #[allow(dead_code, reason = "the bench has one instance")]
    pub(crate) fn per_instance(&self) -> usize {
        self.scalars * 20 + self.hist * 240
    }

    fn name(m: usize) -> String {
        match m % 8 {
            0..=4 => format!("svc_c{m:02}_requests_total"),
            5 => format!("svc_g{m:02}_connections"),
            6 => format!("svc_g{m:02}_queue_bytes"),
            _ => format!("svc_g{m:02}_utilization"),
        }
    }
}

pub(crate) struct Instance {
    id: u64,
    offset: i64,
    rng: Rng,
    kind: Vec<Kind>,
    par: Vec<f32>,
    val: Vec<f64>,
}

impl Instance {
    pub(crate) fn new(l: &Layout, id: u64) -> Instance {
        let offset = (hash(id, l.seed) % l.interval as u64) as i64;
        let rng = Rng(hash(id, l.seed ^ 7) | 1);
        let mut s = Instance { id, offset, rng, kind: vec![], par: vec![], val: vec![] };
        let mut r = Rng(hash(id, l.seed ^ 99) | 1);
        for m in 0..l.scalars {
            for c in 0..20usize {
                let rate = 10f64.powf(r.unit() * 4.0 - 1.5) * [0.97, 0.02, 0.007, 0.003][c % 4];
                let (kind, par, val) = match m % 8 {
                    0..=4 => {
                        let par = if r.unit() < 0.25 { 0.0 } else { rate };
                        (Kind::Counter, par, (rate * 36000.0 * r.unit()).floor())
                    }
                    5 => (Kind::IntGauge, 500.0, (r.unit() * 500.0).floor()),
                    6 => {
                        let kind = if r.unit() < 0.3 { Kind::Const } else { Kind::Walk };
                        (kind, 4096.0, (r.unit() * 5e4).floor() * 4096.0)
                    }
                    _ => (Kind::Noise, 0.02, r.unit()),
                };
                s.kind.push(kind);
                s.par.push(par as f32);
                s.val.push(val);
            }
        }
        for _ in 0..l.hist {
            for _ in 0..20 {
                let rate = 10f64.powf(r.unit() * 3.0 - 1.0);
                for k in 0..12u8 {
                    s.kind.push(match k {
                        0..=9 => Kind::Bucket(k),
                        10 => Kind::Sum,
                        _ => Kind::Count,
                    });
                    s.par.push(rate as f32);
                    s.val.push(0.0);
                }
            }
        }
        s
    }

    /// The labels of every series, in the order of [`Self::step`].
    pub(crate) fn labels(&self, l: &Layout) -> Vec<Labels> {
        let svc = SERVICES[self.id as usize % 10];
        let inst = format!("10.{}.{}.0:9090", self.id / 250 % 250, self.id % 250);
        let region = REGIONS[hash(self.id, 3) as usize % 4];
        let job = format!("prod/{svc}");
        let common =
            [("instance", inst.as_str()), ("job", &job), ("region", region), ("service", svc)];
        let mut all = vec![];
        let mut put = |name: &str, more: &[(&str, &str)]| {
            let pairs = [("__name__", name)].into_iter().chain(common).chain(more.iter().copied());
            all.push(Labels::from_pairs(pairs));
        };
        for m in 0..l.scalars {
            for c in 0..20 {
                let pool = format!("pool-{c}");
                if m % 8 <= 4 {
                    put(&Layout::name(m), &[("method", METHODS[c / 4]), ("status", STATUS[c % 4])]);
                } else {
                    put(&Layout::name(m), &[("pool", &pool)]);
                }
            }
        }
        for h in 0..l.hist {
            for c in 0..20 {
                for k in 0..12 {
                    let suffix = ["bucket", "sum", "count"][if k < 10 { 0 } else { k - 9 }];
                    let name = format!("http_{h}_request_duration_seconds_{suffix}");
                    let own = [("method", METHODS[c / 4]), ("status", STATUS[c % 4])];
                    let le = (k < 10).then(|| ("le", LE[k]));
                    put(&name, &own.into_iter().chain(le).collect::<Vec<_>>());
                }
            }
        }
        all
    }

    /// The time of a step and, in `into`, a value for each series.
    pub(crate) fn step(&mut self, l: &Layout, step: u64, t: i64, into: &mut Vec<f64>) -> i64 {
        let hours = step as f64 * l.interval as f64 / 3.6e6;
        // About one restart a day.
        if hash(self.id, step ^ 0xabcd_0000) % (86_400_000 / l.interval as u64) == 0 && step > 0 {
            for (v, k) in self.val.iter_mut().zip(&self.kind) {
                if matches!(k, Kind::Counter | Kind::Bucket(_) | Kind::Sum | Kind::Count) {
                    *v = 0.0;
                }
            }
        }
        let jitter =
            if l.jitter > 0 { (hash(self.id, step ^ 0x77) % l.jitter as u64) as i64 } else { 0 };
        let (dt, load) = (l.interval as f64 / 1000.0, 1.0 + 0.4 * (hours * 0.2618).sin());
        let mut obs = 0.0;
        into.clear();
        for i in 0..self.kind.len() {
            let p = f64::from(self.par[i]);
            let v = &mut self.val[i];
            match self.kind[i] {
                Kind::Counter => {
                    if p > 0.0 {
                        let mean = p * dt * load;
                        let n = mean + mean.sqrt() * self.rng.gauss();
                        *v += if mean > 3.0 {
                            n.round().max(0.0)
                        } else {
                            f64::from(u8::from(self.rng.unit() < mean.min(1.0)))
                        };
                    }
                }
                Kind::IntGauge => {
                    if self.rng.next() & 3 == 0 {
                        *v = (*v + (self.rng.gauss() * 3.0).round()).clamp(0.0, p);
                    }
                }
                Kind::Walk => *v = (*v + (self.rng.gauss() * 8.0).round() * p).clamp(0.0, 1e9),
                Kind::Noise => *v = (*v + self.rng.gauss() * p).clamp(0.0, 1.0),
                Kind::Const => {}
                Kind::Bucket(b) => {
                    if b == 0 {
                        let mean = p * dt * load;
                        obs = (mean + mean.sqrt() * self.rng.gauss()).round().max(0.0);
                    }
                    *v += (obs * LE_CDF[b as usize]).round();
                }
                Kind::Sum => *v += obs * (0.06 + 0.01 * self.rng.gauss()).abs(),
                Kind::Count => *v += obs,
            }
            into.push(*v);
        }
        t + self.offset + jitter
    }
}
