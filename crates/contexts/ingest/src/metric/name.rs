//! OpenTelemetry names and units in Prometheus' alphabet.

use std::{collections::BTreeMap, sync::Arc};

use model::Attributes;

use super::translation::NameStrategy;
use crate::series::Pairs;

/// What a name's last word depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Suffix {
    /// A sum that only grows: `_total`.
    Total,
    /// A gauge, whose unit `1` is a ratio.
    Gauge,
    Other,
}

/// The family's name by a strategy; `http.server.duration` in `ms` is `http_server_duration_milliseconds`.
pub fn family(name: &str, unit: &str, suffix: Suffix, strategy: NameStrategy) -> String {
    match strategy {
        NameStrategy::UnderscoreEscapingWithSuffixes => escaped_with_suffixes(name, unit, suffix),
        NameStrategy::UnderscoreEscapingWithoutSuffixes => escaped(name),
        NameStrategy::NoUtf8EscapingWithSuffixes => with_suffixes(name, unit, suffix),
        NameStrategy::NoTranslation => name.to_owned(),
    }
}

fn escaped_with_suffixes(name: &str, unit: &str, suffix: Suffix) -> String {
    let mut words: Vec<String> = name
        .split(|c: char| !(c.is_ascii_alphanumeric() || c == ':'))
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect();
    if words.is_empty() {
        return String::new();
    }
    let (main, per) = unit_words(unit);
    if !main.is_empty() && !words.contains(&main) {
        words.push(main);
    }
    if !per.is_empty() && !words.contains(&per) {
        words.push("per".to_owned());
        words.push(per);
    }
    if let Some(last) = last_word(unit, suffix) {
        words.retain(|word| word != last);
        words.push(last.to_owned());
    }
    not_a_digit_first(words.join("_"))
}

const fn last_word(unit: &str, suffix: Suffix) -> Option<&'static str> {
    match suffix {
        Suffix::Total => Some("total"),
        Suffix::Gauge if matches!(unit.as_bytes(), b"1") => Some("ratio"),
        Suffix::Gauge | Suffix::Other => None,
    }
}

/// Runs of other characters become one `_`.
fn escaped(name: &str) -> String {
    let mut text = String::with_capacity(name.len());
    let mut replaced = false;
    for char in name.chars() {
        let valid = char.is_ascii_alphanumeric() || matches!(char, '_' | ':');
        if valid {
            text.push(char);
        } else if !replaced {
            text.push('_');
        }
        replaced = !valid;
    }
    not_a_digit_first(text)
}

fn not_a_digit_first(name: String) -> String {
    if name.starts_with(|c: char| c.is_ascii_digit()) { format!("_{name}") } else { name }
}

/// The name as it is, with words at its end that it does not have there yet.
fn with_suffixes(name: &str, unit: &str, suffix: Suffix) -> String {
    if name.is_empty() {
        return String::new();
    }
    let (main, per) = unit_words(unit);
    let last = last_word(unit, suffix);
    let mut name = without(name, last.unwrap_or_default()).to_owned();
    if !per.is_empty() {
        name = without(&name, &per).to_owned();
        name = without(&name, "per").to_owned();
    }
    if !main.is_empty() {
        name = format!("{}_{main}", without(&name, &main));
    }
    if !per.is_empty() {
        name = format!("{name}_per_{per}");
    }
    match last {
        Some(last) => format!("{name}_{last}"),
        None => name,
    }
}

/// The name without a last word, and without what stands between.
fn without<'n>(name: &'n str, word: &str) -> &'n str {
    let stem = name.strip_suffix(word).filter(|_| !word.is_empty());
    stem.and_then(|stem| stem.strip_suffix(['_', '.'])).filter(|s| !s.is_empty()).unwrap_or(name)
}

/// `By/s` is `bytes` and `second`; annotations such as `{request}` say nothing.
fn unit_words(unit: &str) -> (String, String) {
    let (main, per) = unit.split_once('/').unwrap_or((unit, ""));
    let clean = |unit: &str| -> String {
        let words = unit.split(|c: char| !c.is_ascii_alphanumeric()).filter(|w| !w.is_empty());
        words.collect::<Vec<_>>().join("_")
    };
    let plain = |unit: &str| !unit.contains(['{', '}']);
    let main = main.trim();
    let main = if plain(main) { clean(main_unit(main)) } else { String::new() };
    let per = per.trim();
    let per = if plain(per) { clean(per_unit(per)) } else { String::new() };
    (main, per)
}

fn main_unit(unit: &str) -> &str {
    match unit {
        "1" => "",
        "d" => "days",
        "h" => "hours",
        "min" => "minutes",
        "s" => "seconds",
        "ms" => "milliseconds",
        "us" => "microseconds",
        "ns" => "nanoseconds",
        "By" => "bytes",
        "KiBy" => "kibibytes",
        "MiBy" => "mebibytes",
        "GiBy" => "gibibytes",
        "TiBy" => "tibibytes",
        "KBy" | "kBy" => "kilobytes",
        "MBy" => "megabytes",
        "GBy" => "gigabytes",
        "TBy" => "terabytes",
        "m" => "meters",
        "V" => "volts",
        "A" => "amperes",
        "J" => "joules",
        "W" => "watts",
        "g" => "grams",
        "Cel" => "celsius",
        "Hz" => "hertz",
        "%" => "percent",
        other => other,
    }
}

