//! What an installation can change, and what it is told of what it got wrong.

use std::collections::BTreeMap;

use ingest::{
    Findings, Redactor,
    redact::{Action, FINDINGS_MAX, KeyRule, PatternRule, Policy, PolicyError, Setting, TokenKey},
};
use model::{Attributes, Value};

use crate::support::{self, text, token_key, with_rules};

fn keys(name: &str, keys: &[&str], action: Option<Action>) -> KeyRule {
    let keys = keys.iter().map(|key| (*key).into()).collect();
    KeyRule { name: name.into(), keys, setting: Setting { action, ..Setting::default() } }
}

fn pattern(name: &str, regex: &str, action: Option<Action>) -> PatternRule {
    PatternRule {
        name: name.into(),
        regex: regex.into(),
        setting: Setting { action, ..Setting::default() },
    }
}

fn map(pairs: &[(&str, &str)]) -> Value {
    Value::Map(
        pairs
            .iter()
            .map(|(key, value)| ((*key).into(), Value::string(*value)))
            .collect::<Attributes>(),
    )
}

#[test]
fn own_keys_are_secret_by_name_by_path_and_in_texts() {
    let policy = Policy {
        keys: vec![
            keys("customer", &["ssn", "customer.*.iban", "*_pin_code?"], None),
            keys("mail", &["user.mail"], Some(Action::Drop)),
        ],
        ..Policy::default()
    };
    let redactor = Redactor::with(&policy).unwrap();
    let nested = Value::Map(vec![
        ("ssn".into(), Value::string("1")),
        ("SSN".into(), Value::Int(1)),
        ("assn".into(), Value::string("kept")),
        (
            "customer".into(),
            Value::Map(vec![("eu".into(), map(&[("iban", "2"), ("bic", "kept")]))]),
        ),
        ("user".into(), map(&[("mail", "3"), ("name", "kept")])),
        ("user.mail".into(), Value::string("4")),
        ("door_pin_code2".into(), Value::string("5")),
        ("list".into(), Value::Array(vec![map(&[("ssn", "6")])])),
    ]);
    let (out, found) = support::value(&redactor, nested);
    assert_eq!(
        out,
        r#"{"ssn":"[redacted:customer]","SSN":"[redacted:customer]","assn":"kept","customer":{"eu":{"iban":"[redacted:customer]","bic":"kept"}},"user":{"name":"kept"},"door_pin_code2":"[redacted:customer]","list":[{"ssn":"[redacted:customer]"}]}"#
    );
    assert!(found.contains(&"1 customer mask other customer.eu.iban".to_owned()), "{found:?}");
    assert!(found.contains(&"1 customer mask other list[].ssn".to_owned()), "{found:?}");
    assert!(
        found.contains(&"1 mail drop other user.mail".to_owned())
            || found.contains(&"2 mail drop other user.mail".to_owned()),
        "{found:?}"
    );
    for (before, after) in [
        ("ssn=078-05-1120 ok", "ssn=[redacted:customer] ok"),
        (r#"{"ssn": "078-05-1120","n":1}"#, r#"{"ssn": [redacted:customer],"n":1}"#),
        (r#"{\"customer.eu.iban\":\"x y\"}"#, r#"{\"customer.eu.iban\":[redacted:customer]}"#),
        ("assn=1", "assn=1"),
    ] {
        assert_eq!(text(&redactor, before), after);
    }
}

#[test]
fn allowed_keys_are_kept_whole() {
    let policy = Policy {
        allowed_keys: vec!["page_token".into(), "debug.*".into()],
        keys: vec![keys("own", &["debug.secret"], None)],
        ..Policy::default()
    };
    let redactor = Redactor::with(&policy).unwrap();
    let pairs = [
        ("page_token", "abc"),
        ("debug.secret", "password=x"),
        ("debug.x", "AKIAIOSFODNN7EXAMPLE"),
        ("token", "x"),
    ];
    let (out, _) = support::value(&redactor, map(&pairs));
    assert_eq!(
        out,
        r#"{"page_token":"abc","debug.secret":"password=x","debug.x":"AKIAIOSFODNN7EXAMPLE","token":"[redacted:key]"}"#
    );
    assert_eq!(
        text(&redactor, "page_token=abc token=abc"),
        "page_token=abc token=[redacted:assignment]"
    );
    assert_eq!(
        text(&redactor, r#"{"page_token":"AKIAIOSFODNN7EXAMPLE"}"#),
        r#"{"page_token":"[redacted:aws_key]"}"#
    );
}

#[test]
fn own_patterns_hide_their_group_or_all() {
    let policy = Policy {
        patterns: vec![
            pattern("employee", r"\bEMP-[0-9]{6}\b", Some(Action::Token)),
            pattern("badge", r"badge ([0-9]+)", None),
            pattern("patient", r"\b77[0-9]{7}\b", None),
        ],
        token_key: Some(token_key("k1")),
        ..Policy::default()
    };
    let redactor = Redactor::with(&policy).unwrap();
    assert_eq!(
        text(&redactor, "badge 17, badge 18"),
        "badge [redacted:badge], badge [redacted:badge]"
    );
    let (one, two) = (text(&redactor, "by EMP-123456"), text(&redactor, "EMP-123456 EMP-123457"));
    let token = one.strip_prefix("by ").unwrap();
    assert!(token.starts_with("[token:employee:k1:") && two.starts_with(token), "{one} {two}");
    assert_eq!(two.matches("[token:employee:k1:").count(), 2);
    let (out, _) =
        support::value(&redactor, Value::Map(vec![("patient".into(), Value::Int(771_234_567))]));
    assert_eq!(out, r#"{"patient":"[redacted:patient]"}"#);
}

#[test]
fn rules_can_be_switched_off_and_have_actions_of_their_own() {
    let off = Setting { enabled: Some(false), ..Setting::default() };
    let token = Setting { action: Some(Action::Token), ..Setting::default() };
    let dry = Setting { dry_run: true, ..Setting::default() };
    let rules = BTreeMap::from([
        ("jwt".into(), off),
        ("assignment".into(), token),
        ("credit_card".into(), dry),
        ("key".into(), off),
    ]);
    let policy = Policy { rules, token_key: Some(token_key("k1")), ..Policy::default() };
    let redactor = Redactor::with(&policy).unwrap();
    let jwt = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln";
    assert_eq!(text(&redactor, jwt), jwt);
    assert!(text(&redactor, "api_key=abc").starts_with("api_key=[token:assignment:k1:"));
    let pairs = [
        ("paid", "4111111111111111"),
        ("db.password", "kept"),
        ("url", "?token=abc&card=4111111111111111"),
    ];
    let (out, found) = support::value(&redactor, map(&pairs));
    assert!(
        out.contains("4111111111111111") && out.contains("kept") && out.contains("token=[token:"),
        "{out}"
    );
    assert!(found.contains(&"1 credit_card mask dry other paid".to_owned()), "{found:?}");
    assert!(found.contains(&"1 credit_card mask dry other url".to_owned()), "{found:?}");
    assert!(found.contains(&"1 assignment token other url".to_owned()), "{found:?}");
}

#[test]
fn dropping_takes_the_attribute_and_masks_where_nothing_can_go() {
    let redactor = support::acting(Action::Drop, false);
    let value = Value::Map(vec![
        ("note".into(), Value::string("password=x")),
        ("list".into(), Value::Array(vec![Value::string("password=x"), Value::string("kept")])),
        ("inner".into(), map(&[("token", "x"), ("kept", "y")])),
    ]);
    let (out, _) = support::value(&redactor, value);
    assert_eq!(out, r#"{"list":["kept"],"inner":{"kept":"y"}}"#);
    assert_eq!(text(&redactor, "password=x"), "password=[redacted:assignment]");
    let (mut name, mut value): (Box<str>, Box<str>) = ("api_token".into(), "x".into());
    redactor.label(&mut name, &mut value, &mut Findings::default());
    assert_eq!((&*name, &*value), ("api_token", ""));
}

#[test]
fn personal_rules_are_off_until_they_are_named() {
    let plain = Redactor::new();
    for kept in [
        "mail from ana@example.com",
        "client 203.0.113.7",
        "+49 30 901820",
        "DE89 3704 0044 0532 0130 00",
        "2001:db8::7",
    ] {
        assert_eq!(text(&plain, kept), kept);
    }
    let redactor = with_rules(&["email", "ipv4", "ipv6", "phone", "iban"]);
    for (before, after) in [
        ("mail from ana.b+c@mail.example.co.uk.", "mail from [redacted:email]."),
        ("<jörg@bücher.example>", "<[redacted:email]>"),
        ("203.0.113.7 198.51.100.9:8080", "[redacted:ipv4] [redacted:ipv4]:8080"),
        ("[2001:db8::7]:443", "[[redacted:ipv6]]:443"),
        ("::ffff:203.0.113.7 up", "[redacted:ipv6] up"),
        ("call +49 30 901820-11 now", "call [redacted:phone] now"),
        ("call (555) 123-4567", "call [redacted:phone]"),
        (
            "to DE89 3704 0044 0532 0130 00, GB82WEST12345698765432",
            "to [redacted:iban], [redacted:iban]",
        ),
    ] {
        assert_eq!(text(&redactor, before), after);
    }
    for kept in [
        "git@github.com:shop/cart.git",
        "127.0.0.1:80 and 0.0.0.0",
        "version 1.2.3.4.5",
        "v10.1.2.3",
        "std::net::Ipv6Addr",
        "at 12:34:56",
        "::1",
        "00:1a:2b:3c:4d:5e",
        "2026-11-26T21:06:38+01:00",
        "a+12345678b",
        "1795402800250000000",
        "DE00 3704 0044 0532 0130 00",
        "user@host",
        "@handle",
        "300.1.1.1",
    ] {
        assert_eq!(text(&redactor, kept), kept);
    }
}

#[test]
fn headers_as_pairs_and_arguments_as_lists_are_understood() {
    let redactor = Redactor::new();
    let value = Value::Map(vec![
        (
            "headers".into(),
            Value::Array(vec![
                map(&[("name", "Authorization"), ("value", "zzz")]),
                map(&[("name", "Accept"), ("value", "*/*")]),
            ]),
        ),
        (
            "argv".into(),
            Value::Array(["mysql", "--password", "zzz", "-u", "root"].map(Value::string).into()),
        ),
    ]);
    let (out, _) = support::value(&redactor, value);
    assert_eq!(
        out,
        r#"{"headers":[{"name":"Authorization","value":"[redacted:key]"},{"name":"Accept","value":"*/*"}],"argv":["mysql","--password","[redacted:key]","-u","root"]}"#
    );
}

#[test]
fn all_that_is_wrong_is_told() {
    let policy = Policy {
        rules: BTreeMap::from([("jvt".into(), Setting::default())]),
        keys: vec![keys("own", &["*"], None), keys("jwt", &["a"], None)],
        patterns: vec![
            pattern("Bad name", "x", None),
            pattern("own", "x", None),
            pattern("open", "(", None),
            pattern("large", r"\w{1000}{100}", None),
            pattern("empty", "x*", None),
            pattern("long", &"x".repeat(5000), None),
        ],
        action: Action::Token,
        token_key: Some(TokenKey { id: "a b".into(), secret: b"short".as_slice().into() }),
        ..Policy::default()
    };
    let errors = Redactor::with(&policy).unwrap_err();
    let told: Vec<String> = errors.iter().map(ToString::to_string).collect();
    for part in [
        "there is no redaction rule `jvt`; there are `age_key`, ",
        "`*` cannot be a redacted or allowed key",
        "`jwt` is there already",
        "`Bad name` cannot name",
        "`own` is there already",
        "`open` has no valid",
        "`large` has no valid",
        "`empty` matches the empty text",
        "`long` has 5000 bytes",
        "the id of the token key",
        "the token key has 5 bytes",
    ] {
        assert!(told.iter().any(|text| text.contains(part)), "{part}: {told:#?}");
    }
    assert_eq!(told.len(), 11, "{told:#?}");
    assert!(!format!("{policy:?}").contains("short"), "no key is shown");
    let needs = Policy { action: Action::Token, ..Policy::default() };
    assert!(matches!(Redactor::with(&needs).unwrap_err()[..], [PolicyError::NoTokenKey { .. }]));
}

#[test]
fn a_report_has_an_end() {
    let redactor = Redactor::new();
    let mut all = Findings::default();
    for part in 0..2 {
        let mut findings = Findings::default();
        let mut attributes: Attributes = (0..FINDINGS_MAX + 10)
            .map(|at| (format!("k{at}.token").into(), Value::string("x")))
            .collect();
        redactor.attributes(&mut attributes, &mut findings);
        assert_eq!((findings.found().count(), findings.unlisted()), (FINDINGS_MAX, 10), "{part}");
        all.merge(&findings);
    }
    assert_eq!((all.found().count(), all.unlisted()), (FINDINGS_MAX, 20));
    assert_eq!(all.hidden()["key"], 2 * (FINDINGS_MAX as u64 + 10));
}

#[test]
fn the_manual_names_every_rule() {
    let manual = include_str!("../../../../../docs/drafts/redaction.md");
    for (name, _) in Redactor::built_in() {
        assert!(manual.contains(&format!("`{name}`")), "{name}");
    }
}
