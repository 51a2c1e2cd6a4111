//! Labels in, labels out.

use super::*;
use crate::{
    name::Scheme,
    pattern::{Pattern, Template},
};

/// `key=value` pairs of a rule, separated by two spaces: `source=a,b  regex=…  target=…`.
fn rule(text: &str) -> Rule {
    let mut rule = Rule::default();
    for part in text.split("  ").filter(|part| !part.is_empty()) {
        let (key, value) = part.trim().split_once('=').unwrap();
        match key {
            "source" => rule.source = value.split(',').map(Into::into).collect(),
            "separator" => rule.separator = value.into(),
            "regex" => rule.regex = Pattern::new(value).unwrap(),
            "modulus" => rule.modulus = value.parse().unwrap(),
            "target" => rule.target = Template::new(value),
            "replacement" => rule.replacement = Template::new(value),
            "action" => rule.action = Action::parse(value).unwrap(),
            "scheme" => rule.scheme = Scheme::Legacy,
            _ => panic!("{key}"),
        }
    }
    rule
}

fn check(labels: &[(&str, &str)], rules: &[&str]) -> String {
    let rules: Vec<Rule> = rules.iter().map(|text| rule(text).checked().unwrap()).collect();
    let mut set = LabelSet::from_pairs(labels.iter().copied());
    if !apply(&rules, &mut set) {
        return "dropped".to_owned();
    }
    set.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(" ")
}

#[test]
fn replace_sets_extends_and_removes() {
    let abc = [("a", "foo"), ("b", "bar"), ("c", "baz")];
    assert_eq!(
        check(&abc, &["source=a  regex=f(.*)  target=d  replacement=ch${1}-ch${1}"]),
        "a=foo b=bar c=baz d=choo-choo"
    );
    assert_eq!(
        check(&abc, &["source=a,b  regex=f(.*);(.*)r  target=a  replacement=b${1}${2}m"]),
        "a=boobam b=bar c=baz"
    );
    assert_eq!(
        check(&abc, &["source=a  regex=nothing  target=a  replacement=x"]),
        "a=foo b=bar c=baz"
    );
    assert_eq!(check(&abc, &["source=a  regex=f|o  target=d  replacement=x"]), "a=foo b=bar c=baz");
    assert_eq!(check(&abc, &["target=a  replacement="]), "b=bar c=baz");
    assert_eq!(check(&abc, &["source=a  target=b"]), "a=foo b=foo c=baz");
    assert_eq!(check(&abc, &["source=zzz  target=b"]), "a=foo c=baz", "an absent label is empty");
    assert_eq!(check(&abc, &["target=d  replacement=static"]), "a=foo b=bar c=baz d=static");
    assert_eq!(
        check(&abc, &["source=a,b  separator=  regex=foobar  target=d  replacement=$0"]),
        "a=foo b=bar c=baz d=foobar"
    );
}

#[test]
fn the_target_may_have_references() {
    let labels = [("tags", "path:/secret,env:prod"), ("a", "b-c")];
    let taken = "source=tags  regex=.*,(\\w+):(\\w+)  target=${1}  replacement=${2}";
    assert_eq!(check(&labels, &[taken]), "a=b-c env=prod tags=path:/secret,env:prod");
    // A name that is none leaves everything as it was.
    assert_eq!(
        check(&labels, &["source=a  regex=(.*)  target=${1}  replacement=x  scheme=1"]),
        "a=b-c tags=path:/secret,env:prod"
    );
    assert_eq!(
        check(&labels, &["source=a  regex=(.*)  target=${1}  replacement=x"]),
        "a=b-c b-c=x tags=path:/secret,env:prod"
    );
    assert_eq!(
        check(&labels, &["source=a  regex=(x*).*  target=${1}  replacement=x"]),
        "a=b-c tags=path:/secret,env:prod"
    );
}

#[test]
fn keep_and_drop() {
    let labels = [("a", "foo"), ("b", "bar"), ("same", "foo")];
    assert_eq!(check(&labels, &["source=a  regex=f.*  action=keep"]), "a=foo b=bar same=foo");
    assert_eq!(check(&labels, &["source=a  regex=o.*  action=keep"]), "dropped");
    assert_eq!(check(&labels, &["source=a  regex=f.*  action=drop"]), "dropped");
    assert_eq!(check(&labels, &["source=a  regex=o.*  action=drop"]), "a=foo b=bar same=foo");
    assert_eq!(
        check(&labels, &["source=a  regex=f  action=drop"]),
        "a=foo b=bar same=foo",
        "anchored"
    );
    assert_eq!(check(&labels, &["source=none  regex=.*  action=drop"]), "dropped");
    assert_eq!(
        check(&labels, &["source=a  target=same  action=keepequal"]),
        "a=foo b=bar same=foo"
    );
    assert_eq!(check(&labels, &["source=a  target=b  action=keepequal"]), "dropped");
    assert_eq!(check(&labels, &["source=a  target=same  action=dropequal"]), "dropped");
    assert_eq!(check(&labels, &["source=a  target=b  action=dropequal"]), "a=foo b=bar same=foo");
    assert_eq!(check(&labels, &["source=x  target=y  action=dropequal"]), "dropped", "both absent");
}

