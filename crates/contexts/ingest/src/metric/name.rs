//! OpenTelemetry names and units in Prometheus' alphabet.

use std::{collections::BTreeMap, sync::Arc};

use model::{Attributes, MetricKind};

use crate::series::Pairs;

/// The family's name: the metric's in Prometheus' alphabet, with its unit, and `_total` for a counter.
///
/// `http.server.duration` in `ms` is `http_server_duration_milliseconds`.
pub fn family(name: &str, unit: &str, kind: MetricKind) -> String {
    let mut words: Vec<String> = name
        .split(|c: char| !(c.is_ascii_alphanumeric() || c == ':'))
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect();
    if words.is_empty() {
        return String::new();
    }
    for suffix in unit_words(unit) {
        if !words.contains(&suffix) || suffix == "per" {
            words.push(suffix);
        }
    }
    let last = match kind {
        MetricKind::Counter => Some("total"),
        MetricKind::Gauge if unit == "1" => Some("ratio"),
        MetricKind::Gauge
        | MetricKind::Histogram
        | MetricKind::GaugeHistogram
        | MetricKind::Summary
        | MetricKind::Info
        | MetricKind::StateSet
        | MetricKind::Unknown => None,
    };
    if let Some(last) = last {
        words.retain(|word| word != last);
        words.push(last.to_owned());
    }
    let joined = words.join("_");
    if joined.starts_with(|c: char| c.is_ascii_digit()) { format!("_{joined}") } else { joined }
}

/// `By/s` is `bytes`, `per`, `second`; annotations such as `{request}` say nothing.
fn unit_words(unit: &str) -> Vec<String> {
    let (main, per) = unit.split_once('/').unwrap_or((unit, ""));
    let mut words = Vec::new();
    let clean = |unit: &str| -> Vec<String> {
        unit.split(|c: char| !c.is_ascii_alphanumeric())
            .filter(|w| !w.is_empty())
            .map(str::to_owned)
            .collect()
    };
    if !main.contains(['{', '}']) {
        words.extend(clean(main_unit(main.trim())));
    }
    let per = per.trim();
    if !per.is_empty() && !per.contains(['{', '}']) {
        words.push("per".to_owned());
        words.extend(clean(per_unit(per)));
    }
    words
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
pub(crate) fn labels(attributes: &Attributes) -> Pairs {
    let sorted: BTreeMap<&str, String> =
        attributes.iter().rev().map(|(key, value)| (key.as_ref(), value.to_string())).collect();
    let mut named: BTreeMap<String, String> = BTreeMap::new();
    for (key, value) in sorted {
        if key.is_empty() {
            continue;
        }
        named
            .entry(label(key))
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

    #[test]
    fn names_carry_unit_and_kind() {
        let check =
            |name, unit, kind, expected: &str| assert_eq!(family(name, unit, kind), expected);
        use MetricKind::{Counter, Gauge, Histogram};
        check(
            "http.server.request.duration",
            "s",
            Histogram,
            "http_server_request_duration_seconds",
        );
        check("http.server.duration", "ms", Histogram, "http_server_duration_milliseconds");
        check("requests", "{request}", Counter, "requests_total");
        check("requests_total", "1", Counter, "requests_total");
        check("system.cpu.utilization", "1", Gauge, "system_cpu_utilization_ratio");
        check("system.network.io", "By", Counter, "system_network_io_bytes_total");
        check("speed", "m/s", Gauge, "speed_meters_per_second");
        check("rate", "{packets}/s", Gauge, "rate_per_second");
        check("disk_bytes", "By", Gauge, "disk_bytes");
        check("2xx", "", Gauge, "_2xx");
        check("..", "s", Gauge, "");
        check("größe", "", Gauge, "gr_e");
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
        let pairs: Vec<_> = labels(&attributes).iter().map(|(n, v)| format!("{n}={v}")).collect();
        assert_eq!(pairs.join(" "), "a_b=2;1 c=3");
    }
}
