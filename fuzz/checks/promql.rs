//! What holds for whatever text: it is refused with a place, or parsed, prints to a fixed point, is linted, and has a value
//! or a reason over a few series, within its limits.

use std::{
    sync::{
        OnceLock,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use model::{BucketSpan, Histogram, Labels, Matcher, MetricKind, Points, Sample};
use promql::{
    Answer, EvalError, Features, Hints, Limits, Loaded, Query, SeriesSet, SeriesSource,
    SourceError, Value, ast::Expr, evaluate, lint::lint, parse_with,
};

const POINTS_MAX: usize = 100;
const SAMPLES_MAX: usize = 10_000;
const SERIES_MAX: usize = 50;
const MEMORY_BYTES_MAX: usize = 1 << 20;
/// How often a query may ask the clock before its time is over: each time it has done a bounded piece of work.
const LOOKS_MAX: u64 = 2_000;
/// One of so many expressions is evaluated over a range, too.
const RANGED: usize = 8;
const LAST_MS: i64 = 3_600_000;

/// A few series of each kind, with samples of one hour.
struct Few(Vec<(Labels, Points)>);

impl Few {
    fn get() -> &'static Self {
        static FEW: OnceLock<Few> = OnceLock::new();
        FEW.get_or_init(Self::new)
    }

    fn new() -> Self {
        let mut series = Vec::new();
        let mut put = |name: &str, pairs: &[(&str, &str)], value: &dyn Fn(f64) -> f64| {
            let labels = [("__name__", name)].into_iter().chain(pairs.iter().copied());
            let at = |minute: u8| Sample {
                at_ms: i64::from(minute) * 60_000,
                value: value(f64::from(minute)),
            };
            series.push((Labels::from_pairs(labels), (0..=60).map(at).collect()));
        };
        for (instance, by) in [("1", 1.0), ("2", 3.0)] {
            let own = [("job", "j"), ("instance", instance)];
            put("a", &own, &|at| at * by);
            put("b", &own, &|at| if at as u8 % 20 == 7 { f64::NAN } else { -at * by });
            put("m_total", &own, &|at| (at * by) % 40.0);
            put("up", &own, &|at| f64::from(u8::from(at % 9.0 > 0.0)));
            for (le, share) in [("0.1", 0.25), ("1", 0.5), ("+Inf", 1.0)] {
                put("h_bucket", &[own[0], own[1], ("le", le)], &|at| at * by * share);
            }
        }
        put("x", &[], &|at| [f64::INFINITY, f64::MIN, 5e-324, -0.0][at as usize % 4]);
        put("target_info", &[("job", "j"), ("instance", "1"), ("version", "3")], &|_| 1.0);
        let natives = [Histogram::CUSTOM, 0, 3].into_iter().zip(["1", "2", "3"]);
        for (schema, instance) in natives {
            let mut points = Points::default();
            for minute in 0..60_u8 {
                let count = f64::from(minute % 40);
                let custom = schema == Histogram::CUSTOM;
                let histogram = Histogram {
                    schema,
                    count: count * 3.0,
                    sum: count * 2.5,
                    zero_count: if custom { 0.0 } else { count },
                    positive_spans: vec![BucketSpan { offset: i32::from(minute % 2), length: 2 }],
                    positive: vec![count; 2],
                    custom_values: if custom { vec![0.5, 1.0, 5.0] } else { Vec::new() },
                    ..Histogram::default()
                };
                points.push_histogram(i64::from(minute) * 60_000, histogram.into());
            }
            let pairs = [("__name__", "n"), ("job", "j"), ("instance", instance)];
            series.push((Labels::from_pairs(pairs), points));
        }
        Self(series)
    }
}

impl SeriesSource for Few {
    fn select(
        &self,
        matchers: &[Matcher],
        hints: &Hints,
    ) -> Result<Box<dyn SeriesSet + '_>, SourceError> {
        let within = |at_ms: i64| (hints.start_ms..=hints.end_ms).contains(&at_ms);
        let found = self
            .0
            .iter()
            .filter(|(labels, _)| matchers.iter().all(|matcher| matcher.matches_labels(labels)));
        let cut = found.map(|(labels, all)| {
            let samples = all.samples().filter(|sample| within(sample.at_ms));
            let mut points: Points = samples.collect();
            let histograms = all.histograms.iter().filter(|sample| within(sample.at_ms));
            points.histograms.extend(histograms.cloned());
            (labels.clone(), points)
        });
        Ok(Box::new(Loaded::new(cut.collect())))
    }
}

