//! Deterministic synthetic fleet and remote-write v1 encoding.
//!
//! N series = instances x P, where one instance (a scrape target) exposes `hist` classic histogram families
//! (20 label sets x (10 le buckets + _sum + _count)) and `scalars` counter/gauge families of 20 label sets each.
//! Values depend only on (seed, instance, step), not on the number of connections.
use std::io::Write;

pub const METHODS: [&str; 5] = ["GET", "POST", "PUT", "DELETE", "PATCH"];
pub const STATUS: [&str; 4] = ["200", "404", "500", "503"];
pub const REGIONS: [&str; 4] = ["eu-west-1", "eu-central-1", "us-east-1", "ap-south-1"];
pub const SERVICES: [&str; 10] = [
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

pub struct Rng(pub u64);
impl Rng {
    pub fn next(&mut self) -> u64 {
        let mut x = self.0;
        x ^= x >> 12;
        x ^= x << 25;
        x ^= x >> 27;
        self.0 = x;
        x.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }
    pub fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }
    /// Near-Gaussian, sd 1 (sum of four uniforms).
    fn gauss(&mut self) -> f64 {
        let x = self.next();
        ((x & 0xffff) + (x >> 16 & 0xffff) + (x >> 32 & 0xffff) + (x >> 48)) as f64 / 37837.0
            - 3.464
    }
}
pub fn hash(a: u64, b: u64) -> u64 {
    let mut r =
        Rng(a.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ b.wrapping_mul(0xD134_2543_DE82_EF95) | 1);
    r.next();
    r.next()
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
pub struct Layout {
    pub scalars: usize,
    pub hist: usize,
    pub interval: i64,
    pub churn: f64,
    pub jitter: i64,
    pub seed: u64,
}
impl Layout {
    pub fn per_instance(&self) -> usize {
        self.scalars * 20 + self.hist * 240
    }
    pub fn name(m: usize) -> String {
        match m % 8 {
            0..=4 => format!("svc_c{m:02}_requests_total"),
            5 => format!("svc_g{m:02}_connections"),
            6 => format!("svc_g{m:02}_queue_bytes"),
            _ => format!("svc_g{m:02}_utilization"),
        }
    }
}
pub struct Instance {
    id: u64,
    generation: u64,
    offset: i64,
    rng: Rng,
    kind: Vec<Kind>,
    par: Vec<f32>,
    pub val: Vec<f64>,
    blob: Vec<u8>,
    ends: Vec<u32>,
}
impl Instance {
    pub fn new(l: &Layout, id: u64) -> Instance {
        let mut s = Instance {
            id,
            generation: u64::MAX,
            offset: (hash(id, l.seed) % l.interval as u64) as i64,
            rng: Rng(hash(id, l.seed ^ 7) | 1),
            kind: vec![],
            par: vec![],
            val: vec![],
            blob: vec![],
            ends: vec![],
        };
        let mut r = Rng(hash(id, l.seed ^ 99) | 1);
        for m in 0..l.scalars {
            for c in 0..20usize {
                let rate = 10f64.powf(r.unit() * 4.0 - 1.5) * [0.97, 0.02, 0.007, 0.003][c % 4]; // events/s
                let (k, p, v) = match m % 8 {
                    0..=4 => (
                        Kind::Counter,
                        if r.unit() < 0.25 { 0.0 } else { rate },
                        (rate * 36000.0 * r.unit()).floor(),
                    ),
                    5 => (Kind::IntGauge, 500.0, (r.unit() * 500.0).floor()),
                    6 => (
                        if r.unit() < 0.3 { Kind::Const } else { Kind::Walk },
                        4096.0,
                        (r.unit() * 5e4).floor() * 4096.0,
                    ),
                    _ => (Kind::Noise, 0.02, r.unit()),
                };
                s.kind.push(k);
                s.par.push(p as f32);
                s.val.push(v);
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
    /// Label bytes of every series (protobuf `repeated Label labels = 1`), for the current generation.
    fn relabel(&mut self, l: &Layout, generation: u64) {
        self.generation = generation;
        self.blob.clear();
        self.ends.clear();
        let svc = SERVICES[self.id as usize % 10];
        let inst =
            format!("10.{}.{}.{}:9090", self.id / 250 % 250, self.id % 250, generation % 250);
        let (job, region) = (format!("prod/{svc}"), REGIONS[hash(self.id, 3) as usize % 4]);
        let common = [("instance", inst.as_str()), ("job", job.as_str())];
        for m in 0..l.scalars {
            let name = Layout::name(m);
            for c in 0..20 {
                for (k, v) in [("__name__", name.as_str())].into_iter().chain(common) {
                    put_label(&mut self.blob, k, v)
                }
                if m % 8 <= 4 {
                    put_label(&mut self.blob, "method", METHODS[c / 4])
                } else {
                    put_label(&mut self.blob, "pool", &format!("pool-{c}"))
                }
                for (k, v) in [("region", region), ("service", svc)] {
                    put_label(&mut self.blob, k, v)
                }
                if m % 8 <= 4 {
                    put_label(&mut self.blob, "status", STATUS[c % 4])
                }
                self.ends.push(self.blob.len() as u32);
            }
        }
        for h in 0..l.hist {
            for c in 0..20 {
                for k in 0..12 {
                    let name = format!(
                        "http_{h}_request_duration_seconds_{}",
                        ["bucket", "sum", "count"][if k < 10 { 0 } else { k - 9 }]
                    );
                    for (k, v) in [("__name__", name.as_str())].into_iter().chain(common) {
                        put_label(&mut self.blob, k, v)
                    }
                    if k < 10 {
                        put_label(&mut self.blob, "le", LE[k])
                    }
                    for (k, v) in [
                        ("method", METHODS[c / 4]),
                        ("region", region),
                        ("service", svc),
                        ("status", STATUS[c % 4]),
                    ] {
                        put_label(&mut self.blob, k, v)
                    }
                    self.ends.push(self.blob.len() as u32);
                }
            }
        }
    }
    /// Advance one step and hand each (label bytes, timestamp ms, value) to `out`.
    pub fn step(&mut self, l: &Layout, step: u64, t: i64, mut out: impl FnMut(&[u8], i64, f64)) {
        let hours = step as f64 * l.interval as f64 / 3.6e6;
        let g = (hours * l.churn / 100.0 + (hash(self.id, 5) % 1000) as f64 / 1000.0) as u64;
        let restart = hash(self.id, step ^ 0xabcd_0000) % (86_400_000 / l.interval as u64) == 0; // about one restart a day
        if g != self.generation || restart {
            if step > 0 {
                for (v, k) in self.val.iter_mut().zip(&self.kind) {
                    if matches!(k, Kind::Counter | Kind::Bucket(_) | Kind::Sum | Kind::Count) {
                        *v = 0.0
                    }
                }
            }
            if g != self.generation {
                self.relabel(l, g)
            }
        }
        let jit =
            if l.jitter > 0 { (hash(self.id, step ^ 0x77) % l.jitter as u64) as i64 } else { 0 };
        let (dt, ts, load) =
            (l.interval as f64 / 1000.0, t + self.offset + jit, 1.0 + 0.4 * (hours * 0.2618).sin());
        let (mut at, mut obs) = (0usize, 0.0);
        for i in 0..self.kind.len() {
            let p = self.par[i] as f64;
            let v = &mut self.val[i];
            match self.kind[i] {
                Kind::Counter => {
                    if p > 0.0 {
                        let mean = p * dt * load;
                        let n = mean + mean.sqrt() * self.rng.gauss();
                        *v += if mean > 3.0 {
                            n.round().max(0.0)
                        } else {
                            (self.rng.unit() < mean.min(1.0)) as u8 as f64
                        }
                    }
                }
                Kind::IntGauge => {
                    if self.rng.next() & 3 == 0 {
                        *v = (*v + (self.rng.gauss() * 3.0).round()).clamp(0.0, p)
                    }
                }
                Kind::Walk => *v = (*v + (self.rng.gauss() * 8.0).round() * p).clamp(0.0, 1e9),
                Kind::Noise => *v = (*v + self.rng.gauss() * p).clamp(0.0, 1.0),
                Kind::Const => {}
                Kind::Bucket(b) => {
                    if b == 0 {
                        obs = (p * dt * load + (p * dt * load).sqrt() * self.rng.gauss())
                            .round()
                            .max(0.0)
                    }
                    *v += (obs * LE_CDF[b as usize]).round()
                }
                Kind::Sum => *v += obs * (0.06 + 0.01 * self.rng.gauss()).abs(),
                Kind::Count => *v += obs,
            }
            let end = self.ends[i] as usize;
            out(&self.blob[at..end], ts, *v);
            at = end;
        }
    }
}

pub fn put_varint(b: &mut Vec<u8>, mut v: u64) {
    while v >= 0x80 {
        b.push(v as u8 | 0x80);
        v >>= 7
    }
    b.push(v as u8)
}
pub fn put_label(b: &mut Vec<u8>, k: &str, v: &str) {
    let vl = |n: usize| {
        if n < 128 {
            1
        } else if n < 16384 {
            2
        } else {
            3
        }
    };
    b.push(0x0a);
    put_varint(b, (2 + vl(k.len()) + k.len() + vl(v.len()) + v.len()) as u64);
    b.push(0x0a);
    put_varint(b, k.len() as u64);
    b.write_all(k.as_bytes()).unwrap();
    b.push(0x12);
    put_varint(b, v.len() as u64);
    b.write_all(v.as_bytes()).unwrap();
}
/// Append one TimeSeries holding one sample to an encoded WriteRequest.
pub fn put_series(b: &mut Vec<u8>, labels: &[u8], ts: i64, v: f64) {
    put_series_samples(b, labels, &[(ts, v)])
}
pub fn put_series_samples(b: &mut Vec<u8>, labels: &[u8], samples: &[(i64, f64)]) {
    let vlen = |mut v: u64| {
        let mut n = 1;
        while v >= 0x80 {
            v >>= 7;
            n += 1
        }
        n
    };
    let total: usize = labels.len() + samples.iter().map(|s| 12 + vlen(s.0 as u64)).sum::<usize>();
    b.push(0x0a);
    put_varint(b, total as u64);
    b.extend_from_slice(labels);
    for &(ts, v) in samples {
        b.push(0x12);
        b.push((10 + vlen(ts as u64)) as u8);
        b.push(0x09);
        b.extend_from_slice(&v.to_le_bytes());
        b.push(0x10);
        put_varint(b, ts as u64);
    }
}
/// Zero-copy remote-write walk: `f(label_bytes_hash, ts, value)` per sample; returns samples seen. `hash_labels` mixes every label byte.
pub fn decode(b: &[u8], hash_labels: bool, mut f: impl FnMut(u64, i64, f64)) -> Option<usize> {
    fn varint(b: &[u8], p: &mut usize) -> Option<u64> {
        let (mut v, mut s) = (0u64, 0);
        loop {
            let c = *b.get(*p)?;
            *p += 1;
            v |= ((c & 0x7f) as u64) << s;
            if c < 0x80 {
                return Some(v);
            }
            s += 7;
            if s > 63 {
                return None;
            }
        }
    }
    let (mut p, mut n) = (0, 0);
    while p < b.len() {
        let tag = varint(b, &mut p)?;
        let len = varint(b, &mut p)? as usize;
        let ts = b.get(p..p + len)?;
        p += len;
        if tag != 0x0a {
            continue;
        }
        let (mut q, mut h) = (0, 0xcbf2_9ce4_8422_2325u64);
        while q < ts.len() {
            let tag = varint(ts, &mut q)?;
            let len = varint(ts, &mut q)? as usize;
            let m = ts.get(q..q + len)?;
            q += len;
            match tag {
                0x0a if hash_labels => {
                    let mut c = m.chunks_exact(8);
                    for w in &mut c {
                        h = (h ^ u64::from_le_bytes(w.try_into().unwrap()))
                            .wrapping_mul(0x9E37_79B9_7F4A_7C15)
                            .rotate_left(29)
                    }
                    for &x in c.remainder() {
                        h = (h ^ x as u64).wrapping_mul(0x100_0000_01b3)
                    }
                }
                0x12 => {
                    let (mut r, mut v, mut t) = (0, 0.0, 0i64);
                    while r < m.len() {
                        let k = varint(m, &mut r)?;
                        if k == 0x09 {
                            v = f64::from_le_bytes(m.get(r..r + 8)?.try_into().ok()?);
                            r += 8
                        } else {
                            t = varint(m, &mut r)? as i64
                        }
                    }
                    f(h, t, v);
                    n += 1;
                }
                _ => {}
            }
        }
    }
    Some(n)
}
/// The same message for prost (owned strings), as a reference decode cost.
pub mod pb {
    #[derive(Clone, PartialEq, prost::Message)]
    pub struct WriteRequest {
        #[prost(message, repeated, tag = "1")]
        pub timeseries: Vec<TimeSeries>,
    }
    #[derive(Clone, PartialEq, prost::Message)]
    pub struct TimeSeries {
        #[prost(message, repeated, tag = "1")]
        pub labels: Vec<Label>,
        #[prost(message, repeated, tag = "2")]
        pub samples: Vec<Sample>,
    }
    #[derive(Clone, PartialEq, prost::Message)]
    pub struct Label {
        #[prost(string, tag = "1")]
        pub name: String,
        #[prost(string, tag = "2")]
        pub value: String,
    }
    #[derive(Clone, Copy, PartialEq, prost::Message)]
    pub struct Sample {
        #[prost(double, tag = "1")]
        pub value: f64,
        #[prost(int64, tag = "2")]
        pub timestamp: i64,
    }
}
