//! Two windows compared.

use model::Timestamp;
use triage::patterns::{Change, Comparison, Patterns, Trend, compare};

/// Counts each line so many times.
fn window(lines: &[(&str, u8, u32)]) -> Patterns {
    let mut patterns = Patterns::default();
    for (line, severity, times) in lines {
        for n in 0..*times {
            patterns.observe(
                "shop",
                &line.replace('#', &n.to_string()),
                *severity,
                Timestamp::from_secs(i64::from(n)),
            );
        }
    }
    patterns
}

fn trends(comparison: &Comparison) -> Vec<(Trend, String, u64, u64)> {
    let of =
        |change: &Change| (change.trend, change.template.to_string(), change.before, change.after);
    comparison.changes.iter().map(of).collect()
}

#[test]
fn new_and_growing_patterns_come_first() {
    let before = window(&[
        ("request # done", 9, 1000),
        ("cache miss #", 9, 40),
        ("slow query #", 13, 10),
        ("old path #", 9, 60),
        ("heartbeat #", 9, 200),
    ]);
    let after = window(&[
        ("request # done", 9, 1030),
        ("cache miss #", 9, 170),
        ("slow query #", 13, 12),
        ("card declined #", 17, 30),
        ("hello new #", 9, 90),
        ("once #", 17, 1),
        ("heartbeat #", 9, 40),
    ]);
    let comparison = compare(&before, &after, [1.0, 1.0]);
    let found = trends(&comparison);
    let expected = [
        (Trend::New, "card declined <num>", 0, 30),
        (Trend::New, "hello new <num>", 0, 90),
        (Trend::Grown, "cache miss <num>", 40, 170),
        (Trend::Perhaps, "once <num>", 0, 1),
        (Trend::Steady, "request <num> done", 1000, 1030),
        (Trend::Steady, "slow query <num>", 10, 12),
        (Trend::Shrunk, "heartbeat <num>", 200, 40),
        (Trend::Gone, "old path <num>", 60, 0),
    ];
    assert_eq!(
        found,
        expected.map(|(trend, text, before, after)| (trend, text.to_owned(), before, after))
    );
    let declined = &comparison.changes[0];
    assert_eq!(
        (declined.template.example(), declined.template.severities().errors()),
        ("card declined 0", 30)
    );
    assert!(declined.ratio.is_infinite() && declined.ratio_low > 2.0);
    let grown = &comparison.changes[2];
    assert!(
        grown.ratio > 4.2
            && grown.ratio < 4.3
            && grown.ratio_low > 2.0
            && grown.ratio_low < grown.ratio
    );
}

#[test]
fn counts_are_relative_to_the_exposures() {
    let [before, after] = [100, 300].map(|times| window(&[("request #", 9, times)]));
    let trend = |exposures| compare(&before, &after, exposures).changes[0].trend;
    assert_eq!(trend([1.0, 1.0]), Trend::Grown);
    assert_eq!(trend([1.0, 3.0]), Trend::Steady);
    assert_eq!(trend([0.0, f64::NAN]), Trend::Grown);
}

#[test]
fn a_pattern_is_one_in_both_windows_though_its_words_differ() {
    let before = window(&[("moved to OnlineReplica now #", 9, 50)]);
    let after = window(&[("moved to OfflineReplica now #", 9, 55)]);
    let found = trends(&compare(&before, &after, [1.0, 1.0]));
    assert_eq!(found, [(Trend::Steady, "moved to <*> now <num>".to_owned(), 50, 55)]);
}

#[test]
fn equal_rates_raise_no_alarm() {
    let mut rng = crate::shop::Rng(7);
    let mut alarms = 0;
    for _ in 0..50 {
        let words = ["alpha", "beta", "gamma", "delta", "kappa", "omega"];
        let mut windows = [Patterns::default(), Patterns::default()];
        for (at, word) in words.iter().enumerate() {
            for _ in 0..(3 << at) {
                let line = format!("{word} happened");
                windows[rng.below(2)].observe("shop", &line, 9, Timestamp::EPOCH);
            }
        }
        let comparison = compare(&windows[0], &windows[1], [1.0, 1.0]);
        alarms += comparison
            .changes
            .iter()
            .filter(|it| !matches!(it.trend, Trend::Steady | Trend::Perhaps))
            .count();
    }
    assert_eq!(alarms, 0);
}
