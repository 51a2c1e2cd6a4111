//! Limits, threads, plans and statistics: what scripts cannot say.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use model::{Clock as _, Labels, Matcher, Points, SystemClock};

use super::*;
use crate::{Features, parse_with};

/// Counters, with one sample every 15 s from 0 on.
struct Counters {
    series: usize,
    samples: usize,
}

struct Set<'a> {
    of: &'a Counters,
    found: Vec<usize>,
    hints: Hints,
}

impl Counters {
    fn label(&self, at: usize) -> Labels {
        let (pod, zone) = (format!("pod-{at}"), format!("zone-{}", at % 7));
        Labels::from_pairs([
            ("__name__", "c_total"),
            ("pod", pod.as_str()),
            ("zone", zone.as_str()),
        ])
    }
}

impl SeriesSource for Counters {
    fn select(
        &self,
        matchers: &[Matcher],
        hints: &Hints,
    ) -> Result<Box<dyn SeriesSet + '_>, SourceError> {
        let passes = |at: &usize| matchers.iter().all(|one| one.matches_labels(&self.label(*at)));
        let found = (0..self.series).filter(passes).collect();
        Ok(Box::new(Set { of: self, found, hints: *hints }))
    }
}

impl SeriesSet for Set<'_> {
    fn len(&self) -> usize {
        self.found.len()
    }

    fn labels(&self, at: usize) -> Labels {
        self.of.label(self.found[at])
    }

    fn visit_labels(&self, at: usize, visit: &mut dyn FnMut(&str, &str)) {
        self.labels(at).iter().for_each(|(name, value)| visit(name, value));
    }

    fn samples_hint(&self, _at: usize) -> usize {
        self.of.samples
    }

    fn read(&self, at: usize, into: &mut Points) -> Result<(), SourceError> {
        let rate = 0.1 + f64::from(u32::try_from(self.found[at]).unwrap()) * 0.37;
        for step in 0..self.of.samples {
            let time = i64::try_from(step).unwrap() * 15_000;
            if time >= self.hints.start_ms && time <= self.hints.end_ms {
                into.push(time, rate * f64::from(u32::try_from(step).unwrap()));
            }
        }
        Ok(())
    }
}

const SMALL: Counters = Counters { series: 2000, samples: 100 };
const HOUR: Query = Query { start_ms: 300_000, end_ms: 1_200_000, step_ms: 15_000 };

#[track_caller]
fn run(
    text: &str,
    query: Query,
    source: &Counters,
    limits: &Limits<'_>,
) -> Result<Answer, EvalError> {
    let expr = parse_with(text, &Features::ALL).unwrap_or_else(|error| panic!("{text}: {error}"));
    evaluate(&expr, query, source, limits)
}

#[test]
fn the_number_of_threads_does_not_change_a_bit() {
    for text in [
        "sum by (zone) (rate(c_total[5m]))",
        "avg(c_total)",
        "stddev by (zone) (c_total * 3)",
        "quantile(0.9, increase(c_total[1m]))",
        "max without (pod) (c_total)",
        "rate(c_total[2m])",
    ] {
        let with = |threads| {
            let limits = Limits { threads, ..Limits::default() };
            let answer = run(text, HOUR, &SMALL, &limits).unwrap();
            let series = answer.value.into_matrix(HOUR);
            let bits =
                |values: &[f64]| values.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
            series
                .iter()
                .map(|one| (one.labels.clone(), bits(&one.points.values)))
                .collect::<Vec<_>>()
        };
        let one = with(1);
        assert!(!one.is_empty());
        assert_eq!(one, with(4), "{text}");
    }
}