#[test]
fn names_are_mapped_dropped_and_kept() {
    let labels = [("__meta_my_bar", "aaa"), ("__meta_my_baz", "bbb"), ("a", "foo"), ("b1", "x")];
    assert_eq!(
        check(&labels, &["regex=__meta_(my.*)  action=labelmap", "regex=__.*  action=labeldrop"]),
        "a=foo b1=x my_bar=aaa my_baz=bbb"
    );
    assert_eq!(check(&labels, &["regex=a|b.*  action=labelkeep"]), "a=foo b1=x");
    assert_eq!(
        check(
            &labels,
            &[
                "regex=__meta_my_(.*)  replacement=x_${1}_y  action=labelmap",
                "regex=x.*  action=labelkeep"
            ]
        ),
        "x_bar_y=aaa x_baz_y=bbb"
    );
    assert_eq!(check(&labels, &["regex=.*  action=labeldrop"]), "");
}

#[test]
fn cases_are_changed() {
    let labels = [("foo", "bAr123Fooß")];
    assert_eq!(
        check(
            &labels,
            &[
                "source=foo  target=up  action=uppercase",
                "source=foo  target=low  action=lowercase"
            ]
        ),
        "foo=bAr123Fooß low=bar123fooß up=BAR123FOOß"
    );
}

/// The sums are those of `printf %s foo | md5sum`: the last 16 digits as a number, modulo 1000.
#[test]
fn hashes_are_those_of_prometheus() {
    let of = |hex: &str| u64::from_str_radix(hex, 16).unwrap() % 1000;
    assert_eq!(hash_mod("foo", 1000), of("edef654fccc4a4d8"));
    assert_eq!(hash_mod("foo", 0), 0);
    let labels = [("a", "foo"), ("b", "bar"), ("c", "baz")];
    assert_eq!(
        check(&labels, &["source=c  target=d  modulus=1000  action=hashmod"]),
        "a=foo b=bar c=baz d=976"
    );
    assert_eq!(
        check(&[("a", "foo\nbar")], &["source=a  target=b  modulus=1000  action=hashmod"]),
        "a=foo\nbar b=734"
    );
}

#[test]
fn rules_go_in_order() {
    let labels = [("a", "foo")];
    let rules = [
        "source=a  regex=f(.*)  target=b  replacement=bar-$1",
        "source=b  regex=bar-(.*)  target=c  replacement=$1",
        "source=c  regex=oo  action=keep",
        "regex=b  action=labeldrop",
    ];
    assert_eq!(check(&labels, &rules), "a=foo c=oo");
}

#[test]
fn what_an_action_does_not_take_is_refused() {
    let error = |text: &str| rule(text).checked().unwrap_err().to_string();
    insta::assert_snapshot!(
        [
            "source=a  action=replace",
            "source=a  target=b  action=hashmod",
            "source=a  modulus=8  action=hashmod",
            "source=a  action=lowercase",
            "source=a  target=b  replacement=c  action=uppercase",
            "source=a  action=keepequal",
            "source=a  target=b  regex=c  action=dropequal",
            "source=a  action=labeldrop",
            "target=a  action=labelkeep",
            "separator=,  action=labelkeep",
            "source=a  target=foo-${1}  scheme=1",
            "source=a  target=0a  scheme=1",
            "regex=a  replacement=foo-${1}  scheme=1  action=labelmap",
        ]
        .map(error)
        .join("\n"),
        @"
    relabel configuration for replace action requires 'target_label' value
    relabel configuration for hashmod requires non-zero modulus
    relabel configuration for hashmod action requires 'target_label' value
    relabel configuration for lowercase action requires 'target_label' value
    'replacement' can not be set for uppercase action
    relabel configuration for keepequal action requires 'target_label' value
    dropequal action requires only 'source_labels' and `target_label`, and no other fields
    labeldrop action requires only 'regex', and no other fields
    labelkeep action requires only 'regex', and no other fields
    labelkeep action requires only 'regex', and no other fields
    `foo-${1}` is invalid 'target_label' for replace action
    `0a` is invalid 'target_label' for replace action
    `foo-${1}` is invalid 'replacement' for labelmap action
    "
    );
}

#[test]
fn each_step_is_shown_and_nothing_after_a_drop() {
    let replace = Rule {
        target: Template::new("__address__"),
        replacement: Template::new("example.com:443"),
        ..Rule::default()
    };
    let drop = Rule {
        source: ["__address__".into()].into(),
        regex: Pattern::new("example\\.com:.*").unwrap(),
        action: Action::Drop,
        ..Rule::default()
    };
    let labels = LabelSet::from_pairs([("__address__", "a:1"), ("job", "x")]);
    let replaced = LabelSet::from_pairs([("__address__", "example.com:443"), ("job", "x")]);
    let rules = [drop.clone(), replace.clone(), drop, replace];
    let expected = [Some(labels.clone()), Some(replaced), None, None];
    assert_eq!(steps(&rules, &labels), expected);
    assert_eq!(steps(&[], &labels), []);
}
