//! prombench: black-box performance and conformity harness for Prometheus-compatible servers.
mod conform;
mod data;
mod detect;
mod http;
mod ingest;
mod limits;
mod query;
mod slo;
mod sys;
mod versus;
use anyhow::{Context, Result, bail};
use std::collections::HashMap;

/// `--key value` and bare `--flag` arguments.
pub struct Args(HashMap<String, String>);
impl Args {
    pub fn opt(&self, k: &str) -> Option<&str> {
        self.0.get(k).map(String::as_str)
    }
    pub fn str<'a>(&'a self, k: &str, d: &'a str) -> &'a str {
        self.opt(k).unwrap_or(d)
    }
    pub fn need(&self, k: &str) -> Result<&str> {
        self.opt(k).with_context(|| format!("--{k} is required"))
    }
    pub fn num(&self, k: &str, d: f64) -> f64 {
        self.opt(k).map_or(d, |v| v.parse().unwrap_or_else(|_| panic!("--{k}: not a number: {v}")))
    }
    pub fn has(&self, k: &str) -> bool {
        self.0.contains_key(k)
    }
    /// Duration in ms: `15s`, `2h`, `1h30m`, `250ms`; a bare number is seconds.
    pub fn dur(&self, k: &str, d: &str) -> i64 {
        let v = self.str(k, d);
        sys::duration_ms(v).unwrap_or_else(|| panic!("--{k}: not a duration: {v}"))
    }
}

fn main() -> Result<()> {
    let argv: Vec<String> = std::env::args().skip(1).collect();
    let (mut m, mut i) = (HashMap::new(), 1);
    while i < argv.len() {
        let k = argv[i]
            .strip_prefix("--")
            .with_context(|| format!("expected --flag, got {}", argv[i]))?;
        if let Some((k, v)) = k.split_once('=') {
            m.insert(k.into(), v.into());
        } else if i + 1 < argv.len() && !argv[i + 1].starts_with("--") {
            m.insert(k.into(), argv[i + 1].clone());
            i += 1;
        } else {
            m.insert(k.to_string(), "true".to_string());
        }
        i += 1;
    }
    let a = Args(m);
    match argv.first().map(String::as_str) {
        Some("ingest") => ingest::run(&a),
        Some("sink") => ingest::sink(&a),
        Some("query") => query::run(&a),
        Some("conform") => conform::run(&a),
        Some("slo") => slo::run(&a),
        Some("detect") => detect::run(&a),
        Some("limits") => limits::run(&a),
        Some("versus") => versus::run(&a),
        _ => bail!(
            "usage: prombench ingest|sink|query|conform|slo|detect|limits|versus --flag value ... (see README.md)"
        ),
    }
}