#[test]
fn each_limit_ends_a_query_and_names_its_setting() {
    let check = |text: &str, query: Query, limits: Limits<'_>, setting: &str| {
        let error = run(text, query, &SMALL, &limits).unwrap_err();
        assert!(error.to_string().contains(setting), "{text}: {error}");
    };
    let limits = Limits::default();
    check("c_total", HOUR, Limits { samples_max: 1000, ..limits }, "query.max_samples");
    check("c_total", HOUR, Limits { series_max: 1999, ..limits }, "query.max_series");
    check("c_total", HOUR, Limits { points_max: 10, ..limits }, "query.max_points_per_series");
    check(
        "c_total",
        HOUR,
        Limits { memory_max_bytes: 100_000, ..limits },
        "query.max_memory_bytes",
    );
    let calls = AtomicUsize::new(0);
    let clock = || Duration::from_secs(calls.fetch_add(1, Ordering::Relaxed) as u64);
    let slow = Limits { timeout: Duration::from_secs(3), clock: &clock, ..limits };
    check("sum(rate(c_total[5m]))", HOUR, slow, "query.timeout");
    let cancelled = Limits { cancelled: &|| true, threads: 3, ..limits };
    assert_eq!(run("c_total", HOUR, &SMALL, &cancelled), Err(EvalError::Cancelled));
}

#[test]
fn a_sum_is_not_limited_by_the_series_it_adds() {
    // The cells of 2000 series at 61 steps would be a megabyte.
    let limits = Limits { memory_max_bytes: 300_000, ..Limits::default() };
    let answer = run("sum(rate(c_total[5m]))", HOUR, &SMALL, &limits).unwrap();
    assert_eq!(answer.stats.series, 2000);
    let error = run("topk(1, rate(c_total[5m]))", HOUR, &SMALL, &limits).unwrap_err();
    assert_eq!(error, EvalError::Memory { max: 300_000 });
}

/// Expressions that ask for more than anybody has.
fn hostile() -> Vec<String> {
    let nested = |open: &str, inner: &str, close: &str, times: usize| {
        format!("{}{inner}{}", open.repeat(times), close.repeat(times))
    };
    vec![
        "{__name__=~\".+\"} * on() group_left {__name__=~\".+\"}".to_owned(),
        "{__name__=~\".+\"} + on() {__name__=~\".+\"}".to_owned(),
        "max_over_time(vector(1)[10y:1ms])".to_owned(),
        "sum_over_time(rate(c_total[5m])[10y:1ms])".to_owned(),
        "max_over_time(max_over_time(max_over_time(c_total[1d:1ms])[1d:1ms])[1d:1ms])".to_owned(),
        "topk(1e15, c_total)".to_owned(),
        "quantile_over_time(0.5, c_total[10y])".to_owned(),
        "count_values(\"v\", rate(c_total[1m]) * time())".to_owned(),
        nested("abs(", "c_total", ")", 100),
        nested("(", "c_total", ")", 100),
        nested("-", "c_total", "", 100),
        nested("max(", "c_total", ")", 100),
        nested("max_over_time(", "c_total", "[1h:1s])", 50),
        nested("label_join(", "c_total", ", \"z\", \"zz\", \"z\", \"z\", \"pod\")", 100),
        nested("label_replace(", "c_total", ", \"z\", \"$1$1x\", \"z\", \"(.*)\")", 100),
        format!("c_total{}", " + c_total".repeat(400)),
        format!("c_total{}", " or c_total".repeat(400)),
        nested("sum(rate(c_total[1m])) + (", "1", ")", 100),
    ]
}

#[test]
fn hostile_queries_end_soon_by_a_limit_or_an_answer() {
    let worker = || {
        let query = Query { start_ms: 0, end_ms: 1_500_000, step_ms: 15_000 };
        for text in hostile() {
            // What the parser refuses needs no evaluation.
            let Ok(expr) = parse_with(&text, &Features::ALL) else { continue };
            let machine = SystemClock::new();
            let clock = || machine.monotonic();
            let limits = Limits {
                memory_max_bytes: 1 << 26,
                samples_max: 20_000_000,
                timeout: Duration::from_millis(300),
                clock: &clock,
                threads: 2,
                ..Limits::default()
            };
            let outcome = evaluate(&expr, query, &SMALL, &limits);
            let took = machine.monotonic();
            assert!(took < Duration::from_secs(10), "{text} took {took:?}: {outcome:?}");
        }
    };
    // As much stack as a thread of the server has.
    std::thread::Builder::new().stack_size(2 << 20).spawn(worker).unwrap().join().unwrap();
}

