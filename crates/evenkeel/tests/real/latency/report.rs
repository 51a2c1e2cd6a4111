//! What the runs took, on the terminal and as a file.

use std::{fmt, path::Path};

use serde_json::{Value, json};

/// One run. Times are seconds after the crossing.
#[derive(Clone, Copy, Debug)]
pub(super) struct Measured {
    /// Spans a second.
    pub(super) rate: f64,
    /// Share of failing ones.
    pub(super) failing: f64,
    /// Over the long window, at the crossing.
    pub(super) burn: f64,
    /// The event that crossed was sent and acknowledged.
    pub(super) acknowledged: f64,
    /// The judge saw it: `crossed_at` of the alert.
    pub(super) judged: f64,
    /// The page was in the receiver's hands.
    pub(super) received: f64,
    /// `notification.delivered` of the journal.
    pub(super) delivered: f64,
}

impl fmt::Display for Measured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:.0}/s, {:.0} % fail, burn {:.2}; acknowledged {:.3} s, judged {:.3} s, received {:.3} s, delivered {:.3} s",
            self.rate,
            self.failing * 100.0,
            self.burn,
            self.acknowledged,
            self.judged,
            self.received,
            self.delivered
        )
    }
}

#[derive(Debug)]
pub(super) struct Report {
    seed: u64,
    pub(super) runs: Vec<Measured>,
}

impl Report {
    pub(super) fn new(seed: u64) -> Self {
        Self { seed, runs: Vec::new() }
    }

    /// The 95th percentile of crossing to delivered, by nearest rank.
    pub(super) fn slowest_of_20(&self) -> f64 {
        rank(&self.all(|run| run.delivered), 95)
    }

    fn all(&self, of: impl Fn(&Measured) -> f64) -> Vec<f64> {
        let mut all: Vec<f64> = self.runs.iter().map(of).collect();
        all.sort_by(f64::total_cmp);
        all
    }

    /// One row of figures for each name.
    fn rows(&self) -> [(&'static str, Vec<f64>); 4] {
        [
            ("crossing to acknowledged", self.all(|run| run.acknowledged)),
            ("crossing to judged", self.all(|run| run.judged)),
            ("crossing to received", self.all(|run| run.received)),
            ("crossing to delivered", self.all(|run| run.delivered)),
        ]
    }

    pub(super) fn write(&self, folder: &Path) {
        let run = |run: &Measured| {
            json!({
                "rate_per_s": round(run.rate), "failing_share": round(run.failing), "burn": round(run.burn),
                "acknowledged_s": round(run.acknowledged), "judged_s": round(run.judged),
                "received_s": round(run.received), "delivered_s": round(run.delivered),
            })
        };
        let figures = |all: &Vec<f64>| {
            json!({
                "min": round(all[0]), "median": round(rank(all, 50)), "p95": round(rank(all, 95)),
                "max": round(all[all.len() - 1]),
            })
        };
        let summary: serde_json::Map<String, Value> = self
            .rows()
            .iter()
            .map(|(name, all)| (format!("{}_s", name.replace(' ', "_")), figures(all)))
            .collect();
        let whole = json!({
            "seed": self.seed,
            "summary": summary,
            "runs": self.runs.iter().map(run).collect::<Vec<_>>(),
        });
        std::fs::create_dir_all(folder).unwrap();
        let text = serde_json::to_string_pretty(&whole).unwrap() + "\n";
        std::fs::write(folder.join("page-latency.json"), text).unwrap();
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, all) in self.rows() {
            writeln!(
                f,
                "{name:25} min {:.3} s, median {:.3} s, p95 {:.3} s, max {:.3} s",
                all[0],
                rank(&all, 50),
                rank(&all, 95),
                all[all.len() - 1]
            )?;
        }
        Ok(())
    }
}

/// The nearest rank of sorted values.
fn rank(sorted: &[f64], percent: usize) -> f64 {
    sorted[(sorted.len() * percent).div_ceil(100).max(1) - 1]
}

/// To milliseconds.
fn round(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}

#[test]
fn a_percentile_is_the_nearest_rank() {
    let all: Vec<f64> = (1..=20_u8).map(f64::from).collect();
    assert_eq!([50, 95, 100].map(|percent| rank(&all, percent)), [10.0, 19.0, 20.0]);
    assert!((rank(&[7.0], 95) - 7.0).abs() < f64::EPSILON);
}