fn per_unit(unit: &str) -> &str {
    match unit {
        "s" => "second",
        "m" => "minute",
        "h" => "hour",
        "d" => "day",
        "w" => "week",
        "mo" => "month",
        "y" => "year",
        other => other,
    }
}

/// A label's name: other characters become `_`; one that would begin with a digit or a single `_` is prefixed with `key`.
pub fn label(key: &str) -> String {
    let mut name = String::with_capacity(key.len());
    for c in key.chars() {
        let c = if c.is_ascii_alphanumeric() { c } else { '_' };
        if !(c == '_' && name.ends_with('_')) {
            name.push(c);
        }
    }
    if name.starts_with(|c: char| c.is_ascii_digit()) {
        name.insert_str(0, "key_");
    } else if name.starts_with('_') {
        name.insert_str(0, "key");
    }
    name
}

/// Labels of attributes; the values of keys that become one name are joined by `;` in the keys' order.
pub(crate) fn labels(attributes: &Attributes, utf8: bool) -> Pairs {
    let sorted: BTreeMap<&str, String> =
        attributes.iter().rev().map(|(key, value)| (key.as_ref(), value.to_string())).collect();
    let mut named: BTreeMap<String, String> = BTreeMap::new();
    for (key, value) in sorted {
        if key.is_empty() {
            continue;
        }
        named
            .entry(if utf8 { key.to_owned() } else { label(key) })
            .and_modify(|joined| {
                joined.push(';');
                joined.push_str(&value);
            })
            .or_insert(value);
    }
    named.into_iter().map(|(name, value)| (Arc::from(name), Arc::from(value))).collect()
}

#[cfg(test)]
mod tests {
    use model::Value;

    use super::*;

    use super::Suffix::{Gauge, Other, Total};

    #[track_caller]
    fn check(strategy: NameStrategy, cases: &[(&str, &str, Suffix, &str)]) {
        for (name, unit, suffix, expected) in cases {
            assert_eq!(family(name, unit, *suffix, strategy), *expected, "{name} in {unit}");
        }
    }

    #[test]
    fn names_carry_unit_and_kind() {
        check(
            NameStrategy::UnderscoreEscapingWithSuffixes,
            &[
                (
                    "http.server.request.duration",
                    "s",
                    Other,
                    "http_server_request_duration_seconds",
                ),
                ("http.server.duration", "ms", Other, "http_server_duration_milliseconds"),
                ("requests", "{request}", Total, "requests_total"),
                ("requests_total", "1", Total, "requests_total"),
                ("total.requests", "", Total, "requests_total"),
                ("system.cpu.utilization", "1", Gauge, "system_cpu_utilization_ratio"),
                ("queue.size", "1", Other, "queue_size"),
                ("system.network.io", "By", Total, "system_network_io_bytes_total"),
                ("speed", "m/s", Gauge, "speed_meters_per_second"),
                ("rate", "{packets}/s", Gauge, "rate_per_second"),
                ("calls_per_second", "1/s", Gauge, "calls_per_second"),
                ("disk_bytes", "By", Gauge, "disk_bytes"),
                ("2xx", "", Gauge, "_2xx"),
                ("..", "s", Gauge, ""),
                ("größe", "", Gauge, "gr_e"),
            ],
        );
    }

    #[test]
    fn other_strategies_leave_more_as_it_is() {
        check(
            NameStrategy::UnderscoreEscapingWithoutSuffixes,
            &[
                ("http.server.duration", "ms", Other, "http_server_duration"),
                ("a..b__c", "1", Gauge, "a_b__c"),
                ("2xx", "", Total, "_2xx"),
            ],
        );
        check(
            NameStrategy::NoUtf8EscapingWithSuffixes,
            &[
                ("http.server.duration", "ms", Other, "http.server.duration_milliseconds"),
                ("http.requests", "{request}", Total, "http.requests_total"),
                ("requests.total", "", Total, "requests_total"),
                ("speed.meters", "m/s", Gauge, "speed_meters_per_second"),
                ("größe", "1", Gauge, "größe_ratio"),
            ],
        );
        check(NameStrategy::NoTranslation, &[("a.b", "s", Total, "a.b")]);
    }

    #[test]
    fn label_names_are_safe_and_collisions_are_joined() {
        assert_eq!(label("http.status_code"), "http_status_code");
        assert_eq!(label("2xx"), "key_2xx");
        assert_eq!(label("_a"), "key_a");
        let attributes = vec![
            ("a-b".into(), Value::string("2")),
            ("a.b".into(), Value::string("1")),
            ("c".into(), Value::Int(3)),
        ];
        let pairs: Vec<_> =
            labels(&attributes, false).iter().map(|(n, v)| format!("{n}={v}")).collect();
        assert_eq!(pairs.join(" "), "a_b=2;1 c=3");
        let pairs: Vec<_> = labels(&attributes, true).iter().map(|(n, _)| n.to_string()).collect();
        assert_eq!(pairs.join(" "), "a-b a.b c");
    }
}
