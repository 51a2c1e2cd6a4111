//! Series in the notation of Prometheus' tests: `name{labels} first+step x times`, a sample each minute from 1970 on.

use model::{Batch, Exemplar, Labels, MatchOp, Sample, Series, SeriesExemplars};

/// A batch of lines such as `up{a="b"} 0+100x100 stale`.
pub(super) fn load(lines: &str) -> Batch {
    let lines = lines.lines().map(str::trim).filter(|line| !line.is_empty());
    Batch { series: lines.map(series).collect(), ..Batch::default() }
}

fn series(line: &str) -> Series {
    let (selector, values) = match line.rsplit_once('}') {
        Some((selector, values)) => (format!("{selector}}}"), values),
        None => {
            let (name, values) = line.split_once(' ').unwrap();
            (name.to_owned(), values)
        }
    };
    let mut samples = Vec::new();
    let mut push = |value: f64| {
        let minute = i64::try_from(samples.len()).unwrap();
        samples.push(Sample { at_ms: minute * 60_000, value });
    };
    for word in values.split_whitespace() {
        if word == "stale" {
            push(f64::from_bits(Sample::STALE));
            continue;
        }
        let (first, rest) = word.split_once('+').unwrap();
        let (step, times) = rest.split_once('x').unwrap();
        let (mut value, step): (f64, f64) = (first.parse().unwrap(), step.parse().unwrap());
        for _ in 0..=times.parse::<u32>().unwrap() {
            push(value);
            value += step;
        }
    }
    Series { labels: labels(&selector), samples }
}

/// The labels of a series that is written as a selector.
pub(super) fn labels(selector: &str) -> Labels {
    let expr = app::promql::parse(selector).unwrap();
    let app::promql::ast::ExprKind::Selector(selector) = expr.kind else {
        panic!("{selector} is no selector")
    };
    Labels::from_pairs(selector.matchers.iter().map(|matcher| {
        assert_eq!(matcher.op(), MatchOp::Equal);
        (matcher.name(), matcher.value())
    }))
}

/// One exemplar of a series.
pub(super) fn exemplar(series: &str, id: &str, at_ms: i64) -> SeriesExemplars {
    let exemplar = Exemplar { labels: Labels::from_pairs([("id", id)]), value: 10.0, at_ms };
    SeriesExemplars { labels: labels(series), exemplars: vec![exemplar] }
}
