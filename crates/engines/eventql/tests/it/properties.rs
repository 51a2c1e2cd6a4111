//! What holds of every tree, text and record.

use eventql::{
    QUERY_BYTES_MAX, Signal,
    ast::{
        Aggregate, Aggregation, Column, ColumnName, Comparison, Condition, Every, Function,
        Operator, Query, SortKey, Stage, StageKind,
    },
    check, complete, lint, matches, parse, quoted,
};
use proptest::{collection::vec, option, prelude::*, sample::select};
use regex::Regex;

use crate::{
    generate::{any_tree, log, odd_field, odd_text, sensible_tree, span},
    naive::{self, Event},
    sentences::{FILTERS, STAGES},
};

/// The tree without its places.
fn bare(query: &Query) -> String {
    let place = Regex::new(r"Span \{ start: \d+, end: \d+ \}").unwrap();
    place.replace_all(&format!("{query:?}"), "_").into_owned()
}

fn functions() -> BoxedStrategy<Function> {
    let quantile = select(vec![
        "p50(x)",
        "p99.9(x)",
        "p0(x)",
        "p100(x)",
        "quantile(0.000001, x)",
        "quantile(0.95, x)",
    ]);
    let operator = prop_oneof![
        select(vec![
            Operator::Count,
            Operator::Uniq,
            Operator::Sum,
            Operator::Avg,
            Operator::Min,
            Operator::Max
        ]),
        quantile.prop_map(|text| {
            match parse(&format!("| {text}")).unwrap().stages.remove(0).kind {
                StageKind::Aggregate(mut aggregation) => {
                    match aggregation.aggregates.remove(0).function {
                        Function::Of(operator, _) => operator,
                        other => panic!("{other:?}"),
                    }
                }
                other => panic!("{other:?}"),
            }
        }),
    ];
    prop_oneof![
        Just(Function::Count),
        Just(Function::Rate),
        (operator, odd_field()).prop_map(|(operator, field)| Function::Of(operator, field)),
    ]
    .boxed()
}

fn stage() -> impl Strategy<Value = Stage> {
    let aggregate =
        (functions(), option::of("[a-c_][a-z0-9_.]{0,3}")).prop_map(|(function, alias)| {
            Aggregate {
                function,
                alias: alias
                    .filter(|alias| !["by", "as"].contains(&alias.as_str()))
                    .map(Into::into),
                span: eventql::Span::default(),
            }
        });
    let every = prop_oneof![Just(Every::Auto), (1_000_000..i64::MAX).prop_map(Every::Nanoseconds)];
    let aggregation = (vec(aggregate, 1..4), vec(odd_field(), 0..3), option::of(every)).prop_map(
        |(aggregates, by, every)| StageKind::Aggregate(Aggregation { aggregates, by, every }),
    );
    let name = prop_oneof![
        functions()
            .prop_filter("has a field", |function| matches!(function, Function::Of(..)))
            .prop_map(ColumnName::Function),
        odd_field().prop_map(|field| ColumnName::Name(field.to_string().into())),
    ];
    let column = name.prop_map(|name| Column { name, span: eventql::Span::default() });
    let comparison = select(vec![
        Comparison::Equal,
        Comparison::NotEqual,
        Comparison::Less,
        Comparison::GreaterEqual,
    ]);
    let condition =
        (column.clone(), comparison, odd_text()).prop_map(|(column, comparison, value)| {
            Condition { column, comparison, value, value_span: eventql::Span::default() }
        });
    let key = (column.clone(), any::<bool>())
        .prop_map(|(column, descending)| SortKey { column, descending });
    let kind = prop_oneof![
        aggregation,
        (1u32..=10_000, odd_field()).prop_map(|(limit, by)| StageKind::Top { limit, by }),
        vec(condition, 1..3).prop_map(StageKind::Where),
        vec(key, 1..3).prop_map(StageKind::Sort),
        (1u32..=10_000).prop_map(StageKind::Limit),
        vec(column, 1..3).prop_map(StageKind::Fields),
        Just(StageKind::Patterns),
    ];
    kind.prop_map(|kind| Stage { kind, span: eventql::Span::default() })
}

/// All that can be asked about a text, which must come to an end in good order.
fn exercise(text: &str) {
    for cursor in (0..=text.len()).filter(|cursor| text.is_char_boundary(*cursor)) {
        complete(text, cursor);
    }
    let Ok(query) = parse(text) else { return };
    let printed = query.to_string();
    let again = parse(&printed).unwrap_or_else(|error| panic!("{text:?} -> {printed:?}: {error}"));
    assert_eq!(bare(&again), bare(&query), "{text:?} -> {printed:?}");
    for signal in [None, Some(Signal::Logs), Some(Signal::Spans)] {
        for lint in lint(&query, text, signal) {
            assert!(text.get(lint.span.start..lint.span.end).is_some(), "{text:?}: {lint:?}");
            if let Some(fix) = lint.fix {
                let fixed = fix.apply(text);
                assert!(parse(&fixed).is_ok(), "{text:?} -> {fixed:?}");
            }
        }
    }
    if let Err(error) = check(&query, text) {
        assert!(text.get(error.span.start..error.span.end).is_some(), "{text:?}: {error:?}");
    }
}

