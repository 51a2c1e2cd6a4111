//! A target's scrapes, one after the other.

use super::*;
use crate::{
    config::{JobLimits, test::job},
    pattern::{Pattern, Template},
    relabel::Action,
};

/// A target that exposes lines `key value [@ms]`; a key is `name` or `name{a=b,c=d}`.
struct Target {
    memory: Memory,
    rules: Rules,
    /// How often labels were looked at.
    parsed: std::cell::Cell<usize>,
}

impl Target {
    fn new(change: impl FnOnce(&mut Rules)) -> Self {
        let target = Labels::from_pairs([("instance", "h:1"), ("job", "shop")]);
        let mut rules = Rules::new(&job("shop"), target);
        change(&mut rules);
        Self { memory: Memory::default(), rules, parsed: std::cell::Cell::default() }
    }

    fn read<'a>(&'a mut self, at_ms: i64, lines: &str) -> (Pass<'a>, Result<(), PassError>) {
        let parsed = &self.parsed;
        let mut pass = Pass::begin(&mut self.memory, &self.rules, at_ms);
        for line in lines.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let mut words = line.split(' ');
            let (key, value) = (words.next().unwrap(), words.next().unwrap());
            let own = words.next().map(|word| word.trim_start_matches('@').parse().unwrap());
            let visit = |visit: &mut dyn FnMut(&str, &str)| {
                parsed.set(parsed.get() + 1);
                let (name, rest) = key.split_once('{').unwrap_or((key, ""));
                visit("__name__", name);
                for pair in rest.trim_end_matches('}').split(',').filter(|pair| !pair.is_empty()) {
                    let (name, value) = pair.split_once('=').unwrap();
                    visit(name, value);
                }
            };
            let mut admit = |labels: LabelSet| (!labels.has("secret")).then(|| labels.to_labels());
            if let Err(error) =
                pass.float(key.as_bytes(), &visit, value.parse().unwrap(), own, &mut admit)
            {
                return (pass, Err(error));
            }
        }
        (pass, Ok(()))
    }

    fn scrape(&mut self, at_ms: i64, lines: &str) -> String {
        let (scraped, error) = match self.read(at_ms, lines) {
            (pass, Ok(())) => pass.finish(),
            (pass, Err(error)) => (pass.abandon(), Some(error)),
        };
        let mut text: Vec<String> = scraped
            .series
            .iter()
            .map(|series| {
                let sample = series.samples[0];
                let value =
                    if sample.is_stale() { "stale".to_owned() } else { sample.value.to_string() };
                format!("{} {value} @{}", series.labels, sample.at_ms)
            })
            .collect();
        let Counts { scraped, kept, added, duplicates, refused } = scraped.counts;
        text.push(format!(
            "{scraped} scraped, {kept} kept, {added} added, {duplicates} twice, {refused} refused"
        ));
        text.extend(error.map(|error| format!("error: {error}")));
        text.join("\n")
    }
}

