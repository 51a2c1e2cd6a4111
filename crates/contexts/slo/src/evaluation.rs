//! How an SLO stands: its budget, its burn rates, and what is to be said about them.
//!
//! A pair of windows is *crossed* when the burn rate over the long one and over the short one both exceed the threshold:
//! the long one says that it matters, the short one that it is still going on (SRE workbook, chapter 5).
//!
//! Three rules keep an alert honest where numbers are small: with under an hour of history it needs 10 bad events; they must
//! be more than chance explains ([`crate::chance`]), where a ticket is content with 10 of them too; and a window without
//! events proves nothing either way.

use std::time::Duration;

use model::Timestamp;

use crate::{Counters, Counts, Objective, Slo, chance, counter::Counter, describe};

/// With less history than this, an alert needs [`BAD_EVENTS_MIN`].
pub const HISTORY_MIN: Duration = Duration::from_secs(3600);

/// How many bad events in the long window an alert needs while there is little history, and how many are enough for a ticket.
pub const BAD_EVENTS_MIN: u64 = 10;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Somebody is called now.
    Page,
    /// Somebody looks on the next working day.
    Ticket,
}

/// Two windows and the burn rate that both must exceed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pair {
    /// Such as `1h+5m`.
    pub name: &'static str,
    pub long: Duration,
    pub short: Duration,
    pub threshold: f64,
    pub severity: Severity,
}

const fn hours(hours: u64) -> Duration {
    Duration::from_secs(hours * 3600)
}

const fn minutes(minutes: u64) -> Duration {
    Duration::from_secs(minutes * 60)
}

/// The four pairs of the SRE workbook, fastest first; for a window of 30 days they are crossed when 2, 5, 10 and 10 % of
/// the budget are gone.
pub const PAIRS: [Pair; 4] = [
    Pair {
        name: "1h+5m",
        long: hours(1),
        short: minutes(5),
        threshold: 14.4,
        severity: Severity::Page,
    },
    Pair {
        name: "6h+30m",
        long: hours(6),
        short: minutes(30),
        threshold: 6.0,
        severity: Severity::Page,
    },
    Pair {
        name: "1d+2h",
        long: hours(24),
        short: hours(2),
        threshold: 3.0,
        severity: Severity::Ticket,
    },
    Pair {
        name: "3d+6h",
        long: hours(72),
        short: hours(6),
        threshold: 1.0,
        severity: Severity::Ticket,
    },
];

/// What one window saw.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BurnWindow {
    pub window: Duration,
    pub bad: u64,
    pub total: u64,
    /// The share of bad events divided by the share that is allowed; `None` without events.
    pub burn: Option<f64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Both windows exceed the threshold.
    Crossed,
    /// One window is known not to.
    Clear,
    /// Too little is known: it fires nothing and resolves nothing.
    Unknown,
}

/// What one pair of windows says.
#[derive(Clone, Debug, PartialEq)]
pub struct Burn {
    pub pair: Pair,
    pub long: BurnWindow,
    pub short: BurnWindow,
    pub verdict: Verdict,
    /// Why it is not crossed although both windows exceed the threshold.
    pub held_back: Option<String>,
}

impl Burn {
    pub fn crossed(&self) -> bool {
        self.verdict == Verdict::Crossed
    }
}

/// The error budget over the SLO's window.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Budget {
    pub total_events: u64,
    pub bad_events: u64,
    /// How many bad events the objective allows at the traffic seen.
    pub allowed_bad: f64,
    /// The share of the budget that is left; negative when overspent, `None` without events.
    pub remaining_fraction: Option<f64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    Ok,
    /// At least one pair is crossed.
    Burning,
    /// The budget is spent.
    Exhausted,
    /// No event in the window, or no telemetry of the service for five minutes and nothing crossed.
    InsufficientData,
}

/// How an SLO stands at a moment.
#[derive(Clone, Debug, PartialEq)]
pub struct Evaluation {
    /// The SLO's name.
    pub slo: Box<str>,
    pub service: Box<str>,
    pub environment: Option<Box<str>>,
    pub at: Timestamp,
    /// In the order of [`PAIRS`].
    pub burns: [Burn; PAIRS.len()],
    pub budget: Budget,
    /// Share of good events over the window; `None` without events.
    pub sli: Option<f64>,
    /// When the budget will be spent at the burn rate of the last hour; `None` when that is no more than comes back.
    pub time_to_exhaustion: Option<Duration>,
    /// How far back events reach.
    pub history: Duration,
    pub backfilled: bool,
    pub last_event_at: Option<Timestamp>,
    /// When any signal of the service last came in.
    pub telemetry_at: Option<Timestamp>,
    pub state: State,
    /// One sentence.
    pub reason: String,
}

/// What all judgements of one evaluation share.
struct Sight {
    objective: Objective,
    history: Duration,
    /// Whether telemetry came in lately.
    present: bool,
}