#[test]
fn the_deepest_expression_that_parses_fits_on_the_stack() {
    let worker = || {
        for (open, inner, close) in [
            ("abs(", "c_total", ")"),
            ("(", "c_total", ")"),
            ("-", "c_total", ""),
            ("max(", "c_total", ")"),
            ("scalar(max(", "c_total", ")) + c_total"),
            ("last_over_time(", "c_total", "[1m:1m])"),
            ("label_replace(", "c_total", ", \"a\", \"b\", \"c\", \"d\")"),
            ("c_total and (", "c_total", ")"),
        ] {
            let fits = |times: usize| {
                let text = format!("{}{inner}{}", open.repeat(times), close.repeat(times));
                parse_with(&text, &Features::ALL).ok()
            };
            let expr = (1..600).rev().find_map(fits).unwrap();
            let one = Counters { series: 1, samples: 3 };
            // An answer or an error: both are right, a crash is not.
            let _outcome = evaluate(&expr, Query::instant(30_000), &one, &Limits::default());
        }
    };
    std::thread::Builder::new().stack_size(2 << 20).spawn(worker).unwrap().join().unwrap();
}

#[test]
fn a_plan_tells_time_samples_and_series_of_each_part() {
    let machine = SystemClock::new();
    let clock = || machine.monotonic();
    let limits =
        Limits { explain: true, clock: &clock, samples_per_step: true, ..Limits::default() };
    let text = "sum by (zone) (rate(c_total[1m])) / 2";
    let answer = run(text, HOUR, &SMALL, &limits).unwrap();
    let plan = answer.plan.unwrap();
    assert_eq!((plan.text.as_str(), plan.series), (text, 7));
    assert_eq!(plan.samples, answer.stats.samples);
    let sum = &plan.children[0];
    assert_eq!((sum.text.as_str(), sum.series), ("sum by (zone) (rate(c_total[1m]))", 7));
    let rate = &sum.children[0];
    assert_eq!((rate.text.as_str(), rate.series), ("rate(c_total[1m])", 2000));
    assert!(rate.time > Duration::ZERO && plan.time >= sum.time);
    let rendered = plan.render();
    assert!(rendered.lines().count() >= 4, "{rendered}");
    // Every window of a minute has 4 samples of each series.
    assert_eq!(answer.stats.samples_per_step, vec![4 * 2000; HOUR.steps()]);
}

#[test]
fn samples_of_a_selector_that_stands_twice_are_read_once() {
    let limits = Limits::default();
    let once = run("max_over_time(c_total[1m])", HOUR, &SMALL, &limits).unwrap();
    let twice = "max_over_time(c_total[1m]) - min_over_time(c_total[1m])";
    let twice = run(twice, HOUR, &SMALL, &limits).unwrap();
    assert_eq!(twice.stats.series, once.stats.series);
    assert_eq!(twice.stats.samples, once.stats.samples);
}

#[test]
fn metrics_that_differ_in_their_names_only_are_not_summed_in_silence() {
    struct Two;
    impl SeriesSource for Two {
        fn select(&self, _: &[Matcher], _: &Hints) -> Result<Box<dyn SeriesSet + '_>, SourceError> {
            Ok(Box::new(Two))
        }
    }
    impl SeriesSet for Two {
        fn len(&self) -> usize {
            2
        }
        fn labels(&self, at: usize) -> Labels {
            Labels::from_pairs([("__name__", ["a_total", "b_total"][at])])
        }
        fn visit_labels(&self, at: usize, visit: &mut dyn FnMut(&str, &str)) {
            visit("__name__", ["a_total", "b_total"][at]);
        }
        fn samples_hint(&self, _: usize) -> usize {
            2
        }
        fn read(&self, _: usize, into: &mut Points) -> Result<(), SourceError> {
            into.push(1000, 1.0);
            into.push(2000, 2.0);
            Ok(())
        }
    }
    let ask = |text: &str| {
        let expr = parse_with(text, &Features::ALL).unwrap();
        evaluate(&expr, Query::instant(2000), &Two, &Limits::default())
    };
    let message = "vector cannot contain metrics with the same labelset";
    for text in [
        "rate({__name__=~\".+\"}[5s])",
        "sum(rate({__name__=~\".+\"}[5s]))",
        "abs({__name__=~\".+\"})",
    ] {
        assert_eq!(ask(text).unwrap_err().to_string(), message, "{text}");
    }
    assert!(ask("sum({__name__=~\".+\"})").is_ok());
}