#[test]
fn an_unchanged_exposition_is_parsed_once() {
    let mut target = Target::new(|_| ());
    insta::assert_snapshot!(target.scrape(1000, "a 1\nb{x=y} 2"), @r#"
    a{instance="h:1", job="shop"} 1 @1000
    b{instance="h:1", job="shop", x="y"} 2 @1000
    2 scraped, 2 kept, 2 added, 0 twice, 0 refused
    "#);
    insta::assert_snapshot!(target.scrape(2000, "a 3\nb{x=y} 4"), @r#"
    a{instance="h:1", job="shop"} 3 @2000
    b{instance="h:1", job="shop", x="y"} 4 @2000
    2 scraped, 2 kept, 0 added, 0 twice, 0 refused
    "#);
    // In another order, too.
    insta::assert_snapshot!(target.scrape(3000, "b{x=y} 4\na 3"), @r#"
    b{instance="h:1", job="shop", x="y"} 4 @3000
    a{instance="h:1", job="shop"} 3 @3000
    2 scraped, 2 kept, 0 added, 0 twice, 0 refused
    "#);
    assert_eq!(target.parsed.get(), 2);
}

#[test]
fn series_that_vanish_get_a_marker_once() {
    let mut target = Target::new(|_| ());
    target.scrape(1000, "a 1\nb 2");
    insta::assert_snapshot!(target.scrape(2000, "a 1"), @r#"
    a{instance="h:1", job="shop"} 1 @2000
    b{instance="h:1", job="shop"} stale @2000
    1 scraped, 1 kept, 0 added, 0 twice, 0 refused
    "#);
    insta::assert_snapshot!(target.scrape(3000, "a 1"), @r#"
    a{instance="h:1", job="shop"} 1 @3000
    1 scraped, 1 kept, 0 added, 0 twice, 0 refused
    "#);
    insta::assert_snapshot!(target.scrape(4000, "a 1\nb 2"), @r#"
    a{instance="h:1", job="shop"} 1 @4000
    b{instance="h:1", job="shop"} 2 @4000
    2 scraped, 2 kept, 1 added, 0 twice, 0 refused
    "#);
}

#[test]
fn a_scrape_that_fails_ends_all_series() {
    let mut target =
        Target::new(|rules| rules.limits = JobLimits { samples: 2, ..JobLimits::default() });
    target.scrape(1000, "a 1\nb 2");
    insta::assert_snapshot!(target.scrape(2000, "a 1\nb 2\nc 3\nd 4"), @r#"
    a{instance="h:1", job="shop"} stale @2000
    b{instance="h:1", job="shop"} stale @2000
    4 scraped, 4 kept, 0 added, 0 twice, 0 refused
    error: sample limit exceeded: more than 2 samples after relabelling (`sample_limit`)
    "#);
    insta::assert_snapshot!(target.scrape(3000, "a 1\nb 2\nc 3"), @"
    3 scraped, 3 kept, 0 added, 0 twice, 0 refused
    error: sample limit exceeded: more than 2 samples after relabelling (`sample_limit`)
    ");
    insta::assert_snapshot!(target.scrape(4000, "a 1\nb 2"), @r#"
    a{instance="h:1", job="shop"} 1 @4000
    b{instance="h:1", job="shop"} 2 @4000
    2 scraped, 2 kept, 0 added, 0 twice, 0 refused
    "#);
}

#[test]
fn times_of_their_own_are_taken_or_not() {
    let mut target = Target::new(|_| ());
    insta::assert_snapshot!(target.scrape(1000, "a 1 @500\nb 2"), @r#"
    a{instance="h:1", job="shop"} 1 @500
    b{instance="h:1", job="shop"} 2 @1000
    2 scraped, 2 kept, 2 added, 0 twice, 0 refused
    "#);
    insta::assert_snapshot!(target.scrape(2000, ""), @r#"
    b{instance="h:1", job="shop"} stale @2000
    0 scraped, 0 kept, 0 added, 0 twice, 0 refused
    "#, );
    let mut target = Target::new(|rules| rules.honor_timestamps = false);
    insta::assert_snapshot!(target.scrape(1000, "a 1 @500"), @r#"
    a{instance="h:1", job="shop"} 1 @1000
    1 scraped, 1 kept, 1 added, 0 twice, 0 refused
    "#);
    insta::assert_snapshot!(target.scrape(2000, ""), @r#"
    a{instance="h:1", job="shop"} stale @2000
    0 scraped, 0 kept, 0 added, 0 twice, 0 refused
    "#);
    let mut target = Target::new(|rules| rules.track_timestamps_staleness = true);
    target.scrape(1000, "a 1 @500");
    insta::assert_snapshot!(target.scrape(2000, ""), @r#"
    a{instance="h:1", job="shop"} stale @2000
    0 scraped, 0 kept, 0 added, 0 twice, 0 refused
    "#);
}

#[test]
fn the_first_of_two_samples_is_taken() {
    let mut target = Target::new(|_| ());
    insta::assert_snapshot!(target.scrape(1000, "a 1\na 2\nb 1 @1\nb 2 @2"), @r#"
    a{instance="h:1", job="shop"} 1 @1000
    b{instance="h:1", job="shop"} 1 @1
    b{instance="h:1", job="shop"} 2 @2
    4 scraped, 4 kept, 2 added, 1 twice, 0 refused
    "#);
}

#[test]
fn clashing_labels_are_renamed_or_honoured() {
    let lines = "a{job=x,exported_job=y,instance=z} 1\nb{job=x} 1";
    insta::assert_snapshot!(Target::new(|_| ()).scrape(1000, lines), @r#"
    a{exported_exported_job="x", exported_instance="z", exported_job="y", instance="h:1", job="shop"} 1 @1000
    b{exported_job="x", instance="h:1", job="shop"} 1 @1000
    2 scraped, 2 kept, 2 added, 0 twice, 0 refused
    "#);
    insta::assert_snapshot!(Target::new(|rules| rules.honor_labels = true).scrape(1000, lines), @r#"
    a{exported_job="y", instance="z", job="x"} 1 @1000
    b{instance="h:1", job="x"} 1 @1000
    2 scraped, 2 kept, 2 added, 0 twice, 0 refused
    "#);
}

#[test]
fn relabelling_drops_and_ingest_refuses() {
    let drop = Rule {
        source: ["__name__".into()].into(),
        regex: Pattern::new("b.*").unwrap(),
        action: Action::Drop,
        ..Rule::default()
    };
    let mut target = Target::new(|rules| rules.relabel = [drop].into());
    for at_ms in [1000, 2000] {
        insta::allow_duplicates!(insta::assert_snapshot!(
            target.scrape(at_ms, "bad 1\nc{secret=x} 1").replace(&at_ms.to_string(), "now"),
            @"2 scraped, 1 kept, 0 added, 0 twice, 1 refused"
        ));
    }
}

#[test]
fn bad_labels_refuse_the_scrape() {
    let unnamed = Rule {
        target: Template::new("__name__"),
        replacement: Template::new(""),
        ..Rule::default()
    };
    insta::assert_snapshot!(
        [
            Target::new(|rules| rules.relabel = [unnamed].into()).scrape(1, "a 1"),
            Target::new(|rules| rules.scheme = Scheme::Legacy).scrape(1, "a.b 1"),
            Target::new(|rules| rules.scheme = Scheme::Legacy).scrape(1, "a{b.c=d} 1"),
            Target::new(|_| ()).scrape(1, "a{b=c,b=d} 1"),
            Target::new(|rules| rules.limits.labels = 3).scrape(1, "a{b=c} 1"),
            Target::new(|rules| rules.limits.label_name_bytes = 8).scrape(1, "a{long_name=c} 1"),
            Target::new(|rules| rules.limits.label_value_bytes = 4).scrape(1, "a{b=12345} 1"),
        ]
        .join("\n"),
        @r#"
    1 scraped, 0 kept, 0 added, 0 twice, 0 refused
    error: missing metric name (__name__ label)
    1 scraped, 0 kept, 0 added, 0 twice, 0 refused
    error: invalid metric name or label names: a.b{instance="h:1", job="shop"}
    1 scraped, 0 kept, 0 added, 0 twice, 0 refused
    error: invalid metric name or label names: a{b.c="d", instance="h:1", job="shop"}
    1 scraped, 0 kept, 0 added, 0 twice, 0 refused
    error: label name "b" is not unique: invalid sample
    1 scraped, 0 kept, 0 added, 0 twice, 0 refused
    error: label_limit exceeded (metric: a, number of labels: 4, limit: 3)
    1 scraped, 0 kept, 0 added, 0 twice, 0 refused
    error: label_name_length_limit exceeded (metric: a, label name: long_name, length: 9, limit: 8)
    1 scraped, 0 kept, 0 added, 0 twice, 0 refused
    error: label_value_length_limit exceeded (metric: a, label name: b, value: 12345, length: 5, limit: 4)
    "#
    );
}

#[test]
fn metadata_is_told_when_it_is_new() {
    let mut target = Target::new(|_| ());
    let mut scrape = |help: &str| {
        let mut pass = Pass::begin(&mut target.memory, &target.rules, 1);
        pass.kind("a", MetricKind::Counter);
        pass.help("a", help);
        pass.finish().0.metadata
    };
    assert_eq!(scrape("x")[0].kind, MetricKind::Counter);
    assert_eq!(scrape("x"), []);
    assert_eq!(&*scrape("y")[0].help, "y");
    assert_eq!(target.memory.metadata().count(), 1);
}

#[test]
fn a_target_that_goes_away_ends_its_series() {
    let mut target = Target::new(|_| ());
    target.scrape(1000, "a 1\nb 2 @7");
    let retired = target.memory.retire(5000);
    assert_eq!(retired.series.len(), 1);
    assert!(
        retired.series[0].samples[0].is_stale() && target.memory.retire(6000).series.is_empty()
    );
}

#[test]
fn other_rules_end_only_what_they_drop() {
    let mut target = Target::new(|_| ());
    target.scrape(1000, "a 1\nb 2");
    target.rules.relabel = [Rule {
        source: ["__name__".into()].into(),
        regex: Pattern::new("b").unwrap(),
        action: Action::Drop,
        ..Rule::default()
    }]
    .into();
    target.memory.forget_labels();
    insta::assert_snapshot!(target.scrape(2000, "a 1\nb 2"), @r#"
    a{instance="h:1", job="shop"} 1 @2000
    b{instance="h:1", job="shop"} stale @2000
    2 scraped, 1 kept, 1 added, 0 twice, 0 refused
    "#);
    insta::assert_snapshot!(target.scrape(3000, "a 1\nb 2"), @r#"
    a{instance="h:1", job="shop"} 1 @3000
    2 scraped, 1 kept, 0 added, 0 twice, 0 refused
    "#);
}

#[test]
fn native_histograms_end_as_histograms_and_take_their_exemplars_along() {
    let mut target = Target::new(|_| ());
    let histogram =
        Arc::new(Histogram { count: 1.0, sum: 2.0, zero_count: 1.0, ..Histogram::default() });
    let visit = |visit: &mut dyn FnMut(&str, &str)| visit("__name__", "h");
    let mut admit = |labels: LabelSet| Some(labels.to_labels());
    let mut pass = Pass::begin(&mut target.memory, &target.rules, 1000);
    pass.histogram(b"h", &visit, Arc::clone(&histogram), None, &mut admit).unwrap();
    assert!(pass.wants_exemplars());
    let exemplar =
        Exemplar { labels: Labels::from_pairs([("trace_id", "t")]), value: 1.0, at_ms: 7 };
    pass.exemplars(vec![exemplar.clone()]);
    let (scraped, error) = pass.finish();
    assert_eq!((error, scraped.counts.added), (None, 1));
    assert_eq!(*scraped.histograms[0].samples[0].histogram, *histogram);
    assert_eq!(scraped.exemplars[0].exemplars, [exemplar]);
    let (gone, _) = Pass::begin(&mut target.memory, &target.rules, 2000).finish();
    assert!(gone.series.is_empty() && gone.histograms[0].samples[0].histogram.is_stale());
    assert_eq!(gone.histograms[0].labels, scraped.histograms[0].labels);

    let unsound = Arc::new(Histogram { count: -1.0, ..Histogram::default() });
    let mut pass = Pass::begin(&mut target.memory, &target.rules, 3000);
    let error = pass.histogram(b"h", &visit, unsound, None, &mut admit).unwrap_err();
    assert_eq!(
        error.to_string(),
        "a native histogram is not sound: the count is -1; counts are not negative"
    );
}
