//! Which keys are never ranked: those that name one event each, and those with more values than a reader could use.
//!
//! The rule looks at a key's values and how often they come, never at the side they come from.

use super::{
    count::Counter,
    dictionary::{Entry, KeyId},
    row::{Reason, SetAside},
};

/// A key with no more values than this is ranked whatever the values look like: a commit's hash may be a version.
const FEW_VALUES: usize = 20;

/// As [`FEW_VALUES`] for values that only hold a long number, as an identifier does but a tenant's name may.
const SOME_VALUES: usize = 200;

/// Events a value has on average; below it the values are nearly unique.
const EVENTS_PER_VALUE_MIN: u64 = 2;

/// The share of values that must look like identifiers.
const ALIKE: f64 = 0.9;

/// Last words of the names of numeric keys that count or name and do not measure.
const NAMING_WORDS: [&str; 6] = ["id", "offset", "seq", "sequence", "timestamp", "nonce"];

/// Why `key` is not to be ranked, if it is not.
pub(super) fn judge(counter: &Counter, key: KeyId) -> Option<SetAside> {
    let entries = &counter.dictionary.keys[key.place()];
    let overflow = counter.overflow[key.place()].events();
    let events = counter.present(key).events();
    let values = entries.values.len();
    let reason = if overflow > 0 {
        Reason::TooManyValues
    } else if values <= FEW_VALUES {
        return None;
    } else if is_time(&entries.values) {
        Reason::Timestamp
    } else if is_identifier(&entries.name, &entries.values) {
        Reason::Identifier
    } else if is_text(&entries.values) && events < EVENTS_PER_VALUE_MIN * values as u64 {
        Reason::NearlyUnique
    } else {
        return None;
    };
    Some(SetAside { key: entries.name.clone(), reason, values, at_least: overflow > 0, events })
}

fn is_text(values: &[Entry]) -> bool {
    values.iter().any(|value| matches!(value, Entry::Text(_)))
}

fn is_time(values: &[Entry]) -> bool {
    most(values, |value| match value {
        Entry::Text(text) => looks_like_time(text),
        // 2001 to 2065, in seconds, milliseconds, microseconds or nanoseconds.
        Entry::Number { least, most } => {
            [1.0, 1e3, 1e6, 1e9].iter().any(|unit| *least >= 1e9 * unit && *most <= 3e9 * unit)
        }
    })
}

fn is_identifier(name: &str, values: &[Entry]) -> bool {
    if !is_text(values) {
        return NAMING_WORDS.contains(&last_word(name).as_str());
    }
    let worst = if values.len() > SOME_VALUES { Likeness::Perhaps } else { Likeness::Surely };
    most(values, |value| matches!(value, Entry::Text(text) if likeness(text) >= worst))
}

fn most(values: &[Entry], is: impl Fn(&Entry) -> bool) -> bool {
    let alike = values.iter().filter(|value| is(value)).count();
    alike as f64 >= ALIKE * values.len() as f64
}

/// The last word of a dotted, dashed, underscored or camel-cased name, in lower case.
fn last_word(name: &str) -> String {
    let word = name.rsplit(['.', '_', '-', '/']).next().unwrap_or(name);
    let is_all_caps = word.chars().all(char::is_uppercase);
    let start = if is_all_caps { 0 } else { word.rfind(char::is_uppercase).unwrap_or(0) };
    word.get(start..).unwrap_or(word).to_lowercase()
}

/// How much a text is like an identifier, or a path that holds one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Likeness {
    Not,
    /// It has a number of five digits or more.
    Perhaps,
    /// It has a UUID or at least 16 hex digits, letters among them or not.
    Surely,
}

fn likeness(text: &str) -> Likeness {
    let runs = text.split(|char: char| !char.is_ascii_alphanumeric());
    let (mut best, mut uuid) = (Likeness::Not, 0);
    for run in runs {
        let is_hex = run.bytes().all(|byte| byte.is_ascii_hexdigit());
        let digits = run.bytes().filter(u8::is_ascii_digit).count();
        uuid = match (uuid, run.len(), is_hex) {
            (0 | 5, 8, true) => 1,
            (1..=3, 4, true) => uuid + 1,
            (4, 12, true) => 5,
            _ => 0,
        };
        if uuid == 5 || (is_hex && digits > 0 && run.len() >= 16) {
            return Likeness::Surely;
        }
        if run.len() >= 5 && digits == run.len() {
            best = Likeness::Perhaps;
        }
    }
    best
}

