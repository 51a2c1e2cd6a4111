//! Whether an expression gives what a script says.

use std::collections::HashMap;

use model::{Histogram, Labels};
use promql::{
    Answer, Features, Limits, MatrixSeries, Query, Value,
    ast::{At, Expr, ExprKind, Shift},
    evaluate,
    histogram::TestForm,
};

use super::{
    script::{Eval, Wanted},
    series::Sequence,
    store::Store,
};

const EPSILON: f64 = 1e-6;

fn ask(text: &str, query: Query, store: &Store) -> Result<Answer, String> {
    let expr = promql::parse_with(text, &Features::ALL).map_err(|error| error.to_string())?;
    let limits =
        Limits { delayed_name_removal: true, start_timestamps: true, text, ..Limits::default() };
    evaluate(&expr, query, store, &limits).map_err(|error| error.to_string())
}

pub(super) fn check(eval: &Eval, store: &Store) -> Result<(), String> {
    let query = eval.query.unwrap();
    one(eval, &eval.text, query, store)?;
    if !query.is_instant() {
        return Ok(());
    }
    // The same at other times, with all selectors bound to the first.
    let Ok(mut expr) = promql::parse_with(&eval.text, &Features::ALL) else { return Ok(()) };
    let at = query.start_ms;
    if depends_on_time(&expr) {
        return Ok(());
    }
    bind(&mut expr, at);
    let text = expr.to_string();
    let times = if at == 0 { vec![-1000, 0, 1000] } else { vec![-10 * at, 0, at / 5, at, 10 * at] };
    for time in times {
        one(eval, &text, Query::instant(time), store)
            .map_err(|error| format!("{text} at {time}: {error}"))?;
    }
    Ok(())
}

/// Whether a function's value varies with the time although its arguments do not.
fn depends_on_time(expr: &Expr) -> bool {
    const UNSAFE: [&str; 15] = [
        "days_in_month",
        "day_of_month",
        "day_of_week",
        "day_of_year",
        "end",
        "hour",
        "minute",
        "month",
        "year",
        "predict_linear",
        "range",
        "start",
        "step",
        "time",
        "timestamp",
    ];
    let mut found = false;
    walk(&mut expr.clone(), &mut |expr| {
        if let ExprKind::Call { function, .. } = &expr.kind {
            found |= UNSAFE.contains(&function.name);
        }
        true
    });
    found
}

/// Binds all selectors and subqueries to a time, but for those within a subquery that has one.
fn bind(expr: &mut Expr, at: i64) {
    let set = |shift: &mut Shift| shift.at = shift.at.or(Some(At::Time(at)));
    walk(expr, &mut |expr| match &mut expr.kind {
        ExprKind::Selector(selector) | ExprKind::Matrix { selector, .. } => {
            set(&mut selector.shift);
            true
        }
        ExprKind::Subquery { shift, .. } => {
            set(shift);
            false
        }
        _ => true,
    });
}

fn walk(expr: &mut Expr, seen: &mut dyn FnMut(&mut Expr) -> bool) {
    if !seen(expr) {
        return;
    }
    match &mut expr.kind {
        ExprKind::Number { .. }
        | ExprKind::String(_)
        | ExprKind::Selector(_)
        | ExprKind::Matrix { .. } => {}
        ExprKind::Subquery { expr, .. } => walk(expr, seen),
        ExprKind::Negate(inner) | ExprKind::Plus(inner) | ExprKind::Paren(inner) => {
            walk(inner, seen)
        }
        ExprKind::Binary(binary) => {
            walk(&mut binary.left, seen);
            walk(&mut binary.right, seen);
        }
        ExprKind::Aggregate(aggregate) => {
            if let Some(param) = &mut aggregate.param {
                walk(param, seen);
            }
            walk(&mut aggregate.expr, seen);
        }
        ExprKind::Call { args, .. } => args.iter_mut().for_each(|arg| walk(arg, seen)),
    }
}

