//! SLOs as they stand.

use app::{alert, slo};
use slo::Indicator;

use super::{number, time};
use crate::wire::api as dto;

/// What of the world a view of an SLO needs beside it.
#[derive(Debug)]
pub(in crate::api) struct Beside<'a> {
    pub(in crate::api) alerts: &'a alert::State,
    pub(in crate::api) source: dto::Source,
    /// From the catalogue, where the document names none.
    pub(in crate::api) owner: Option<String>,
}

pub(in crate::api) fn slo(slo: &slo::Slo, now: &slo::Evaluation, beside: Beside<'_>) -> dto::Slo {
    let display = if slo.display_name.is_empty() { &slo.name } else { &slo.display_name };
    dto::Slo {
        name: slo.name.to_string(),
        display_name: display.to_string(),
        description: slo.description.to_string(),
        service: slo.service.to_string(),
        environment: slo.environment.as_deref().unwrap_or_default().to_owned(),
        owner: slo.owner.as_deref().map(str::to_owned).or(beside.owner),
        labels: slo.labels.iter().map(|(name, value)| (name.into(), value.into())).collect(),
        objective: slo.objective.get(),
        window_seconds: slo.window.duration().as_secs_f64(),
        indicator: indicator(slo),
        state: state(now.state),
        reason: now.reason.clone(),
        evaluated_at: time(now.at),
        sli: now.sli,
        budget: budget(slo, &now.budget),
        time_to_exhaustion_seconds: now.time_to_exhaustion.map(|left| left.as_secs_f64()),
        burns: now.burns.iter().map(|burn| self::burn(slo, burn, beside.alerts)).collect(),
        history_seconds: now.history.as_secs_f64(),
        backfilled: now.backfilled,
        last_event_at: now.last_event_at.map(time),
        source: beside.source,
    }
}

pub(in crate::api) fn state(state: slo::State) -> dto::SloState {
    match state {
        slo::State::Ok => dto::SloState::Ok,
        slo::State::Burning => dto::SloState::Burning,
        slo::State::Exhausted => dto::SloState::Exhausted,
        slo::State::InsufficientData => dto::SloState::InsufficientData,
    }
}

/// The series under which an SLO's counts can be queried.
fn counted(slo: &slo::Slo, series: &str) -> String {
    let name = slo.name.replace('\\', "\\\\").replace('"', "\\\"");
    format!("evenkeel_sli_{series}_total{{slo=\"{name}\"}}")
}

fn indicator(slo: &slo::Slo) -> dto::Indicator {
    let kind = match &slo.indicator {
        Indicator::Spans(_) => dto::IndicatorKind::Spans,
        Indicator::Counters(_) => dto::IndicatorKind::Metrics,
    };
    dto::Indicator {
        kind,
        good: slo.indicator.good_text(),
        total: slo.indicator.total_text(),
        good_query: format!("rate({}[5m])", counted(slo, "good")),
        total_query: format!("rate({}[5m])", counted(slo, "events")),
    }
}

fn budget(slo: &slo::Slo, budget: &slo::Budget) -> dto::Budget {
    let allowed_minutes = slo.window.duration().as_secs_f64() / 60.0 * slo.objective.budget();
    dto::Budget {
        total_events: number(budget.total_events),
        bad_events: number(budget.bad_events),
        allowed_events: budget.allowed_bad,
        left_events: budget.allowed_bad - number(budget.bad_events),
        left_ratio: budget.remaining_fraction,
        allowed_minutes,
        left_minutes: budget.remaining_fraction.map(|left| left * allowed_minutes),
    }
}

fn burn(slo: &slo::Slo, burn: &slo::Burn, alerts: &alert::State) -> dto::Burn {
    let key = alert::Key { slo: slo.name.clone(), pair: burn.pair.name.into() };
    let firing = alerts.of(&key);
    dto::Burn {
        severity: match burn.pair.severity {
            slo::Severity::Page => dto::AlertSeverity::Page,
            slo::Severity::Ticket => dto::AlertSeverity::Ticket,
        },
        threshold: burn.pair.threshold,
        long: window(slo, &burn.long),
        short: window(slo, &burn.short),
        firing: firing.is_some(),
        since: firing.map(|alert| time(alert.fired_at)),
        alert: firing.map(|alert| alert.alert.to_string()),
        exhaustion_seconds: slo.window.duration().as_secs_f64() / burn.pair.threshold,
        held_back: burn.held_back.clone(),
    }
}

fn window(slo: &slo::Slo, window: &slo::BurnWindow) -> dto::BurnWindow {
    let (good, events, secs) =
        (counted(slo, "good"), counted(slo, "events"), window.window.as_secs());
    dto::BurnWindow {
        window_seconds: window.window.as_secs_f64(),
        burn: window.burn,
        bad_events: number(window.bad),
        total_events: number(window.total),
        query: format!(
            "(1 - increase({good}[{secs}s]) / increase({events}[{secs}s])) / (1 - {})",
            slo.objective.get()
        ),
    }
}

/// Points of history: before the first event and where nothing came, nothing is known.
pub(in crate::api) fn point(
    point: &slo::Point,
    known_from: Option<model::Timestamp>,
) -> dto::SloPoint {
    let known = point.total > 0 && known_from.is_some_and(|from| point.start + point.width > from);
    dto::SloPoint {
        at: time(point.start),
        good: known.then(|| number(point.good)),
        total: known.then(|| number(point.total)),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use model::Timestamp;

    use super::*;

    #[test]
    fn a_point_without_events_is_unknown_and_not_zero() {
        let check = |total, known_from, expected: Option<f64>| {
            let start = Timestamp::from_secs(600);
            let given = slo::Point { start, width: Duration::from_secs(60), good: 1, total };
            assert_eq!(point(&given, known_from).total, expected);
        };
        check(2, Some(Timestamp::from_secs(630)), Some(2.0));
        check(2, Some(Timestamp::from_secs(700)), None);
        check(0, Some(Timestamp::from_secs(0)), None);
        check(2, None, None);
    }
}