pub(crate) fn evaluate(
    slo: &Slo,
    counter: &Counter,
    telemetry_at: Option<Timestamp>,
    now: Timestamp,
) -> Evaluation {
    let sight = Sight {
        objective: slo.objective,
        history: counter.first_event_at.map_or(Duration::ZERO, |first| now.since(first)),
        // A time ahead of now is one from before the clock went back.
        present: telemetry_at
            .is_some_and(|at| now.since(at).max(at.since(now)) <= Counters::PRESENT_FOR),
    };
    let whole = counter.window(slo.window.duration(), now);
    let burns = PAIRS.map(|pair| {
        let window = |window| sight.window(window, counter.window(window, now));
        sight.burn(pair, window(pair.long), window(pair.short))
    });
    let budget = budget(slo.objective, whole);
    let mut evaluation = Evaluation {
        slo: slo.name.clone(),
        service: slo.service.clone(),
        environment: slo.environment.clone(),
        at: now,
        time_to_exhaustion: time_to_exhaustion(slo, &budget, burns[0].long.burn),
        sli: whole.bad_ratio().map(|bad| 1.0 - bad),
        state: sight.state(&burns, &budget),
        burns,
        budget,
        history: sight.history,
        backfilled: !counter.coverage.sources.is_empty(),
        last_event_at: counter.last_event_at,
        telemetry_at,
        reason: String::new(),
    };
    evaluation.reason = describe::reason(slo, &evaluation, sight.present);
    evaluation
}

impl Sight {
    fn window(&self, window: Duration, counts: Counts) -> BurnWindow {
        let burn = counts.bad_ratio().map(|bad| bad / self.objective.budget());
        BurnWindow { window, bad: counts.bad(), total: counts.total, burn }
    }

    fn burn(&self, pair: Pair, long: BurnWindow, short: BurnWindow) -> Burn {
        let over = |window: &BurnWindow| window.burn.map(|burn| burn > pair.threshold);
        let (verdict, held_back) = match (over(&long), over(&short)) {
            (Some(true), Some(true)) => match self.held_back(pair, &long) {
                Some(why) => (Verdict::Unknown, Some(why)),
                None => (Verdict::Crossed, None),
            },
            _ if !self.present => (Verdict::Unknown, None),
            (Some(false), _) | (_, Some(false)) => (Verdict::Clear, None),
            // Quiet is not unknown; but it is no proof either that what burned an hour ago has stopped.
            (None, None) => (Verdict::Clear, None),
            (Some(true), None) | (None, Some(true)) => (Verdict::Unknown, None),
        };
        Burn { pair, long, short, verdict, held_back }
    }

    fn held_back(&self, pair: Pair, long: &BurnWindow) -> Option<String> {
        if self.history < HISTORY_MIN && long.bad < BAD_EVENTS_MIN {
            return Some(describe::little_history(self.history, pair, long));
        }
        // Near a burn rate of 1 nothing is beyond chance for long, and yet the budget goes.
        if pair.severity == Severity::Ticket && long.bad >= BAD_EVENTS_MIN {
            return None;
        }
        let chance = chance::of_at_least(long.bad, long.total, self.objective.budget());
        (chance >= chance::CHANCE_MAX).then(|| describe::by_chance(chance, pair, long))
    }

    fn state(&self, burns: &[Burn], budget: &Budget) -> State {
        let crossed = burns.iter().any(Burn::crossed);
        // As with a page: a handful of bad events in the first minutes does not spend a month's budget.
        let evident = self.history >= HISTORY_MIN || budget.bad_events >= BAD_EVENTS_MIN;
        let spent = budget.remaining_fraction.is_some_and(|left| left <= 0.0) && evident;
        match budget.remaining_fraction {
            None => State::InsufficientData,
            Some(_) if !self.present && !crossed => State::InsufficientData,
            Some(_) if spent => State::Exhausted,
            Some(_) if crossed => State::Burning,
            Some(_) => State::Ok,
        }
    }
}

fn budget(objective: Objective, counts: Counts) -> Budget {
    #[expect(clippy::cast_precision_loss, reason = "a budget needs no more than 53 bits")]
    let allowed_bad = counts.total as f64 * objective.budget();
    Budget {
        total_events: counts.total,
        bad_events: counts.bad(),
        allowed_bad,
        remaining_fraction: counts.bad_ratio().map(|bad| 1.0 - bad / objective.budget()),
    }
}

/// A burn rate of 1 spends a whole budget in one window, so that what is left lasts `left / burn` windows.
fn time_to_exhaustion(slo: &Slo, budget: &Budget, burn: Option<f64>) -> Option<Duration> {
    let (left, burn) = (budget.remaining_fraction?, burn?);
    if left <= 0.0 {
        return Some(Duration::ZERO);
    }
    (burn > 1.0).then(|| slo.window.duration().mul_f64(left / burn))
}

#[cfg(test)]
mod tests;
