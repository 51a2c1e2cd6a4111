//! Short forms of trees and meanings, for snapshots.

use std::{fmt::Write, ops::Bound};

use eventql::{
    Filter, Pipeline,
    filter::{Condition, ValueTest},
    pipeline::{Output, Shape},
    token::WordTest,
};

/// Each input with what `show` says about it.
pub(crate) fn table(inputs: &[&str], show: impl Fn(&str) -> String) -> String {
    let mut table = String::new();
    for input in inputs {
        let shown = show(input).trim_end().replace('\n', "\n    ");
        writeln!(table, "{input}\n    {shown}").unwrap();
    }
    table
}

pub(crate) fn filter(filter: &Filter) -> String {
    let parts = |parts: &[Filter]| parts.iter().map(self::filter).collect::<Vec<_>>().join(" ");
    match filter {
        Filter::All => "all".to_owned(),
        Filter::And(all) => format!("(and {})", parts(all)),
        Filter::Or(all) => format!("(or {})", parts(all)),
        Filter::Not(inner) => format!("(not {})", self::filter(inner)),
        Filter::Text(phrase) => format!("(text {})", words(phrase.words())),
        Filter::Field(field, condition) => format!("({field} {})", self::condition(condition)),
    }
}

fn words(words: &[WordTest]) -> String {
    let shown = words.iter().map(|word| match word {
        WordTest::Is(text) => text.to_string(),
        WordTest::Prefix(text) => format!("{text}*"),
        WordTest::Like(wildcard) => format!("{:?}", wildcard.pieces()),
    });
    shown.collect::<Vec<_>>().join("+")
}

fn condition(condition: &Condition) -> String {
    match condition {
        Condition::Exists => "exists".to_owned(),
        Condition::Value(test) => value(test),
        Condition::Words(phrase) => format!("words {}", words(phrase.words())),
        Condition::Integer { min, max } => {
            let end = |end: i64| match end {
                i64::MIN => "min".to_owned(),
                i64::MAX => "max".to_owned(),
                other => other.to_string(),
            };
            format!("{}..={}", end(*min), end(*max))
        }
        Condition::Bool(is) => is.to_string(),
        Condition::Kind(kind) => format!("{kind:?}"),
        Condition::Status(status) => format!("{status:?}"),
        Condition::Trace(id) => format!("trace {id}"),
        Condition::Span(id) => format!("span {id}"),
    }
}

fn value(test: &ValueTest) -> String {
    fn range<T: std::fmt::Display>(low: &Bound<T>, high: &Bound<T>) -> String {
        let low = match low {
            Bound::Included(end) => format!("[{end}"),
            Bound::Excluded(end) => format!("{{{end}"),
            Bound::Unbounded => "(".to_owned(),
        };
        match high {
            Bound::Included(end) => format!("{low}, {end}]"),
            Bound::Excluded(end) => format!("{low}, {end}}}"),
            Bound::Unbounded => format!("{low}, )"),
        }
    }
    match test {
        ValueTest::Is { text, number: None } => format!("is {text:?}"),
        ValueTest::Is { text, number: Some(number) } => format!("is {text:?} or {number}"),
        ValueTest::Like(wildcard) => format!("like {:?}", wildcard.pieces()),
        ValueTest::Matches(pattern) => format!("matches {pattern:?}"),
        ValueTest::Numbers(low, high) => format!("numbers {}", range(low, high)),
        ValueTest::Texts(low, high) => format!("texts {}", range(low, high)),
    }
}

pub(crate) fn pipeline(pipeline: &Pipeline) -> String {
    let output = |output: &Output| match output {
        Output::Column(at) => format!("#{at}"),
        Output::Field(field) => field.to_string(),
    };
    let mut shown = match &pipeline.shape {
        Shape::Records => String::new(),
        Shape::Patterns => " patterns".to_owned(),
        Shape::Groups(groups) => {
            let by: Vec<_> = groups.by.iter().map(ToString::to_string).collect();
            let every = groups.every.map_or(String::new(), |every| format!(" every {every}"));
            format!(" groups [{}]{every} -> {}", by.join(", "), groups.columns.join(" | "))
        }
    };
    for keep in &pipeline.keep {
        let number = keep.number.map_or("text".to_owned(), |number| number.to_string());
        write!(shown, " keep #{}{}{} ({number})", keep.column, keep.comparison.as_str(), keep.text)
            .unwrap();
    }
    for sort in &pipeline.sort {
        write!(shown, " sort {}{}", if sort.descending { "-" } else { "" }, output(&sort.by))
            .unwrap();
    }
    if let Some(limit) = pipeline.limit {
        write!(shown, " limit {limit}").unwrap();
    }
    if let Some(show) = &pipeline.show {
        write!(shown, " show {}", show.iter().map(output).collect::<Vec<_>>().join(", ")).unwrap();
    }
    shown
}