/// Checks all that holds for whatever text; whether it was parsed.
#[track_caller]
pub(crate) fn check(text: &str, features: &Features) -> bool {
    let expr = match parse_with(text, features) {
        Ok(expr) => expr,
        Err(refused) => {
            assert!(!refused.message.is_empty());
            assert!(refused.span.start <= refused.span.end && refused.span.end <= text.len());
            return false;
        }
    };
    let printed = expr.to_string();
    evaluates(&expr, text);
    for lint in lint(&expr, &|name| name.ends_with("_total").then_some(MetricKind::Counter)) {
        assert!(text.get(lint.span.start..lint.span.end).is_some(), "{text}\n{lint:?}");
        if let Some(fixed) = lint.fix.as_ref().map(|fix| fix.apply(text)) {
            let parsed = parse_with(&fixed, &Features::ALL);
            assert!(parsed.is_ok(), "{text}\n{lint:?}\n{fixed}\n{parsed:?}");
        }
    }
    let parse_again = |printed: &str| {
        let again = parse_with(printed, features);
        again.unwrap_or_else(|error| panic!("{text}\n{printed}\n{error}"))
    };
    // Printed as it was, it would give the same tree.
    if printed != text {
        assert_eq!(parse_again(&printed).to_string(), printed, "{text}");
    }
    let pretty = expr.pretty();
    // Indentation makes it longer, and what is too long is refused.
    if pretty != printed && pretty.len() <= promql::EXPRESSION_BYTES_MAX {
        assert_eq!(parse_again(&pretty).to_string(), printed, "{text}\n{pretty}");
    }
    true
}

/// Evaluates `expr` for one moment, for an hour, and for longer than is allowed.
#[track_caller]
pub(crate) fn evaluates(expr: &Expr, text: &str) {
    let looks = AtomicU64::new(0);
    // Time that goes by with the work, so that a query ends at the same place on every machine.
    let clock = || Duration::from_millis(looks.fetch_add(1, Relaxed));
    let limits = Limits {
        samples_max: SAMPLES_MAX,
        series_max: SERIES_MAX,
        points_max: POINTS_MAX,
        memory_max_bytes: MEMORY_BYTES_MAX,
        timeout: Duration::from_millis(LOOKS_MAX),
        clock: &clock,
        // Each in some of the texts.
        delayed_name_removal: text.len().is_multiple_of(3),
        type_and_unit_labels: text.len().is_multiple_of(5),
        start_timestamps: text.len().is_multiple_of(7),
        explain: text.len().is_multiple_of(2),
        samples_per_step: text.len().is_multiple_of(4),
        text,
        ..Limits::default()
    };
    let run = |query| {
        looks.store(0, Relaxed);
        evaluate(expr, query, Few::get(), &limits)
    };
    let hour = Query { start_ms: 0, end_ms: LAST_MS, step_ms: 60_000 };
    // Most are asked for one moment only: there are many, and what is not optimized takes its time.
    let ranged = text.len().is_multiple_of(RANGED);
    let queries = [Query::instant(LAST_MS - 30_000), hour];
    for query in queries.into_iter().take(1 + usize::from(ranged)) {
        match run(query) {
            Ok(answer) => is_sound(&answer, query, text),
            Err(refused) => assert!(!refused.to_string().is_empty(), "{text}"),
        }
        assert!(looks.load(Relaxed) <= LOOKS_MAX + 100, "{text}: it goes on after its end");
    }
    let long = Query { start_ms: 0, end_ms: i64::MAX, step_ms: 1 };
    assert!(matches!(run(long), Err(EvalError::Points { max: POINTS_MAX, .. })), "{text}");
}

fn is_sound(answer: &Answer, query: Query, text: &str) {
    assert_eq!(answer.plan.is_some(), text.len().is_multiple_of(2), "{text}");
    match &answer.value {
        Value::Scalar(values) => assert_eq!(values.len(), query.steps(), "{text}"),
        Value::String(_) => assert!(query.is_instant(), "{text}"),
        Value::Vector(columns) => {
            assert!(columns.iter().all(|column| column.steps() == query.steps()), "{text}");
        }
        Value::Matrix(series) => {
            assert!(query.is_instant(), "{text}");
            for one in series {
                assert!(one.points.times.is_sorted_by(|a, b| a < b), "{text}");
            }
        }
    }
    let stats = &answer.stats;
    assert!(stats.samples <= SAMPLES_MAX as u64, "{text}: {stats:?}");
    assert!(stats.series <= SERIES_MAX as u64, "{text}: {stats:?}");
    assert!(stats.peak_samples * 16 <= MEMORY_BYTES_MAX as u64, "{text}: {stats:?}");
}