/// Fragments that a text of the greatest length is made of.
const FRAGMENTS: &[&str] = &[
    "a",
    "a ",
    " ",
    "(",
    ")",
    "-",
    "\"",
    "'",
    "\\",
    "a:",
    "a:/b",
    "a:/b\"x\"",
    "a:[1 TO",
    "a:(",
    "a:b OR ",
    "a=~\"x\" ",
    "|",
    "| count ",
    "| where count > 5 ",
    ", a",
    "NOT ",
    "\"a\":",
    "a.b.c.",
    "*?",
    "a*b",
    "é",
    "\n",
    "5e",
    "1h",
    "a~(b ",
    "=",
    "servise:a ",
    "a:{* TO x} ",
    "|sort -a,",
];

#[test]
fn the_longest_texts_come_to_an_end() {
    for fragment in FRAGMENTS {
        for start in ["", "a:", "a:\"", "a | count by ", "a | sort "] {
            let count = (QUERY_BYTES_MAX - start.len()) / fragment.len();
            let text = format!("{start}{}", fragment.repeat(count));
            complete(&text, text.len());
            if let Ok(query) = parse(&text) {
                lint(&query, &text, None);
                assert!(
                    parse(&query.to_string()).is_ok() || query.to_string().len() > QUERY_BYTES_MAX
                );
                check(&query, &text).ok();
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn a_printed_tree_is_read_back(filter in any_tree(), stages in vec(stage(), 0..4)) {
        let query = Query { filter, stages };
        let text = query.to_string();
        let again = parse(&text).unwrap_or_else(|error| panic!("{text:?}: {error}\n{query:?}"));
        prop_assert_eq!(bare(&again), bare(&query), "{}", text);
        prop_assert_eq!(again.to_string(), text);
    }

    #[test]
    fn both_evaluators_agree(filter in sensible_tree(), log in log(), span in span()) {
        let query = Query { filter, stages: Vec::new() };
        let text = query.to_string();
        // A range between a text and a number, and full text without a word, are refused.
        let Ok(plan) = check(&query, &text) else { return Ok(()) };
        prop_assert_eq!(
            matches(&plan.filter, &log),
            naive::holds(&query.filter, &Event::Log(&log)),
            "{} of {:?}", text, log
        );
        prop_assert_eq!(
            matches(&plan.filter, &span),
            naive::holds(&query.filter, &Event::Span(&span)),
            "{} of {:?}", text, span
        );
        let again = eventql::plan(&text).unwrap();
        prop_assert_eq!(again, plan);
    }

    #[test]
    fn rubbish_does_no_harm(text in "[ -~\n\té\u{2028}]{0,40}") {
        exercise(&text);
    }

    #[test]
    fn rubbish_of_our_characters_does_no_harm(text in "[ab5.:=!<>~()|\\[\\]{}\"'\\\\*?/ TOANDR-]{0,24}") {
        exercise(&text);
    }

    #[test]
    fn rubbish_of_our_words_does_no_harm(words in vec(select(vec![
        "a", "service", ":", "\"", "(", ")", "|", "AND", "OR", "NOT", "-", "[", "TO", "]", "*", "count", "by", "every",
        "1m", "where", ">", "5", "sort", "limit", "fields", "top", "patterns", "as", ",", "p99(", "=~", "/", " ", " ",
    ]), 0..20)) {
        exercise(&words.concat());
        exercise(&words.join(" "));
    }

    #[test]
    fn a_broken_query_does_no_harm(at in 0usize..FILTERS.len() + STAGES.len(), cut in 0usize..200, rubbish in "[ -~é]{0,2}") {
        let text = FILTERS.iter().chain(STAGES).nth(at).unwrap();
        let cut = (0..=cut.min(text.len())).rev().find(|cut| text.is_char_boundary(*cut)).unwrap();
        let (before, after) = text.split_at(cut);
        exercise(&format!("{before}{rubbish}{after}"));
        exercise(&format!("{before}{rubbish}"));
    }

    #[test]
    fn a_completed_value_is_read_as_it_was(value in odd_text(), quote in select(vec![None, Some('"'), Some('\'')])) {
        let text = format!("a={}", quoted(&value, quote));
        let query = parse(&text).unwrap_or_else(|error| panic!("{text}: {error}"));
        let plain = parse(&format!("a={}", model::Quoted(&value))).unwrap();
        prop_assert_eq!(bare(&query), bare(&plain), "{}", text);
    }
}
