//! Two windows of log lines compared: which patterns are new or grown, which shrunk or gone.
//!
//! Counts are taken as Poisson: given how many lines both windows have together, those of the second are binomial with
//! the share of its exposure. The test is exact and two-sided, at a family-wise rate of [`FALSE_ALARM_RATE`]. Lines that
//! come in bursts vary more than that, which is why a change must also be of [`CHANGE_MIN`] times.

use super::{
    merge::merge,
    miner::{Miner, Patterns, Stats},
    template::Template,
};
use crate::bounds::{Share, binomial_tail};

/// The chance that two windows without any change have one that is certain.
pub const FALSE_ALARM_RATE: f64 = 0.01;

/// Lines that the larger window must have.
pub const LINES_MIN: u64 = 5;

/// How many times as frequent a pattern must have become, or have been.
pub const CHANGE_MIN: f64 = 2.0;

/// `ln 20`: the bounds by which grown patterns are ranked are of 95 %.
const RANKING_SURE: f64 = 3.0;

/// How a pattern changed. In order of interest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Trend {
    /// Not before, and certainly more than chance.
    New,
    Grown,
    /// Not before, but so few that it could be chance.
    Perhaps,
    Steady,
    Shrunk,
    Gone,
}

/// A pattern in two windows.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    pub service: Box<str>,
    pub trend: Trend,
    /// With the counts, times, severities and example of the second window; of the first when it has no line in it.
    pub template: Template,
    pub before: u64,
    pub after: u64,
    /// The rate after by the rate before; infinite when there were none before.
    pub ratio: f64,
    /// Its lower 95 % bound: what grown patterns are ranked by.
    pub ratio_low: f64,
    /// The chance of counts as unequal as these or more, were the rates equal.
    pub chance: f64,
}

/// All patterns of two windows, new and growing ones first.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Comparison {
    pub changes: Vec<Change>,
    /// Lines whose patterns were given up, in the first window and in the second. Where the first has some, a pattern
    /// that seems new may have been among them, and is [`Trend::Perhaps`].
    pub other: [u64; 2],
}

/// Compares two windows. The exposures are what counts are relative to: how long the windows were, or how many requests
/// they served; an exposure that is not positive counts as 1.
pub fn compare(before: &Patterns, after: &Patterns, exposures: [f64; 2]) -> Comparison {
    let [first, second] = exposures.map(|exposure| if exposure > 0.0 { exposure } else { 1.0 });
    let share = second / (first + second);
    let mut comparison = Comparison::default();
    let mut services: Vec<&str> =
        before.services().chain(after.services()).map(|(name, _)| name).collect();
    services.sort_unstable();
    services.dedup();
    let none = Miner::default();
    let mut found = Vec::new();
    for service in services {
        let miners = [before, after].map(|window| window.service(service).unwrap_or(&none));
        for (other, miner) in comparison.other.iter_mut().zip(miners) {
            *other += miner.other().count;
        }
        let complete = miners[0].other().count == 0;
        found.extend(
            joint(miners).into_iter().map(|(text, stats)| (service, complete, text, stats)),
        );
    }
    let level = FALSE_ALARM_RATE / found.len().max(1) as f64;
    comparison.changes = found
        .into_iter()
        .map(|(service, complete, text, stats)| {
            let mut change = change(service, text, stats, share);
            change.trend = trend(&change, complete, level);
            change
        })
        .collect();
    comparison.changes.sort_by(order);
    comparison
}

/// The templates of both windows' shapes together, with the counts of each.
fn joint(miners: [&Miner; 2]) -> Vec<(Box<[u8]>, [Stats; 2])> {
    let sorted = miners.map(Miner::sorted);
    let mut shapes: Vec<&[u8]> = sorted.iter().flatten().map(|(text, _)| *text).collect();
    shapes.sort_unstable();
    shapes.dedup();
    let stats_of = |cluster: super::merge::Cluster| {
        let mut stats = <[Stats; 2]>::default();
        for member in &cluster.members {
            for (stats, miner) in stats.iter_mut().zip(miners) {
                miner.shapes.get(shapes[*member]).into_iter().for_each(|shape| stats.add(shape));
            }
        }
        (cluster.text, stats)
    };
    merge(&shapes).into_iter().map(stats_of).collect()
}

fn change(service: &str, text: Box<[u8]>, stats: [Stats; 2], share: f64) -> Change {
    let [first, second] = stats;
    let (before, after) = (first.count, second.count);
    let lines = (before + after) as f64;
    let part = after as f64 / lines.max(1.0);
    let ratio = |part: f64| part / (1.0 - part) * (1.0 - share) / share;
    let low = Share { value: part, events: lines }.low(RANKING_SURE);
    Change {
        service: service.into(),
        trend: Trend::Steady,
        template: Template { text, stats: if after > 0 { second } else { first } },
        before,
        after,
        ratio: ratio(part),
        ratio_low: ratio(low),
        chance: chance(before, after, share),
    }
}

/// The exact two-sided chance of a binomial: twice that of the smaller tail.
fn chance(before: u64, after: u64, share: f64) -> f64 {
    let (upper, lower) = (
        binomial_tail(after, before + after, share),
        binomial_tail(before, before + after, 1.0 - share),
    );
    (2.0 * upper.min(lower)).min(1.0)
}

fn trend(change: &Change, complete: bool, level: f64) -> Trend {
    let certain = change.chance <= level && change.before.max(change.after) >= LINES_MIN;
    match (change.before, change.after) {
        (0, _) if certain && change.ratio > 1.0 && complete => Trend::New,
        (0, _) => Trend::Perhaps,
        (_, 0) if certain && change.ratio < 1.0 => Trend::Gone,
        _ if certain && change.ratio >= CHANGE_MIN => Trend::Grown,
        _ if certain && change.ratio <= 1.0 / CHANGE_MIN => Trend::Shrunk,
        _ => Trend::Steady,
    }
}

/// By trend; then errors first, then by how much is certain to have grown, then by lines.
fn order(a: &Change, b: &Change) -> std::cmp::Ordering {
    let has_errors = |change: &Change| change.template.severities().errors() > 0;
    (a.trend.cmp(&b.trend))
        .then_with(|| has_errors(b).cmp(&has_errors(a)))
        .then_with(|| match a.trend {
            Trend::Grown => b.ratio_low.total_cmp(&a.ratio_low),
            Trend::New | Trend::Perhaps | Trend::Steady => b.after.cmp(&a.after),
            Trend::Shrunk | Trend::Gone => b.before.cmp(&a.before),
        })
        .then_with(|| (&a.service, &a.template.text).cmp(&(&b.service, &b.template.text)))
}