fn one(eval: &Eval, text: &str, query: Query, store: &Store) -> Result<(), String> {
    let answer = match (ask(text, query, store), &eval.fail) {
        (Err(error), Some(wanted)) if wanted.matches(&error) => return Ok(()),
        (Err(error), Some(wanted)) => return Err(format!("failed with {error}, not {wanted}")),
        (Err(error), None) => return Err(format!("failed: {error}")),
        (Ok(_), Some(_)) => return Err("did not fail".to_owned()),
        (Ok(answer), None) => answer,
    };
    annotations("warning", &eval.warn, eval.no_warn, &answer.annotations.warnings)?;
    annotations("info", &eval.info, eval.no_info, &answer.annotations.infos)?;
    compare(eval, query, &answer.value)?;
    let context = ["start()", "end()", "range()", "step()"];
    let skips = eval.matrix.is_some() || eval.string.is_some() || eval.ordered;
    if !query.is_instant() || skips || context.iter().any(|word| text.contains(word)) {
        return Ok(());
    }
    // The middle step of a range must be the same.
    let at = query.start_ms;
    let range = Query { start_ms: at - 60_000, end_ms: at + 60_000, step_ms: 60_000 };
    let answer = ask(text, range, store).map_err(|error| format!("as a range: {error}"))?;
    let value = middle(answer.value);
    compare(eval, query, &value).map_err(|error| format!("as a range: {error}"))
}

fn middle(value: Value) -> Value {
    match value {
        Value::Scalar(values) => Value::Scalar(vec![values[1]]),
        Value::Vector(columns) => {
            let query = Query { start_ms: 0, end_ms: 2, step_ms: 1 };
            let only = columns.into_iter().map(|column| {
                let mut points = column.points(query);
                let keep = |at: i64| at == 1;
                let values: Vec<f64> =
                    points.samples().filter(|one| keep(one.at_ms)).map(|one| one.value).collect();
                points.histograms.retain(|one| keep(one.at_ms));
                (column.labels, values, points.histograms)
            });
            let mut series = Vec::new();
            for (labels, values, histograms) in only {
                let mut points = model::Points::default();
                values.into_iter().for_each(|value| points.push(0, value));
                histograms.into_iter().for_each(|one| points.push_histogram(0, one.histogram));
                if !points.is_empty() {
                    series.push(MatrixSeries { labels, points });
                }
            }
            Value::Matrix(series)
        }
        other => other,
    }
}

fn annotations(kind: &str, wanted: &[Wanted], none: bool, found: &[String]) -> Result<(), String> {
    if none && !found.is_empty() {
        return Err(format!("unexpected {kind}: {found:?}"));
    }
    if wanted.is_empty() {
        return Ok(());
    }
    for wanted in wanted {
        if !found.iter().any(|text| wanted.matches(text)) {
            return Err(format!("no {kind} {wanted}: {found:?}"));
        }
    }
    let unwanted = found.iter().find(|text| !wanted.iter().any(|one| one.matches(text)));
    unwanted.map_or(Ok(()), |text| Err(format!("unexpected {kind} {text}")))
}

fn compare(eval: &Eval, query: Query, value: &Value) -> Result<(), String> {
    match value {
        Value::String(text) => {
            let wanted = eval.string.as_deref().unwrap_or("");
            if wanted == text { Ok(()) } else { Err(format!("gave {text:?}")) }
        }
        Value::Scalar(values) if query.is_instant() => match eval.scalar {
            Some(wanted) if almost(wanted, values[0]) => Ok(()),
            Some(wanted) => Err(format!("gave {}, not {wanted}", values[0])),
            None => Err("gave a scalar".to_owned()),
        },
        Value::Scalar(_) => {
            let series = value.clone().into_matrix(query);
            matrix(eval, &series, query.start_ms, query.step_ms)
        }
        Value::Vector(columns) => {
            let mut series = Vec::new();
            for column in columns {
                let points = column.points(query);
                series.push(MatrixSeries { labels: column.labels.clone(), points });
            }
            matrix(eval, &series, query.start_ms, query.step_ms.max(1))
        }
        Value::Matrix(series) => {
            let (start, step) = eval.matrix.unwrap_or((0, 1));
            matrix(eval, series, start, step)
        }
    }
}

