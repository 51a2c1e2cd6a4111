//! Whatever the text: redaction ends, is idempotent, and never makes much of little.

use std::sync::LazyLock;

use ingest::{
    Findings, Redactor,
    redact::{Action, Policy, Setting},
};
use model::Value;
use proptest::prelude::*;

use crate::support;

/// Every rule on, personal ones included.
fn everything(action: Action) -> Redactor {
    let on = Setting { enabled: Some(true), ..Setting::default() };
    let rules = Redactor::built_in().into_iter().map(|(name, _)| (name.into(), on)).collect();
    let token_key = Some(support::token_key("k1"));
    Redactor::with(&Policy { action, rules, token_key, ..Policy::default() })
        .expect("the rules compile")
}

static ALL: LazyLock<[Redactor; 3]> = LazyLock::new(|| {
    [everything(Action::Mask), everything(Action::Token), everything(Action::Drop)]
});

/// Pieces of what rules look for, put together at random.
const PIECES: &str = r#"(password|token|api_key|pass|pin|session_id|cookie|authorization|bearer|basic|--secret|eyJ|://|[?]sig=|=>|=|:|@|"|'|\\|[\[\]{}<>$%*&;,+/-]|invalid | |\n|dXNlcjpwYXNz|AKIAIOSFODNN7EXAMPLE|%3D|%253D|%20|4111 1111 1111 1111|10\.1\.2\.3|ana@example\.com|::1|-----BEGIN PRIVATE KEY-----|-----END PRIVATE KEY-----|\[redacted:|\[token:|\]|kX9vQ2mZ7pLr4TnB8wYc1HsJ6dFgA3eU|cGFzc3dvcmQ9aHVudGVyMg==|[a-z0-9é4]{1,8}){0,24}"#;

proptest! {
    #[test]
    fn redacting_twice_changes_nothing_more(text in PIECES) {
        for redactor in &*ALL {
            let once = support::text(redactor, &text);
            prop_assert_eq!(&once, &support::text(redactor, &once), "{}", text);
            // Each hit takes at least one byte and is at most as long as the longest placeholder.
            prop_assert!(once.len() <= text.len() * 64 + 64);
        }
    }

    #[test]
    fn rubbish_does_no_harm(bytes in proptest::collection::vec(any::<u8>(), 0..400), text in any::<String>()) {
        for redactor in &*ALL {
            let mut value = Value::Array(vec![Value::Bytes(bytes.clone().into()), Value::string(text.as_str())]);
            let mut findings = Findings::default();
            redactor.value(&mut value, &mut findings);
            let mut again = value.clone();
            redactor.value(&mut again, &mut findings);
            prop_assert_eq!(value, again);
        }
    }

    /// The same secret has the same token wherever it is, another one has another, and no part of it shows.
    #[test]
    fn tokens_join_and_tell_nothing(one in "[a-zA-Z0-9]{12,40}", other in "[a-zA-Z0-9]{12,40}") {
        let token = |text: &str| support::text(&ALL[1], text).rsplit(':').next().unwrap_or_default().to_owned();
        let of_key = |secret: &str| {
            let (out, _) = support::value(&ALL[1], Value::Map(vec![("db.password".into(), Value::string(secret))]));
            out.trim_end_matches("\"}").rsplit(':').next().unwrap_or_default().to_owned()
        };
        let first = of_key(&one);
        prop_assert_eq!(first.len(), 17);
        prop_assert_eq!(&token(&format!("password={one}")), &first);
        prop_assert_eq!(&token(&format!(r#"password="{one}""#)), &first);
        prop_assert_eq!(of_key(&other) == first, one == other);
        let out = support::text(&ALL[1], &format!("password={one}"));
        prop_assert!(!out.contains(&one));
    }
}

#[test]
fn another_key_makes_other_tokens_under_its_own_id() {
    let with = |id| {
        let policy = Policy {
            action: Action::Token,
            token_key: Some(support::token_key(id)),
            ..Policy::default()
        };
        support::text(&Redactor::with(&policy).unwrap(), "password=hunter2-hunter2")
    };
    let (old, new) = (with("2026a"), with("2026b"));
    assert!(old.starts_with("password=[token:assignment:2026a:"), "{old}");
    assert!(new.starts_with("password=[token:assignment:2026b:"), "{new}");
    assert_ne!(old.rsplit(':').next(), new.rsplit(':').next());
}

#[test]
#[expect(clippy::disallowed_methods, reason = "it measures")]
fn a_hostile_text_takes_no_time() {
    let redactor = &ALL[0];
    let mut slowest = (std::time::Duration::ZERO, "");
    for piece in [
        "password=x ",
        "token:",
        "[redacted:",
        "a://b:",
        "%41",
        "-----BEGIN PRIVATE KEY-----",
        "eyJaaaaa.",
        "arn:secret:",
        "aA1",
        "aA1/",
        "4111 ",
        "[",
        "\"password\":\"",
        "sk-",
        "@",
        "1.1.1.",
        "::",
        "+1 ",
        "DE00 0000 ",
    ] {
        let text = piece.repeat((256 << 10) / piece.len());
        let begin = std::time::Instant::now();
        support::text(redactor, &text);
        slowest = slowest.max((begin.elapsed(), piece));
    }
    let begin = std::time::Instant::now();
    let _made = std::hint::black_box(Redactor::new());
    println!("making a redactor took {:?}", begin.elapsed());
    println!("the slowest 256 KiB took {:?}: `{}`", slowest.0, slowest.1);
    assert!(slowest.0 < std::time::Duration::from_secs(20), "{slowest:?}");
}