/// Whether it starts as RFC 3339 does, or with a time of day.
fn looks_like_time(text: &str) -> bool {
    let shape = |pattern: &str| {
        text.len() >= pattern.len()
            && pattern.bytes().zip(text.bytes()).all(|(want, byte)| match want {
                b'0' => byte.is_ascii_digit(),
                other => byte == other,
            })
    };
    shape("0000-00-00T00:00") || shape("0000-00-00 00:00") || shape("00:00:00")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_identifiers_from_names() {
        for surely in [
            "4bf92f3577b34da6a3ce929d0e0e4736",
            "f47ac10b-58cc-4372-a567-0e02b2c3d479",
            "/orders/f47ac10b-58cc-4372-a567-0e02b2c3d479/items",
            "req-00f067aa0ba902b7",
        ] {
            assert_eq!(likeness(surely), Likeness::Surely, "{surely}");
        }
        for perhaps in ["/users/48213", "t-10023", "10.0.0.1:54321"] {
            assert_eq!(likeness(perhaps), Likeness::Perhaps, "{perhaps}");
        }
        for not in ["checkout-7f9c6d8b5d-x2x4z", "eu-west-1a", "2.4.1", "GET /cart", "", "é"] {
            assert_eq!(likeness(not), Likeness::Not, "{not}");
        }
    }

    #[test]
    fn reads_the_last_word_of_a_name() {
        for (name, word) in [
            ("user.id", "id"),
            ("orderId", "id"),
            ("ID", "id"),
            ("kafka_offset", "offset"),
            ("", ""),
        ] {
            assert_eq!(last_word(name), word);
        }
    }

    /// Counts each of `values` as an event and judges the key.
    fn check(name: &str, values: impl Iterator<Item = Entry>) -> Option<Reason> {
        let mut counter = Counter::new(&[name]);
        let key = counter.key(name).unwrap();
        for value in values {
            let id = match value {
                Entry::Text(text) => counter.text(key, &text),
                Entry::Number { least, .. } => counter.number(key, least),
            };
            counter.observe(false, 1.0, &[Some(id)]);
        }
        judge(&counter, key).map(|aside| aside.reason)
    }

    fn texts(count: u32, events: u32, text: impl Fn(u32) -> String) -> impl Iterator<Item = Entry> {
        (0..count * events).map(move |n| Entry::Text(text(n % count).into()))
    }

    fn numbers(count: u32, number: impl Fn(u32) -> f64) -> impl Iterator<Item = Entry> {
        (0..count).map(move |n| Entry::Number { least: number(n), most: number(n) })
    }

    #[test]
    fn sets_aside_what_names_one_event() {
        let uuid = |n| format!("f47ac10b-58cc-4372-a567-0e02b2c3d{n:03}");
        assert_eq!(check("request", texts(100, 50, uuid)), Some(Reason::Identifier));
        assert_eq!(check("commit", texts(4, 50, |n| format!("{n:040}"))), None);
        assert_eq!(
            check("url", texts(300, 9, |n| format!("/u/{}", n + 10_000))),
            Some(Reason::Identifier)
        );
        assert_eq!(check("tenant", texts(100, 9, |n| format!("t-{}", n + 10_000))), None);
        assert_eq!(check("pod", texts(100, 9, |n| format!("pod-{n}"))), None);
        assert_eq!(
            check("note", texts(100, 1, |n| format!("note {n}"))),
            Some(Reason::NearlyUnique)
        );
        assert_eq!(check("user", texts(2000, 9, |n| format!("u{n}"))), Some(Reason::TooManyValues));
        assert_eq!(
            check("at", texts(60, 9, |n| format!("2026-11-23T03:{n:02}:00Z"))),
            Some(Reason::Timestamp)
        );
        assert_eq!(
            check("at", numbers(60, |n| 1.79e12 + 1e10 * f64::from(n))),
            Some(Reason::Timestamp)
        );
        assert_eq!(check("user.id", numbers(60, f64::from)), Some(Reason::Identifier));
        assert_eq!(check("size", numbers(60, f64::from)), None);
    }
}