fn matrix(eval: &Eval, found: &[MatrixSeries], start: i64, step: i64) -> Result<(), String> {
    if eval.scalar.is_some() {
        return Err("gave a vector, not a scalar".to_owned());
    }
    let instant = eval.matrix.is_none() && eval.query.is_some_and(Query::is_instant);
    let mut wanted: HashMap<&Labels, (usize, &Vec<Sequence>)> = HashMap::new();
    for (position, (labels, values)) in eval.series.iter().enumerate() {
        wanted.insert(labels, (position, values));
    }
    for (position, series) in found.iter().enumerate() {
        let Some((at, values)) = wanted.remove(&series.labels) else {
            return Err(format!("unexpected {} {}", series.labels, shown(series)));
        };
        if eval.ordered && at != position {
            return Err(format!("{} is at {position}, not {at}", series.labels));
        }
        let mut floats = Vec::new();
        let mut histograms = Vec::new();
        for (at, value) in values.iter().enumerate() {
            let time = start + step * i64::try_from(at).unwrap();
            match value {
                Sequence::Omitted => {}
                Sequence::Float(value) => floats.push((time, *value)),
                Sequence::Histogram(histogram, hint) => histograms.push((time, histogram, *hint)),
            }
        }
        let points = &series.points;
        let wrong = || format!("{} has {}, not {values:?}", series.labels, shown(series));
        if floats.len() != points.times.len() || histograms.len() != points.histograms.len() {
            return Err(wrong());
        }
        for ((time, value), sample) in floats.iter().zip(points.samples()) {
            if (!instant && *time != sample.at_ms) || !almost(*value, sample.value) {
                return Err(wrong());
            }
        }
        for ((time, wanted, hint), sample) in histograms.iter().zip(&points.histograms) {
            if (!instant && *time != sample.at_ms) || !alike(wanted, &sample.histogram, *hint) {
                return Err(format!(
                    "{} has {}, not {}",
                    series.labels,
                    shown(series),
                    TestForm(wanted)
                ));
            }
        }
    }
    match wanted.keys().next() {
        Some(labels) => Err(format!("{labels} is not there; there is {found:?}")),
        None => Ok(()),
    }
}

fn shown(series: &MatrixSeries) -> String {
    let floats: Vec<String> =
        series.points.samples().map(|one| format!("{}@{}", one.value, one.at_ms)).collect();
    let histograms: Vec<String> = series
        .points
        .histograms
        .iter()
        .map(|one| format!("{}@{}", TestForm(&one.histogram), one.at_ms))
        .collect();
    format!("{} {}", floats.join(" "), histograms.join(" "))
}

fn alike(wanted: &Histogram, found: &Histogram, hint: bool) -> bool {
    let compact = |histogram: &Histogram| {
        let mut histogram = histogram.clone();
        promql::histogram::compact(&mut histogram);
        histogram
    };
    let (wanted, found) = (compact(wanted), compact(found));
    let lists =
        |a: &[f64], b: &[f64]| a.len() == b.len() && a.iter().zip(b).all(|(a, b)| almost(*a, *b));
    wanted.schema == found.schema
        && almost(wanted.count, found.count)
        && almost(wanted.sum, found.sum)
        && wanted.custom_values == found.custom_values
        && wanted.zero_threshold == found.zero_threshold
        && almost(wanted.zero_count, found.zero_count)
        && wanted.positive_spans == found.positive_spans
        && wanted.negative_spans == found.negative_spans
        && lists(&wanted.positive, &found.positive)
        && lists(&wanted.negative, &found.negative)
        && (!hint || wanted.reset_hint == found.reset_hint)
}

/// Equal but for a part of the size, as Prometheus compares.
pub(crate) fn almost(a: f64, b: f64) -> bool {
    near(a, b, EPSILON)
}

pub(crate) fn near(a: f64, b: f64, epsilon: f64) -> bool {
    if a.is_nan() && b.is_nan() || a == b {
        return true;
    }
    let (sum, difference) = (a.abs() + b.abs(), (a - b).abs());
    if a == 0.0 || b == 0.0 || sum < f64::MIN_POSITIVE {
        return difference < epsilon * f64::MIN_POSITIVE;
    }
    difference / sum.min(f64::MAX) < epsilon
}
