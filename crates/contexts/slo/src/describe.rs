//! The sentences that say how an SLO stands.

use std::time::Duration;

use crate::{
    BurnWindow, Evaluation, Pair, Severity, Slo, State,
    evaluation::{BAD_EVENTS_MIN, Burn},
};

pub(crate) fn reason(slo: &Slo, evaluation: &Evaluation, present: bool) -> String {
    let budget = &evaluation.budget;
    let window = slo.window;
    match evaluation.state {
        State::InsufficientData if budget.total_events == 0 => {
            format!("no event of `{}` was counted in the last {window}", slo.name)
        }
        State::InsufficientData => match evaluation.telemetry_at {
            Some(at) => {
                let silent = span(evaluation.at.since(at));
                format!("no telemetry of `{}` came in for {silent}", slo.service)
            }
            None => format!("no telemetry of `{}` has come in", slo.service),
        },
        State::Exhausted => {
            let spent = format!(
                "the error budget is spent: {} bad events in {window} where {} allows {}",
                count(budget.bad_events),
                slo.objective,
                number(budget.allowed_bad)
            );
            join(spent, evaluation.burns.iter().find(|burn| burn.crossed()).map(burning))
        }
        State::Burning => {
            let crossed = evaluation.burns.iter().find(|burn| burn.crossed());
            let silent = (!present).then(|| "telemetry has stopped since".to_owned());
            join(crossed.map(burning).unwrap_or_default(), silent)
        }
        State::Ok => {
            let sli = evaluation.sli.unwrap_or_default() * 100.0;
            let left = budget.remaining_fraction.unwrap_or_default() * 100.0;
            // What is overspent and yet ok is so few bad events that no share of a budget is worth saying.
            let left = (left > 0.0)
                .then(|| format!(", {} % of the error budget is left", trimmed(left, 1)));
            let good = format!(
                "{} % of {} events were good in {window}{}",
                trimmed(sli, 4),
                count(budget.total_events),
                left.unwrap_or_default()
            );
            join(good, evaluation.burns.iter().find_map(|burn| burn.held_back.clone()))
        }
    }
}

fn join(first: String, second: Option<String>) -> String {
    match second {
        Some(second) => format!("{first}; {second}"),
        None => first,
    }
}

fn burning(burn: &Burn) -> String {
    let times = |window: &BurnWindow| number(window.burn.unwrap_or_default());
    let severity = severity(burn.pair.severity);
    format!(
        "burning {}x over {} and {}x over {}, above {}x ({severity}): {} of {} events were bad in {}",
        times(&burn.long),
        span(burn.long.window),
        times(&burn.short),
        span(burn.short.window),
        number(burn.pair.threshold),
        count(burn.long.bad),
        count(burn.long.total),
        span(burn.long.window),
    )
}

pub(crate) fn little_history(history: Duration, pair: Pair, long: &BurnWindow) -> String {
    format!(
        "no {} yet: with {} of history it needs {BAD_EVENTS_MIN} bad events in {}, there are {}",
        severity(pair.severity),
        span(history),
        span(long.window),
        long.bad
    )
}

fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Page => "page",
        Severity::Ticket => "ticket",
    }
}

pub(crate) fn by_chance(chance: f64, pair: Pair, long: &BurnWindow) -> String {
    format!(
        "no {}: {} bad of {} events in {} come by chance with probability {}",
        severity(pair.severity),
        long.bad,
        count(long.total),
        span(long.window),
        trimmed(chance, 4)
    )
}

/// The largest unit that loses nothing worth saying: `5 min`, `90 min`, `6 h`, `3 d`.
fn span(duration: Duration) -> String {
    let secs = duration.as_secs();
    match secs {
        0..120 => format!("{secs} s"),
        120..7200 if secs != 3600 => format!("{} min", secs / 60),
        3600..172_800 if secs != 86_400 => format!("{} h", secs / 3600),
        _ => format!("{} d", secs / 86_400),
    }
}

/// With commas between thousands.
fn count(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Three digits or so: `14.4`, `120`, `0.25`.
fn number(value: f64) -> String {
    let decimals = match value.abs() {
        size if size >= 100.0 => 0,
        size if size >= 10.0 => 1,
        _ => 2,
    };
    trimmed(value, decimals)
}

fn trimmed(value: f64, decimals: usize) -> String {
    let text = format!("{value:.decimals$}");
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_as_people_write_them() {
        let spans = [5, 300, 3600, 5400, 7200, 86_400, 90_000, 259_200];
        let spans: Vec<_> = spans.into_iter().map(|secs| span(Duration::from_secs(secs))).collect();
        assert_eq!(spans, ["5 s", "5 min", "1 h", "90 min", "2 h", "1 d", "25 h", "3 d"]);
        assert_eq!([0, 999, 1000, 1_234_567].map(count), ["0", "999", "1,000", "1,234,567"]);
        assert_eq!(
            [14.4, 120.0, 6.0, 0.25, 99.96].map(number),
            ["14.4", "120", "6", "0.25", "100"]
        );
    }
}
